import { backlog } from "./backlog.js";
import { backlogDisk } from "./backlog-disk.js";
import { consumeAck } from "./consume.js";
import { delayed } from "./delayed.js";
import { endToEnd } from "./end-to-end.js";
import { fairness } from "./fairness.js";
import { fanOut } from "./fan-out.js";
import { flow } from "./flow.js";
import { gmqFrame } from "./gmq-frame.js";
import { gmqHttp } from "./gmq-http.js";
import { gmqLine } from "./gmq-line.js";
import { groupCommit } from "./group-commit.js";
import { grpcPub } from "./grpc-pub.js";
import { httpPush } from "./http-push.js";
import { memmqHttpPub } from "./memmq-http-pub.js";
import { publishBatched, publishSingle } from "./publish.js";
import { recovery } from "./recovery.js";
import { replay } from "./replay.js";
import { requestReply } from "./request-reply.js";
import type { Scenario } from "./scenario.js";
import { subscribers } from "./subscribers.js";
import { topics } from "./topics.js";
import { websocket } from "./websocket.js";
import { work } from "./work.js";
import { wsPub } from "./ws-pub.js";

export const scenarios: readonly Scenario[] = [
  publishBatched,
  publishSingle,
  consumeAck,
  flow,
  work,
  endToEnd,
  requestReply,
  fairness,
  fanOut,
  delayed,
  topics,
  backlog,
  groupCommit,
  recovery,
  backlogDisk,
  replay,
  httpPush,
  websocket,
  memmqHttpPub,
  wsPub,
  subscribers,
  grpcPub,
  gmqLine,
  gmqFrame,
  gmqHttp,
];

/** What runs without arguments. */
export const canonical: readonly Scenario[] = [publishBatched, consumeAck];
