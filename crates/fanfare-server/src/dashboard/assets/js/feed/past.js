// Loads earlier events: pages of the history, for the current filter.
import { effect, signal } from "../../vendor/preact.js";
import { get } from "../api.js";
import { capital, seqOf } from "../format.js";
import { toast } from "../ui/toast.js";
import { oldestId, paused, prepend } from "./feed.js";
import { filter } from "./filter.js";

const PAGE = 200;
// A page can be empty and still have a next one. The user has to ask again after this many pages.
const PAGES_MAX = 10;

// `idle`, `loading`, or `over`, when the log has no earlier events.
export const past = signal("idle");

// Where the next page starts; null before the first one.
let cursor = null;

effect(() => {
  filter.value;
  paused.value;
  cursor = null;
  past.value = "idle";
});

// The log counts from 1 without holes, so nothing precedes event 1.
export function isThereMore() {
  return past.value !== "over" && (cursor !== null || seqOf(oldestId()) > 1);
}

export async function readOn() {
  if (past.peek() !== "idle") return;
  const asked = filter.peek();
  if (!isThereMore()) return;
  // Pausing resets the shared one.
  let next = cursor;
  past.value = "loading";
  try {
    for (let i = 0; i < PAGES_MAX; i += 1) {
      const page = await get(`/api/events?${queryFor(asked, next)}`);
      if (filter.peek() !== asked) return;
      const found = prepend(page.events.toReversed());
      cursor = next = page.next_cursor ?? null;
      past.value = "loading";
      if (next === null || found > 0) break;
    }
    past.value = next === null ? "over" : "idle";
    if (next === null) toast("No earlier events", "info");
  } catch (problem) {
    past.value = "idle";
    toast(capital(problem.message), "warning");
  }
}

function queryFor({ channels, types }, next) {
  // The text is matched in the browser, because it also searches the data, which the history does not.
  const params = new URLSearchParams({ order: "newest", limit: PAGE });
  if (next === null) params.set("before", oldestId());
  else params.set("cursor", next);
  for (const channel of channels) params.append("channel", channel);
  for (const type of types) params.append("type", type);
  return params;
}
