// Formats values for people.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function timeOfDay(ms) {
  return `${clock.format(ms)}.${String(Math.floor(ms % 1000)).padStart(3, "0")}`;
}

export function fullTime(ms) {
  return full.format(ms);
}

export function ago(ms, now) {
  const seconds = Math.max(0, Math.round((now - ms) / 1000));
  if (seconds < 3) return "now";
  return `${duration(seconds)} ago`;
}

// The largest unit, or the two largest if the first is small: `42s`, `3m`, `1h 20m`, `2d 4h`.
export function duration(seconds) {
  const s = Math.floor(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 86400) return pair(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "m");
  return pair(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

function pair(first, firstUnit, second, secondUnit) {
  return second && first < 10 ? `${first}${firstUnit} ${second}${secondUnit}` : `${first}${firstUnit}`;
}

export function count(n) {
  return n < 100000 ? whole.format(n) : compact.format(n);
}

export function rate(perSecond) {
  if (perSecond <= 0) return "0";
  if (perSecond < 0.1) return "<0.1";
  if (perSecond < 10) return perSecond.toFixed(1);
  return count(Math.round(perSecond));
}

export function plural(n, one, many) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

// `epoch-seq` → seq.
export function seqOf(position) {
  const seq = Number(String(position ?? "").split("-").at(-1));
  return Number.isFinite(seq) ? seq : 0;
}

// A value in one line that fits into a row. Bounded, because data can have 256 KiB.
export function preview(value, max = 160) {
  if (value === null || typeof value !== "object") return clip(JSON.stringify(value), max);
  if (Array.isArray(value)) return clip(`[${value.length}] ${value.slice(0, 6).map((item) => inline(item)).join(" ")}`, max);
  let text = "";
  for (const [name, item] of Object.entries(value)) {
    text += `${text ? "  " : ""}${name}=${inline(item)}`;
    if (text.length > max) break;
  }
  return clip(text, max);
}

function inline(item) {
  if (Array.isArray(item)) return `[${item.length}]`;
  if (item !== null && typeof item === "object") return "{…}";
  return typeof item === "string" ? clip(item, 60) : String(item);
}

function clip(text, max) {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

// A duration in microseconds, for people: `0.4 ms`, `12 ms`, `1.2 s`.
export function took(us) {
  if (us < 10_000) return `${(us / 1000).toFixed(1)} ms`;
  if (us < 1_000_000) return `${Math.round(us / 1000)} ms`;
  return `${(us / 1_000_000).toFixed(1)} s`;
}

// The time until then: `12s`, `4m`; null if it has passed.
export function until(ms, now) {
  return ms > now ? duration(Math.ceil((ms - now) / 1000)) : null;
}

// 100 % only when nothing failed, 0 % only when nothing arrived.
export function percent(part, whole) {
  if (whole === 0) return "–";
  const share = (part / whole) * 100;
  if (part === whole || part === 0) return `${share} %`;
  return `${Math.min(99.9, Math.max(0.1, share)).toFixed(1)} %`;
}

export function bytes(n) {
  return n < 1024 ? plural(n, "byte", "bytes") : `${(n / 1024).toFixed(1)} KiB`;
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
