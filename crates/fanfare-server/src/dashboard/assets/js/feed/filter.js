// The filter of the feed: channels (patterns), types and a text, read from the URL.
import { computed } from "../../vendor/preact.js";
import { query, setParams } from "../router.js";
import { earliest, span } from "./span.js";

// Only these parameters, so that opening an event does not rebuild the view.
const text = computed(() => {
  const all = new URLSearchParams(query.value);
  const ours = new URLSearchParams();
  for (const name of ["channel", "type", "q"]) for (const value of all.getAll(name)) ours.append(name, value);
  return ours.toString();
});

export const filter = computed(() => {
  const params = new URLSearchParams(text.value);
  return { channels: params.getAll("channel"), types: params.getAll("type"), q: params.get("q") ?? "" };
});

export const isFiltered = computed(() => text.value !== "");

// What is searched for, in lowercase.
export const needle = computed(() => filter.value.q.trim().toLowerCase());

export const matches = computed(() => {
  const passes = matcher(filter.value);
  const { until } = span.value;
  const since = earliest();
  if (since === null && until === null) return passes;
  return (entry) => (!entry.event || ((since === null || entry.ms >= since) && (until === null || entry.ms < until))) && passes(entry);
});

// The parameters of the gateway for the same filter.
export function filterParams({ channels, types, q }) {
  const params = new URLSearchParams();
  for (const channel of channels) params.append("channel", channel);
  for (const type of types) params.append("type", type);
  if (q.trim()) params.set("search", q.trim());
  return params;
}

// Rows that are not events always pass, because a gap concerns every filter.
export function matcher({ channels, types, q }) {
  const patterns = channels.map(patternOf);
  const needle = q.trim().toLowerCase();
  return (entry) => {
    const { event } = entry;
    if (!event) return true;
    if (types.length && !types.includes(event.type)) return false;
    if (patterns.length && !patterns.some((pattern) => pattern(event.channel))) return false;
    return !needle || haystack(entry).includes(needle);
  };
}

function haystack(entry) {
  entry.text ??= [entry.event.message, entry.event.channel, entry.event.key ?? "", entry.event.data === undefined ? "" : JSON.stringify(entry.event.data)]
    .join("\n")
    .toLowerCase();
  return entry.text;
}

// `*` matches one segment, a final `>` one or more.
export function patternOf(pattern) {
  const wanted = pattern.split(".");
  const open = wanted.at(-1) === ">";
  if (open) wanted.pop();
  return (channel) => {
    const segments = channel.split(".");
    if (open ? segments.length <= wanted.length : segments.length !== wanted.length) return false;
    return wanted.every((want, i) => want === "*" || want === segments[i]);
  };
}

export function toggleType(type) {
  const { types } = filter.peek();
  setParams({ type: types.includes(type) ? types.filter((t) => t !== type) : [...types, type] }, { replace: true });
}

export function addChannel(pattern) {
  const { channels } = filter.peek();
  if (pattern && !channels.includes(pattern)) setParams({ channel: [...channels, pattern] }, { replace: true });
}

export function removeChannel(pattern) {
  setParams({ channel: filter.peek().channels.filter((c) => c !== pattern) }, { replace: true });
}

export function setText(q) {
  setParams({ q }, { replace: true });
}

export function clearFilter() {
  setParams({ channel: [], type: [], q: "" }, { replace: true });
}
