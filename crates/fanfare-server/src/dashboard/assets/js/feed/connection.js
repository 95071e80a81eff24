// The stream. EventSource delivers it, but this module decides when to reconnect, because the browser
// stops for good if a starting server returns 503, and does not say when it will retry.
import { signal } from "../../vendor/preact.js";
import { get } from "../api.js";
import { at } from "../base.js";
import { seqOf } from "../format.js";
import { appendEvent, appendNotice, CAPACITY } from "./feed.js";

// The number of past events on a new page.
const HISTORY = 500;
const WAIT_FIRST_MS = 1000;
const WAIT_MAX_MS = 15000;

// `{ state: "connecting" | "live" }` or `{ state: "reconnecting", until }`.
export const connection = signal({ state: "connecting" });

// When the gateway stopped answering, or null.
export const lostAt = signal(null);

let source = null;
let timer = null;
let failures = 0;
// The last position received; null until the history was read.
let position = null;
let announcedWait = null;
let wasLive = false;

export async function start() {
  try {
    const page = await newest();
    show(page);
    open();
  } catch {
    comeBack(start);
  }
}

function newest() {
  return get(`/api/events?order=newest&limit=${HISTORY}`);
}

function show(page) {
  for (const event of page.events.toReversed()) appendEvent(event, { history: true });
  // From the newest event on the page, not from the end of the log: others may have pushed between the two reads.
  position = page.events[0]?.id ?? page.last ?? "";
}

// A page that was away for long may have missed more than it can hold; it then resumes from the newest and says so.
async function goOn() {
  try {
    const { last } = await get("/api/status");
    if (isSameLog(last) && seqOf(last) - seqOf(position) > CAPACITY) {
      const after = position;
      const page = await newest();
      appendNotice("skipped", { after, next: page.events.at(-1)?.id ?? page.last });
      show(page);
    }
    open();
  } catch {
    comeBack(goOn);
  }
}

function isSameLog(last) {
  const epochOf = (text) => text?.split("-")[0];
  return Boolean(position) && epochOf(last) === epochOf(position);
}

function open() {
  const from = position ? `last_event_id=${encodeURIComponent(position)}` : "since=earliest";
  source = new EventSource(at(`/stream?format=json&${from}`));
  source.onopen = () => {
    failures = 0;
    wasLive = true;
    lostAt.value = null;
    connection.value = { state: "live" };
  };
  source.onmessage = ({ data, lastEventId }) => {
    if (lastEventId) position = lastEventId;
    appendEvent(JSON.parse(data));
  };
  for (const kind of ["gap", "reset", "caught-up", "closing"]) {
    source.addEventListener(kind, (frame) => notice(kind, JSON.parse(frame.data)));
  }
  source.onerror = () => {
    source.close();
    source = null;
    if (wasLive) appendNotice("lost", {});
    wasLive = false;
    comeBack(goOn);
  };
}

function notice(kind, data) {
  if (kind === "closing") announcedWait = data.retry_ms;
  // The old position means nothing in this log; sending it again would get another `reset`.
  if (kind === "reset" && data.position) position = data.position;
  appendNotice(kind, data);
}

function comeBack(attempt) {
  const usual = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** failures);
  // Randomised, so that pages that lost the same server do not all return at once.
  const wait = announcedWait ?? usual * (0.75 + Math.random() / 2);
  announcedWait = null;
  failures += 1;
  lostAt.value ??= Date.now();
  connection.value = { state: "reconnecting", until: Date.now() + wait };
  pending = attempt;
  timer = setTimeout(retryNow, wait);
}

let pending = null;

export function retryNow() {
  if (!pending) return;
  clearTimeout(timer);
  const attempt = pending;
  pending = null;
  connection.value = { state: "connecting" };
  attempt();
}

window.addEventListener("online", retryNow);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) retryNow();
});
