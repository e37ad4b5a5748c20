/** Answers are compared as text, with names in the places of what differs from run to run: see gmq-steps.ts. */

const PLACE = /<id\d*>/g;
const ID = /\d{15,20}/g;
const TIME = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g;

/** Which message id each place stands for. */
export class Places {
  readonly #ids = new Map<string, string>();

  /** Puts ids into a text that has places. */
  fill(text: string): string {
    return text.replaceAll(PLACE, (place) => this.#ids.get(place) ?? place);
  }

  /** Puts places into an answer. An id that is new takes the first place of the expected answer that is free. */
  hide(answer: string, expected: string): string {
    const free = (expected.match(PLACE) ?? []).filter((place) => !this.#ids.has(place));
    return answer.replaceAll(TIME, "<time>").replaceAll(ID, (id) => {
      for (const [place, known] of this.#ids) if (known === id) return place;
      const place = free.shift();
      if (place !== undefined) this.#ids.set(place, id);
      return place ?? id;
    });
  }
}
