// The feed: received events, and which of them are shown. The stream writes into the ring at any rate;
// the view is updated once per animation frame.
import { batch, computed, effect, signal, untracked } from "../../vendor/preact.js";
import { dayOf } from "../days.js";
import { matches } from "./filter.js";
import { record } from "./rates.js";
import { Ring } from "./ring.js";

export const CAPACITY = 5000;

const ring = new Ring(CAPACITY);
// The entries at the moment of pausing, because the ring keeps overwriting its oldest ones.
let frozen = null;
let view = { items: [], through: 0, removed: 0, built: 0 };

// Replaced on every change; `items` itself is modified in place.
export const shown = signal(view);
// The serial number at which the user paused, or null.
const pausedAt = signal(null);
export const paused = computed(() => pausedAt.value !== null);
// The number of matching entries received since.
export const waiting = signal(0);
// The number of events received since the page was opened, including history.
export const received = signal(0);

let frame = 0;
// Counted on arrival, because in a hidden tab the ring can overwrite itself many times before the next frame.
let newer = 0;
let events = 0;

const listeners = new Set();

// Calls `tell` with the entry of each event that is not history.
export function listenToArrivals(tell) {
  listeners.add(tell);
}

export function appendEvent(event, { history = false } = {}) {
  const ms = Date.parse(event.timestamp);
  record(event.channel, ms, Date.now());
  const entry = ring.push({ kind: "event", event, ms, history });
  events += 1;
  if (frozen && matches.peek()(entry)) newer += 1;
  if (!history) for (const tell of listeners) tell(entry);
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
  for (const entry of ring.from(view.through)) if (passes(entry)) add(items, entry);
  let gone = 0;
  while (gone < items.length && items[gone].n < ring.first) gone += 1;
  if (gone) items.splice(0, gone);
  view = { items, through: ring.next, removed: view.removed + gone, built: view.built };
  shown.value = view;
}

// Where a new day begins, a row says so. Its serial number lies between those of its neighbours.
function add(items, entry) {
  const before = items.at(-1);
  if (before && dayOf(before.ms) !== dayOf(entry.ms)) items.push({ kind: "day", ms: entry.ms, n: entry.n - 0.5 });
  items.push(entry);
}

function inDays(entries) {
  const items = [];
  for (const entry of entries) add(items, entry);
  return items;
}

function rebuild() {
  const passes = matches.peek();
  const source = frozen ?? ring.from(0);
  view = { items: inDays(source.filter(passes)), through: ring.next, removed: 0, built: view.built + 1 };
  newer = frozen ? ring.from(pausedAt.peek()).filter((entry) => entry.event && passes(entry)).length : 0;
  waiting.value = newer;
  shown.value = view;
}

effect(() => {
  matches.value;
  untracked(() => {
    // Earlier events were loaded for the previous filter.
    frozen = frozen?.filter(({ n }) => n >= 0) ?? null;
    batch(rebuild);
  });
});

// The oldest event on the page, whether or not it matches the filter.
export function oldestId() {
  if (frozen) return frozen.find((entry) => entry.event)?.event.id ?? null;
  for (let n = ring.first; n < ring.next; n += 1) if (ring.at(n).event) return ring.at(n).event.id;
  return null;
}

// Inserts earlier events, oldest first, before the shown ones. Pauses the feed, because the ring has no room for
// them. Their serial numbers count down from zero.
export function prepend(events) {
  pause();
  const first = Math.min(0, frozen[0]?.n ?? 0);
  const entries = events.map((event, i) => ({ kind: "event", event, ms: Date.parse(event.timestamp), history: true, n: first - events.length + i }));
  // The gateway has filtered them.
  const items = inDays(entries);
  const [next] = view.items;
  if (next && items.length && dayOf(next.ms) !== dayOf(items.at(-1).ms)) items.push({ kind: "day", ms: next.ms, n: next.n - 0.5 });
  frozen = [...entries, ...frozen];
  view = { ...view, items: [...items, ...view.items], removed: view.removed - items.length };
  shown.value = view;
  return entries.length;
}

// Shows nothing until events are inserted: those that are here are not of the time that was picked.
export function standStill() {
  pause();
  frozen = [];
  rebuild();
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

// The index in `items` of the first entry whose serial number is at least `n`.
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

// The events with these ids that are on the page, by id.
export function findAll(ids) {
  const found = new Map();
  for (const { event } of frozen ?? ring.from(0)) if (event && ids.has(event.id)) found.set(event.id, event);
  return found;
}
