/** Requests that are sent ahead of their answers, a bounded number of them; answers are handled in order. */

/** Round trips of a millisecond do not count with so many; a node's own bound on them is higher. */
const WINDOW = 512;

/** Sends `count` requests. `handle` returning false stops: what is under way then is not waited for. */
export const sendAhead = async <T>(
  count: number,
  send: (index: number) => Promise<T>,
  handle: (answer: T, index: number) => boolean | Promise<boolean>,
  maxAhead = WINDOW,
): Promise<void> => {
  const window: Promise<T>[] = [];
  let sent = 0;
  for (let done = 0; done < count; done++) {
    while (sent < count && sent - done < maxAhead) {
      const answer = send(sent++);
      // It is awaited in its turn.
      answer.catch(() => {});
      window.push(answer);
    }
    const answer = window.shift();
    if (answer === undefined || !(await handle(await answer, done))) return;
  }
};
