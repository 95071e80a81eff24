// Loads earlier events: pages of the history, for the current filter.
import { effect, signal, untracked } from "../../vendor/preact.js";
import { get } from "../api.js";
import { capital, seqOf } from "../format.js";
import { toast } from "../ui/toast.js";
import { oldestId, paused, prepend, resume, standStill } from "./feed.js";
import { filter, filterParams } from "./filter.js";
import { isPast, leaveSpan, span, timeParams } from "./span.js";

const PAGE = 200;
// A page can be empty and still have a next one. The user has to ask again after this many pages.
const PAGES_MAX = 10;

// `idle`, `loading`, or `over`, when the log has no earlier events.
export const past = signal("idle");

// Where the next page starts; null before the first one.
let cursor = null;

effect(() => {
  filter.value;
  span.value;
  paused.value;
  cursor = null;
  past.value = "idle";
});

// How long someone types before the gateway is asked.
const TYPING_MS = 250;
let typing = null;
let wasPast = false;

// A span that has ended is read from the gateway, because the page may not have it.
effect(() => {
  filter.value;
  span.value;
  const there = isPast.value;
  clearTimeout(typing);
  untracked(() => {
    if (there) {
      standStill();
      typing = setTimeout(() => readOn({ first: true }), wasPast ? TYPING_MS : 0);
    } else if (wasPast) {
      resume();
    }
  });
  wasPast = there;
});

// Back to live events, from a pause or from the past.
export function goLive() {
  if (isPast.peek()) leaveSpan();
  else resume();
}

// The log counts from 1 without holes, so nothing precedes event 1.
export function isThereMore() {
  return past.value !== "over" && (cursor !== null || seqOf(oldestId()) > 1);
}

export async function readOn({ first = false } = {}) {
  if (past.peek() !== "idle") return;
  const asked = filter.peek();
  const when = span.peek();
  if (!first && !isThereMore()) return;
  // Pausing resets the shared one.
  let next = cursor;
  past.value = "loading";
  try {
    for (let i = 0; i < PAGES_MAX; i += 1) {
      const page = await get(`/api/events?${queryFor(asked, next)}`);
      if (filter.peek() !== asked || span.peek() !== when) return;
      const found = prepend(page.events.toReversed());
      cursor = next = page.next_cursor ?? null;
      past.value = "loading";
      if (next === null || found > 0) break;
    }
    past.value = next === null ? "over" : "idle";
    if (next === null && !first) toast("No earlier events", "info");
  } catch (problem) {
    past.value = "idle";
    toast(capital(problem.message), "warning");
  }
}

function queryFor(asked, next) {
  const params = filterParams(asked);
  for (const [name, value] of Object.entries({ order: "newest", limit: PAGE, ...timeParams() })) params.set(name, value);
  if (next !== null) params.set("cursor", next);
  else if (oldestId() !== null) params.set("before", oldestId());
  return params;
}
