/** HISTORY: what is known of a message. The shard is asked what it is now, a thread of the pool reads the journal. */
import { ProtocolError } from "../../protocol/errors.js";
import { packHead } from "../../protocol/head.js";
import { Answer, Op, WITH_HISTORY } from "../../protocol/op.js";
import { SELECTION_BYTES, writeSelection } from "../../protocol/selection.js";
import type { TrailResult } from "../../workers/jobs/job.js";
import type { JobPool } from "../shards/job-pool.js";
import type { Router } from "../shards/router.js";
import type { AnswerFrame } from "./answer-frame.js";
import { refusal, refusalMessage, result } from "./answer-reading.js";
import { type LookedUp, type MessageHistory, messageHistory } from "./message-history.js";
import type { Session } from "./session.js";
import type { SessionClient } from "./session-client.js";
import { SocketlessClient } from "./socketless-client.js";

/** How many may be asked for at a time: each reads files for up to a second or two. */
const MAX_RUNNING = 2;

export interface HistoryParts {
  readonly router: Router;
  readonly pool: Pick<JobPool, "run">;
  /** The data directory; undefined: nothing is on disk. */
  readonly data: string | undefined;
  /** A session of the broker's own. */
  openSession(client: SessionClient): Session;
}

/** The broker, which asks a shard as a client does. */
class Asker extends SocketlessClient {
  readonly session: Session;

  constructor(open: HistoryParts["openSession"]) {
    super();
    this.session = open(this);
  }

  override destroy(): void {
    this.session.closed();
  }
}

export class MessageHistories {
  readonly #parts: HistoryParts;
  #asker: Asker | undefined;
  #running = 0;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** Rejects with a `ProtocolError`. */
  async of(topic: string, idHigh: number, idLow: number): Promise<MessageHistory> {
    if (this.#running >= MAX_RUNNING) throw new ProtocolError("BUSY", "other histories are being looked up");
    this.#running++;
    try {
      // What the journal says comes first: what it does not say any more, or not yet, the shard knows.
      const trail = await this.#trail(topic, idHigh, idLow);
      const found = await this.#lookUp(topic, idHigh, idLow);
      return messageHistory(topic, idHigh, idLow, found, trail);
    } finally {
      this.#running--;
    }
  }

  async #trail(topic: string, idHigh: number, idLow: number): Promise<TrailResult | undefined> {
    const { data, pool, router } = this.#parts;
    if (data === undefined) return undefined;
    const head = packHead([topic]);
    const shard = router.route(head, new DataView(head.buffer, head.byteOffset, head.length), 0, head.length);
    const outcome = await pool.run({ job: "trail", data, shard, topic, idHigh, idLow });
    if (outcome.ok) return outcome.result;
    throw new ProtocolError("JOURNAL_FAILED", `the journal cannot be read: ${outcome.error.message}`);
  }

  /** Its copies, in the queues where it is. */
  #lookUp(topic: string, idHigh: number, idLow: number): Promise<readonly LookedUp[]> {
    if (this.#asker?.session.isOpen !== true) this.#asker = new Asker((client) => this.#parts.openSession(client));
    const { session } = this.#asker;
    const selection = new Uint8Array(SELECTION_BYTES);
    writeSelection(new DataView(selection.buffer), 0, idHigh, idLow, 1, 0);
    return new Promise((resolve, reject) => {
      session.request(Op.LOOKUP, WITH_HISTORY, packHead([topic]), selection, (frame) => {
        try {
          resolve(copiesIn(frame));
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}

const copiesIn = (frame: AnswerFrame): readonly LookedUp[] => {
  if (frame.op === Answer.RESULT) {
    const found = result(frame);
    return Array.isArray(found) ? (found[4] as readonly LookedUp[]) : [];
  }
  const code = refusal(frame) ?? "JOURNAL_FAILED";
  if (code === "NO_TOPIC") return [];
  throw new ProtocolError(code, refusalMessage(frame));
};
