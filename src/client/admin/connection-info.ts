/** What the broker tells of its connections, and of who takes messages. */

/** A connection of the broker, of whatever protocol. */
export interface ConnectionInfo {
  readonly id: number;
  /** `tcp`, `tls`, `websocket`, `grpc`, `http`, or another front end of the broker. */
  readonly protocol: string;
  /** Of its client; with the port where it has a socket to itself. */
  readonly address: string;
  /** Who it has shown to be; empty: nobody. */
  readonly user: string;
  /** What its program calls itself; empty: it has not said. */
  readonly name: string;
  /** When it was opened: milliseconds since 1970. */
  readonly since: number;
  /** Requests that are not answered, waiting pops among them. */
  readonly unanswered: number;
  /** Consumers and responders. */
  readonly consumers: number;
  readonly subscriptions: number;
  /** Bytes that its client has not taken. */
  readonly unsentBytes: number;
  /** Bytes of requests that wait for busy shards. */
  readonly waitingBytes: number;
  /** Its client takes too little, so that deliveries to it wait. */
  readonly held: boolean;
  /** Bytes of frames so far. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Bytes a second, of about the last second. */
  readonly receivedRate: number;
  readonly sentRate: number;
}

/** A consumer or a waiting pop. */
export interface ConsumerInfo {
  /** Among those of its shard. */
  readonly number: number;
  /** The id of its connection. */
  readonly connection: number;
  /** What its program calls itself; empty: it has not said. */
  readonly client: string;
  readonly topic: string;
  readonly queue: string;
  /** It is a pop that waits. */
  readonly pop: boolean;
  /**
   * `waiting`: it would be handed a message now. `no-credit`: it has as many as it has asked for. `held`: its connection takes
   * too little. `stopped`: it takes no more, and has not settled all that it holds.
   */
  readonly state: "waiting" | "no-credit" | "held" | "stopped";
  /** Messages that it may still be sent. Below 0: so many that it gives back do not count. */
  readonly credit: number;
  /** Messages that it holds. */
  readonly inFlight: number;
}
