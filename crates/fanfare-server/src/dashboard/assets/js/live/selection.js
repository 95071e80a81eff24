// The event under the cursor, the open event, and whether the feed follows the newest.
import { computed, signal } from "../../vendor/preact.js";
import { indexOf, shown } from "../feed/feed.js";
import { goLive, readOn } from "../feed/past.js";
import { isPicked, leaveSpan } from "../feed/span.js";
import { query, setParams } from "../router.js";
import { clearPicked, picked, togglePicked } from "./picked.js";

// The serial number of the row under the cursor, or null.
export const cursor = signal(null);
// The list follows new events until the user scrolls away from the end.
export const following = signal(true);
export const openId = computed(() => new URLSearchParams(query.value).get("event"));

export function open(entry) {
  cursor.value = entry.n;
  setParams({ event: entry.event.id }, { replace: openId.peek() !== null });
}

export function openCursor() {
  const { items } = shown.peek();
  const entry = items[indexOf(items, cursor.peek() ?? Infinity)];
  if (entry?.event) open(entry);
}

export function pickCursor() {
  const { items } = shown.peek();
  const entry = items[indexOf(items, cursor.peek() ?? Infinity)];
  if (entry?.event) togglePicked(entry.event);
}

export function closeEvent() {
  if (openId.peek() === null) {
    // One step out at a time: the picked events, the picked time, the row.
    if (picked.peek().size) clearPicked();
    else if (isPicked.peek()) leaveSpan();
    else cursor.value = null;
    return;
  }
  setParams({ event: null }, { replace: true });
  // Returns the focus to the row.
  requestAnimationFrame(() => document.querySelector("[data-row][aria-current]")?.focus({ preventScroll: true }));
}

// Moves to the next event in this direction, skipping rows that are not events.
export function move(step) {
  const { items } = shown.peek();
  const at = cursor.peek();
  let i = at === null ? (step > 0 ? items.length - 1 : items.length) : indexOf(items, at);
  if (at !== null || step < 0) i += step;
  while (items[i] && !items[i].event) i += step;
  if (!items[i]) {
    if (step < 0) readOn();
    return;
  }
  cursor.value = items[i].n;
  if (i < items.length - 1) following.value = false;
  if (openId.peek() !== null) open(items[i]);
}

export function jumpToNewest() {
  goLive();
  cursor.value = null;
  following.value = true;
}
