// The newest entries of the feed, at most `capacity` of them. Every entry has a serial number `n` of its own,
// because rows that are not events (gaps, resets) have no position.
export class Ring {
  #slots;
  #capacity;
  #next = 0;

  constructor(capacity) {
    this.#capacity = capacity;
    this.#slots = new Array(capacity);
  }

  push(entry) {
    entry.n = this.#next;
    this.#slots[this.#next % this.#capacity] = entry;
    this.#next += 1;
    return entry;
  }

  // The serial number that the next entry will get.
  get next() {
    return this.#next;
  }

  // The serial number of the oldest entry that is still here.
  get first() {
    return Math.max(0, this.#next - this.#capacity);
  }

  at(n) {
    return n >= this.first && n < this.#next ? this.#slots[n % this.#capacity] : undefined;
  }

  // The entries from `n` on, oldest first.
  from(n) {
    const entries = [];
    for (let i = Math.max(n, this.first); i < this.#next; i += 1) entries.push(this.at(i));
    return entries;
  }
}
