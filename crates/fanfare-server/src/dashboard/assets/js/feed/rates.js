// The number of events per channel in slots of two seconds over the last minute, for the sparklines.

const WIDTH_MS = 2000;
const SLOTS = 30;
// A limit on memory; beyond this many channels, the least busy ones are not worth a sparkline.
const CHANNELS_MAX = 500;

const channels = new Map();
const all = newSeries();

function newSeries() {
  return { counts: new Uint32Array(SLOTS), head: 0 };
}

export function record(channel, ms, nowMs) {
  if (nowMs - ms > WIDTH_MS * SLOTS) return;
  let series = channels.get(channel);
  if (!series) {
    if (channels.size >= CHANNELS_MAX) forgetIdle(nowMs);
    if (channels.size >= CHANNELS_MAX) return;
    series = newSeries();
    channels.set(channel, series);
  }
  add(series, Math.floor(ms / WIDTH_MS));
  add(all, Math.floor(ms / WIDTH_MS));
}

function add(series, slot) {
  advance(series, slot);
  if (slot > series.head - SLOTS) series.counts[slot % SLOTS] += 1;
}

function advance(series, slot) {
  if (slot <= series.head) return;
  const steps = Math.min(slot - series.head, SLOTS);
  for (let i = 0; i < steps; i += 1) series.counts[(slot - i) % SLOTS] = 0;
  series.head = slot;
}

function forgetIdle(nowMs) {
  const oldest = Math.floor(nowMs / WIDTH_MS) - SLOTS;
  for (const [channel, series] of channels) if (series.head < oldest) channels.delete(channel);
}

// Oldest first.
export function seriesOf(channel, nowMs) {
  const series = channel === null ? all : channels.get(channel);
  if (!series) return new Array(SLOTS).fill(0);
  const slot = Math.floor(nowMs / WIDTH_MS);
  advance(series, slot);
  const counts = [];
  for (let i = series.head - SLOTS + 1; i <= series.head; i += 1) counts.push(series.counts[i % SLOTS]);
  return counts;
}

// Events per second over the last ten seconds: the five slots that are complete.
export function rateNow(nowMs) {
  const counts = seriesOf(null, nowMs).slice(-6, -1);
  return counts.reduce((sum, n) => sum + n, 0) / ((WIDTH_MS * counts.length) / 1000);
}
