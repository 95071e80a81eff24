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

// The end of the next page; null before the first one.
let before = null;

effect(() => {
  filter.value;
  paused.value;
  before = null;
  past.value = "idle";
});

// The log counts from 1 without holes, so nothing precedes event 1.
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
      // Pausing has reset these.
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
  // The text is matched in the browser, because it also searches the data, which the history does not.
  const params = new URLSearchParams({ order: "newest", limit: PAGE, before: end });
  for (const channel of channels) params.append("channel", channel);
  for (const type of types) params.append("type", type);
  return params;
}
