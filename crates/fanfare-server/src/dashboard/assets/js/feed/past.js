// Reading on into the past: pages of the history, for the filter that is set.
import { effect, signal } from "../../vendor/preact.js";
import { get } from "../api.js";
import { capital, seqOf } from "../format.js";
import { toast } from "../ui/toast.js";
import { oldestId, paused, prepend } from "./feed.js";
import { filter } from "./filter.js";

const PAGE = 200;
// A page may be empty and still have a next one; so many are asked for before the reader is asked again.
const PAGES_MAX = 10;

// `idle`, `loading`, or `over`: the log has nothing older.
export const past = signal("idle");

// Where the next page ends; null before the first one.
let before = null;

effect(() => {
  filter.value;
  paused.value;
  before = null;
  past.value = "idle";
});

// The log counts from 1 without holes: before the first event there is nothing.
export function isThereMore() {
  return past.value !== "over" && seqOf(before ?? oldestId()) > 1;
}

export async function readOn() {
  if (past.peek() !== "idle") return;
  const asked = filter.peek();
  let end = before ?? oldestId();
  if (!isThereMore()) return;
  past.value = "loading";
  try {
    for (let i = 0; i < PAGES_MAX; i += 1) {
      const page = await get(`/api/events?${queryFor(asked, end)}`);
      if (filter.peek() !== asked) return;
      const found = prepend(page.events.toReversed());
      // Pausing has set these back.
      before = end = page.next ?? null;
      past.value = "loading";
      if (end === null || found > 0) break;
    }
    past.value = end === null ? "over" : "idle";
    if (end === null) toast("No earlier events", "info");
  } catch (problem) {
    past.value = "idle";
    toast(capital(problem.message), "warning");
  }
}

function queryFor({ channels, types }, end) {
  // The text is matched here: it also looks into the data, which the history does not.
  const params = new URLSearchParams({ order: "newest", limit: PAGE, before: end });
  for (const channel of channels) params.append("channel", channel);
  for (const type of types) params.append("type", type);
  return params;
}
