/**
 * The client of ringmq: pure JavaScript, for Node and for browsers (over WebSocket).
 *
 * ```ts
 * const client = await connect("tcp://127.0.0.1:9503");
 * await client.publish("orders", "hello");
 * for await (const message of await client.consume("orders")) {
 *   console.log(message.text());
 *   void message.ack();
 * }
 * ```
 */

// `await using` and Symbol.asyncDispose, for programs whose own settings do not know them.
/// <reference lib="esnext.disposable" preserve="true" />

export type { Headers } from "../protocol/headers.js";
export type { ConnectionInfo, ConsumerInfo } from "./admin/connection-info.js";
export type { DelayedCounts, DelayedOptions } from "./admin/delayed-counts.js";
export type { ExplainOptions, Finding, FindingCode } from "./admin/finding.js";
export type { HistoryCopy, HistoryEvent, HistoryOrigin, MessageHistory } from "./admin/message-history.js";
export type { DeadLetterGroup, DeadLetterGroups } from "./arguments/dead-letter-groups.js";
export type {
  AnyQueueOptions,
  BackupSummary,
  Body,
  BrowseOptions,
  ChannelConfig,
  ChannelPosition,
  ChannelPublishOptions,
  ChannelStatistics,
  CloseOptions,
  ConnectionOptions,
  ConnectOptions,
  ConsumeOptions,
  DrainOptions,
  FindOptions,
  MessageState,
  NackOptions,
  Overflow,
  Pem,
  PopDeadOptions,
  PopOptions,
  Prefetch,
  PublishBatchOptions,
  PublishOptions,
  PurgeOptions,
  QueueOptions,
  QueueStatistics,
  ReconnectOptions,
  RedriveOptions,
  RequestOptions,
  RespondOptions,
  Resumption,
  SubscribeOptions,
  TlsOptions,
  TopicConfig,
  TopicStatistics,
  TouchOptions,
} from "./arguments/options.js";
export type { ProcessEvent, PublishEvent, TraceHooks, TraceTarget } from "./arguments/trace-hooks.js";
export { type ClientErrorName, RingmqError, type RingmqErrorCode } from "./base/error.js";
export type { ReplyContent, RequestHandler } from "./calls/handler.js";
export type { ReceivedRequest } from "./calls/received-request.js";
export type { Reply } from "./calls/reply.js";
export type { Responder } from "./calls/responder.js";
export type { ChannelMessage } from "./channels/channel-message.js";
export type { Subscription } from "./channels/subscription.js";
export type { Client } from "./client.js";
export { connect } from "./connect.js";
export type { BrokerInfo, Limits } from "./connection/hello.js";
export type { ConnectionStatus } from "./connection/status.js";
export type { Consumer } from "./consume/consumer.js";
export type { FoundMessage, MessageCopy } from "./consume/found-message.js";
export type { Ids } from "./consume/id-settler.js";
export type { Keys } from "./consume/key-settler.js";
export type { Message } from "./consume/message.js";
export type { MessageBatch } from "./consume/message-batch.js";
export type { LocatedMessage, MessageSearch } from "./consume/message-search.js";
export type { Settlement, SettlementFault } from "./consume/settle-result.js";
export type { DeathReason, StoredMessage } from "./consume/stored-message.js";
export type { DeadLetters, EditedDeadLetter } from "./dead-letters/dead-letters.js";
export type {
  DeadLetterChoice,
  DeadLetterEditOptions,
  DeadLetterGroupOptions,
  DeadLetterListOptions,
  DeadLetterRedriveOptions,
} from "./dead-letters/options.js";
export type { Failure, FailureKind } from "./messages/failure.js";
export { connectNodes } from "./nodes/connect-nodes.js";
export type { NodesClient } from "./nodes/nodes-client.js";
export type { NodesConsumer } from "./nodes/nodes-consumer.js";
export type { NodesResponder } from "./nodes/nodes-responder.js";
export type { NodesSearch } from "./nodes/nodes-search.js";
export type { NodesSubscription } from "./nodes/nodes-subscription.js";
export type { NodesWatch } from "./nodes/nodes-watch.js";
export type {
  ConnectNodesOptions,
  KnownNode,
  NodeConnectionState,
  NodeScheme,
  NodeState,
  NodesChannelReceipt,
  NodesEvent,
  NodesSource,
  OfNode,
  Selector,
  SelectorName,
} from "./nodes/options.js";
export type { PickBy } from "./nodes/picker.js";
export type { BatchReceipt, ChannelReceipt, DurabilityName, Receipt } from "./publish/receipt.js";
export { type Codec, codecs } from "./topics/codec.js";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./topics/standard-schema.js";
export type { Topic, TopicOptions } from "./topics/topic.js";
export type { TopicConsumer } from "./topics/topic-consumer.js";
export type { TopicMessage } from "./topics/topic-message.js";
export type { BrokerSample, SampleNumbers, ShardSample } from "./watch/broker-sample.js";
export type { Watch } from "./watch/watch.js";
export type { QueueWorker } from "./work/queue-worker.js";
export { UnrecoverableError } from "./work/unrecoverable-error.js";
export type { WorkContext } from "./work/work-context.js";
export type { RetryDelay, WorkHandler, WorkOptions, WorkRetryOptions } from "./work/work-options.js";
