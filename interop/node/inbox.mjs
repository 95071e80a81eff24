// Turns callbacks into something a test can wait for, with a deadline.

const WAIT_MS = 20_000;

export class Inbox {
  #items = [];
  #waiting = null;

  put = (item) => {
    this.#items.push(item);
    this.#waiting?.();
  };

  async next() {
    if (this.#items.length === 0) {
      await new Promise((resolve, reject) => {
        const alarm = setTimeout(() => reject(new Error("nothing came in time")), WAIT_MS);
        this.#waiting = () => {
          clearTimeout(alarm);
          this.#waiting = null;
          resolve();
        };
      });
    }
    return this.#items.shift();
  }

  async take(count) {
    const taken = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  // What has arrived and was not asked for.
  get rest() {
    return [...this.#items];
  }
}
