// The feed: what came in, and what of it is shown. The stream writes into the ring at any pace;
// the view is brought up to date once per animation frame.
import { batch, computed, effect, signal, untracked } from "../../vendor/preact.js";
import { matches } from "./filter.js";
import { record } from "./rates.js";
import { Ring } from "./ring.js";

export const CAPACITY = 5000;

const ring = new Ring(CAPACITY);
// While paused, the entries as they were: the ring goes on turning, and would take them from under the reader.
let frozen = null;
let view = { items: [], through: 0, removed: 0, built: 0 };

// Replaced on every change; `items` itself is changed in place.
export const shown = signal(view);
// The serial number at which the reader paused, or null.
const pausedAt = signal(null);
export const paused = computed(() => pausedAt.value !== null);
// How many entries that pass the filter came since.
export const waiting = signal(0);
// Every event received since the page was opened, history included.
export const received = signal(0);

let frame = 0;
// Counted as they arrive: in a hidden tab the ring may turn many times before the next frame.
let newer = 0;
let events = 0;

export function appendEvent(event, { history = false } = {}) {
  const ms = Date.parse(event.timestamp);
  record(event.channel, ms, Date.now());
  const entry = ring.push({ kind: "event", event, ms, history });
  events += 1;
  if (frozen && matches.peek()(entry)) newer += 1;
  schedule();
}

// A row about the stream itself: `gap`, `reset`, `caught-up`, `closing`, `lost`.
export function appendNotice(kind, data) {
  ring.push({ kind, data, ms: Date.now() });
  schedule();
}

function schedule() {
  if (!frame) frame = requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  batch(() => {
    received.value = events;
    if (frozen) waiting.value = newer;
    else extend();
  });
}

function extend() {
  const { items } = view;
  const passes = matches.peek();
  for (const entry of ring.from(view.through)) if (passes(entry)) items.push(entry);
  let gone = 0;
  while (gone < items.length && items[gone].n < ring.first) gone += 1;
  if (gone) items.splice(0, gone);
  view = { items, through: ring.next, removed: view.removed + gone, built: view.built };
  shown.value = view;
}

function rebuild() {
  const passes = matches.peek();
  const source = frozen ?? ring.from(0);
  view = { items: source.filter(passes), through: ring.next, removed: 0, built: view.built + 1 };
  newer = frozen ? ring.from(pausedAt.peek()).filter((entry) => entry.event && passes(entry)).length : 0;
  waiting.value = newer;
  shown.value = view;
}

effect(() => {
  matches.value;
  untracked(() => {
    // What was fetched from the past was fetched for the filter of then.
    frozen = frozen?.filter(({ n }) => n >= 0) ?? null;
    batch(rebuild);
  });
});

// The oldest event that is here, whether the filter shows it or not.
export function oldestId() {
  if (frozen) return frozen.find((entry) => entry.event)?.event.id ?? null;
  for (let n = ring.first; n < ring.next; n += 1) if (ring.at(n).event) return ring.at(n).event.id;
  return null;
}

// Puts events of the past, oldest first, before what is shown. The past is read while the feed stands still:
// in the ring there is no room for it. Its serial numbers go down from zero.
export function prepend(events) {
  pause();
  const first = Math.min(0, frozen[0]?.n ?? 0);
  const entries = events.map((event, i) => ({ kind: "event", event, ms: Date.parse(event.timestamp), history: true, n: first - events.length + i }));
  const passing = entries.filter(matches.peek());
  frozen = [...entries, ...frozen];
  view = { ...view, items: [...passing, ...view.items], removed: view.removed - passing.length };
  shown.value = view;
  return passing.length;
}

export function pause() {
  if (frozen) return;
  batch(() => {
    extend();
    frozen = ring.from(0);
    newer = 0;
    waiting.value = 0;
    pausedAt.value = ring.next;
  });
}

export function resume() {
  if (!frozen) return;
  batch(() => {
    frozen = null;
    pausedAt.value = null;
    rebuild();
  });
}

// The place in `items` of the first entry whose serial number is at least `n`.
export function indexOf(items, n) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].n < n) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function findById(id) {
  const source = frozen ?? ring.from(0);
  return source.findLast((entry) => entry.event?.id === id);
}

// Those of these that are here, by id.
export function findAll(ids) {
  const found = new Map();
  for (const { event } of frozen ?? ring.from(0)) if (event && ids.has(event.id)) found.set(event.id, event);
  return found;
}
