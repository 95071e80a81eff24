// The time that the feed shows: a range up to now, and in it the span that was picked. Both are in the address.
import { computed } from "../../vendor/preact.js";
import { query, setParams } from "../router.js";

const HOUR_MS = 3_600_000;

// The name in the address, its length, and the widths of bars: on a desk, and on a phone.
export const ranges = {
  "1h": { text: "1 h", said: "the last hour", ms: HOUR_MS, bucket: ["1m", "2m"] },
  "24h": { text: "24 h", said: "the last 24 hours", ms: 24 * HOUR_MS, bucket: ["15m", "1h"] },
  "7d": { text: "7 d", said: "the last 7 days", ms: 168 * HOUR_MS, bucket: ["1h", "6h"] },
  all: { text: "All", said: "the whole log", ms: null, bucket: [null, null] },
};

const text = computed(() => {
  const params = new URLSearchParams(query.value);
  return ["range", "since", "until"].map((name) => params.get(name) ?? "").join("|");
});

export const range = computed(() => {
  const [name] = text.value.split("|");
  return ranges[name] ? name : "all";
});

// `{ since, until }` in milliseconds, each null if it is open.
export const span = computed(() => {
  const [, since, until] = text.value.split("|").map((part) => Date.parse(part));
  return { since: Number.isNaN(since) ? null : since, until: Number.isNaN(until) ? null : until };
});

export const isPicked = computed(() => span.value.since !== null || span.value.until !== null);

// A span that ends before now has no live events.
export const isPast = computed(() => span.value.until !== null);

// The earliest time that is shown, or null.
export function earliest(now = Date.now()) {
  const { ms } = ranges[range.value];
  return span.value.since ?? (ms === null ? null : now - ms);
}

export function pickRange(name) {
  setParams({ range: name === "all" ? null : name, since: null, until: null });
}

export function pickSpan(since, until, options) {
  const iso = (ms) => (ms === null ? null : new Date(ms).toISOString());
  setParams({ since: iso(since), until: iso(until) }, options);
}

export function leaveSpan() {
  setParams({ since: null, until: null });
}

// The parameters of the gateway that select this time.
export function timeParams() {
  const { until } = span.peek();
  const since = earliest();
  const params = {};
  if (since !== null) params.since = new Date(since).toISOString();
  if (until !== null) params.until = new Date(until).toISOString();
  return params;
}
