/** What all clients of frames of one broker share. */
import { AnswerTurns } from "../answer-turns.js";
import { JobTable } from "./job-table.js";
import { Surplus } from "./surplus.js";
import { TopicTtrs } from "./topic-ttrs.js";

export class FrameContext {
  /** For requests whose answers may be large. */
  readonly turns = new AnswerTurns();
  readonly ttrs = new TopicTtrs(this.turns);

  readonly surplus = new Surplus();

  constructor(readonly jobs = new JobTable()) {}
}
