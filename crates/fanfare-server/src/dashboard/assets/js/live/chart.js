// The log over time, for the same filter as the feed. A click or a drag narrows the feed to that time.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { clockTime, moment } from "../days.js";
import { filter, filterParams, isFiltered } from "../feed/filter.js";
import { isPicked, leaveSpan, pickRange, pickSpan, range, ranges, span } from "../feed/span.js";
import { count } from "../format.js";
import { usePolled } from "../poll.js";
import { barsOf, Histogram, saidOf } from "../ui/histogram.js";
import { Segments } from "../ui/segments.js";

const EVERY_MS = 5000;
const TYPING_MS = 250;
const narrow = window.matchMedia("(max-width: 700px)");

export function Chart() {
  const stats = useStats();
  const [looked, setLooked] = useState(null);
  const bars = stats ? barsOf(stats) : [];
  return html`<section class="chart" aria-label="Events over time" data-testid="chart" data-events=${stats?.total.events}>
    <div class="chart-head">
      <p class="chart-said" data-testid="chart-said">${looked ? saidOf(looked, now.value) : html`<${Said} stats=${stats} bars=${bars} />`}</p>
      <${Segments} label="Time range" value=${range.value} options=${Object.entries(ranges).map(([name, { text }]) => [name, text])} onPick=${pickRange} testid="range" />
    </div>
    <${Histogram} bars=${bars} picked=${span.value} now=${now.value} onLook=${setLooked} label="Events over time" testid="histogram"
      onPick=${(since, until) => pickSpan(since, until, { replace: isPicked.peek() })} />
  </section>`;
}

// The last statistics stay until the next ones are here, so that nothing jumps.
function useStats() {
  const { bucket, ms } = ranges[range.value];
  const params = useSettled(filterParams(filter.value).toString());
  const query = new URLSearchParams(params);
  if (ms !== null) query.set("since", range.value);
  const width = bucket[narrow.matches ? 1 : 0];
  if (width) query.set("bucket", width);
  const { data } = usePolled(`/api/stats/events?${query}`, EVERY_MS).value;
  const last = useRef(null);
  if (data) last.current = data;
  return last.current;
}

// A value that has not changed for a moment.
function useSettled(value) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    if (value === settled) return undefined;
    const timer = setTimeout(() => setSettled(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value, settled]);
  return settled;
}

function Said({ stats, bars }) {
  if (!stats) return " ";
  const what = isFiltered.value ? ["match", "matches"] : ["event", "events"];
  const some = (n) => `${stats.complete ? "" : "at least "}${count(n)}`;
  const all = stats.total.events;
  if (!isPicked.value) {
    return html`<strong>${some(all)} ${what[all === 1 ? 0 : 1]}</strong> <span class="muted">in ${ranges[range.value].said}${problems(stats.total)}</span>`;
  }
  const { since, until } = span.value;
  const inside = bars.filter(({ from, to }) => (since === null || to > since) && (until === null || from < until));
  const found = inside.reduce((sum, { events }) => sum + events, 0);
  const seconds = bars.length > 0 && bars[0].to - bars[0].from < 60_000;
  const end = until === null ? "now" : (since === null || until - since < 86_400_000 ? clockTime : (ms, options) => moment(ms, now.value, options))(until, { seconds });
  return html`<strong>${since === null ? "the start" : moment(since, now.value, { seconds })} – ${end}</strong>${" "}
    <span class="muted">${count(found)} of ${some(all)} ${what[all === 1 ? 0 : 1]}</span>${" "}
    <button type="button" class="link-button" onClick=${leaveSpan} data-testid="span-leave">all of it</button> <kbd class="wide-only" aria-hidden="true">Esc</kbd>`;
}

function problems({ warnings, errors }) {
  const parts = [];
  if (warnings) parts.push(`${count(warnings)} ${warnings === 1 ? "warning" : "warnings"}`);
  if (errors) parts.push(`${count(errors)} ${errors === 1 ? "error" : "errors"}`);
  return parts.length ? `, ${parts.join(", ")}` : "";
}
