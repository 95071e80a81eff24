// The labels of a time axis: whole minutes, hours or midnights, as many as there is room for.
import { clockTime, dayOf, shortDay } from "../days.js";

const ROOM = 84;
const NOW_ROOM = 56;
const DAY = 86_400_000;
const steps = [5_000, 15_000, 30_000, 60_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 3 * 3_600_000, 6 * 3_600_000, 12 * 3_600_000];
const days = [1, 2, 7, 14, 30, 90, 365];

export function ticks(bars, width) {
  if (bars.length === 0 || width === 0) return [];
  const from = bars[0].from;
  const to = bars.at(-1).to;
  const xOf = (ms) => Math.round(((ms - from) / (to - from)) * width);
  const most = Math.max(1, Math.floor(width / ROOM));
  const step = steps.find((ms) => (to - from) / ms <= most);
  const times = step ? within(from, to, step) : midnights(from, to, days.find((n) => (to - from) / (n * DAY) <= most) ?? 365);
  const found = times
    .map((ms) => ({ x: xOf(ms), text: ms === dayOf(ms) ? shortDay(ms) : clockTime(ms, { seconds: step < 60_000 }) }))
    .filter(({ x }) => x >= 0 && x < width - NOW_ROOM);
  return [...found, { x: width, text: "now", end: true }];
}

// Counted from midnight, so that the labels are round wherever one lives.
function within(from, to, step) {
  const times = [];
  let day = dayOf(from);
  while (day < to) {
    const next = dayOf(day + 1.5 * DAY);
    for (let ms = day; ms < Math.min(next, to); ms += step) if (ms >= from) times.push(ms);
    day = next;
  }
  return times;
}

function midnights(from, to, every) {
  const times = [];
  let n = 0;
  for (let day = dayOf(from); day < to; day = dayOf(day + 1.5 * DAY)) {
    if (n % every === 0 && day >= from) times.push(day);
    n += 1;
  }
  return times;
}
