// The attempts at a webhook over the last day or hour: a chart with an axis, and the same numbers as a table. A bar
// narrows the list of attempts to its time.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { count } from "../format.js";
import { usePolled } from "../poll.js";
import { query, setParams } from "../router.js";
import { Segments } from "../ui/segments.js";

const EVERY_MS = 5000;
const HEIGHT = 92;
// Room for the labels of the axis.
const FOOT = 18;
const HEAD = 14;

// How long a bar lasts, and how many bars lie between two labels, by what the gateway calls the width of a bucket.
const ranges = {
  day: { bucket: "1h", barMs: 3_600_000, title: "24 h", every: 6, words: "last 24 hours" },
  hour: { bucket: "1m", barMs: 60_000, title: "1 h", every: 15, words: "last hour" },
};

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const narrow = window.matchMedia("(max-width: 700px)");

export function History({ base }) {
  const params = new URLSearchParams(query.value);
  const name = params.get("range") === "hour" ? "hour" : "day";
  const range = ranges[name];
  const buckets = usePolled(`${base}/stats?bucket=${range.bucket}`, EVERY_MS).value.data?.buckets ?? [];
  return html`<section class="wh-history" aria-labelledby="wh-history-title" data-testid="webhook-history" data-bars=${buckets.length}>
    <header>
      <h3 id="wh-history-title">Attempts over time</h3>
      <span class="wh-legend" aria-hidden="true"><i class="delivered" />delivered<i class="failed" />failed</span>
      <span class="grow" />
      <${Segments} label="Range" testid="range" value=${name} onPick=${(one) => setParams({ range: one === "day" ? null : one }, { replace: true })}
        options=${Object.entries(ranges).map(([one, { title }]) => [one, title])} />
    </header>
    <${Chart} buckets=${buckets} range=${range} since=${params.get("since")} />
    <details><summary>Show as a table</summary><${AsTable} buckets=${buckets} range=${range} /></details>
  </section>`;
}

// Drawn anew for a phone, so that the labels keep their size.
function useWidth() {
  const [isNarrow, setNarrow] = useState(narrow.matches);
  useEffect(() => {
    const turn = () => setNarrow(narrow.matches);
    narrow.addEventListener("change", turn);
    return () => narrow.removeEventListener("change", turn);
  }, []);
  return isNarrow ? 340 : 960;
}

function Chart({ buckets, range, since }) {
  const width = useWidth();
  const step = width / Math.max(1, buckets.length);
  const most = Math.max(1, ...buckets.map(({ delivered, failed }) => delivered + failed));
  const tall = (n) => (n === 0 ? 0 : Math.max(2, (n / most) * (HEIGHT - HEAD)));
  const floor = HEIGHT;
  return html`<svg class="wh-chart" viewBox="0 0 ${width} ${HEIGHT + FOOT}" role="img" aria-label=${said(buckets, range)}>
    <path class="line" d="M0 ${HEAD + 0.5}H${width}" /><path class="line" d="M0 ${floor + 0.5}H${width}" />
    <text x="0" y=${HEAD - 4}>${count(most)}</text>
    ${buckets.map((bucket, i) => {
      const at = Date.parse(bucket.started_at);
      const failed = tall(bucket.failed);
      const delivered = Math.min(tall(bucket.delivered), HEIGHT - HEAD - failed);
      const x = i * step + Math.min(1, step / 8);
      const wide = Math.max(1, step - Math.min(2, step / 4));
      const isPicked = since === bucket.started_at;
      return html`<g key=${bucket.started_at} class="bar ${isPicked ? "picked" : ""}" onClick=${() => pick(bucket, range, isPicked)} data-testid="history-bar">
        <title>${spanOf(at, range)}: ${count(bucket.delivered)} delivered, ${count(bucket.failed)} failed</title>
        <rect class="reach" x=${i * step} y=${HEAD} width=${step} height=${HEIGHT - HEAD} />
        ${delivered > 0 && html`<rect class="delivered" x=${x} y=${floor - delivered} width=${wide} height=${delivered} />`}
        ${failed > 0 && html`<rect class="failed" x=${x} y=${floor - delivered - failed} width=${wide} height=${failed} />`}
      </g>`;
    })}
    ${buckets.map((bucket, i) => {
      const at = new Date(bucket.started_at);
      const isWhole = (range.bucket === "1h" ? at.getHours() : at.getMinutes()) % range.every === 0;
      // The last label is "now"; one beside it would touch it.
      if (!isWhole || (buckets.length - i) * step < 64) return null;
      return html`<g key=${bucket.started_at}><path class="line" d="M${i * step + 0.5} ${floor}v4" /><text x=${i * step + 4} y=${floor + 14}>${clock.format(at)}</text></g>`;
    })}
    <text class="end" x=${width} y=${floor + 14}>now</text>
  </svg>`;
}

function pick(bucket, { barMs }, isPicked) {
  const until = new Date(Date.parse(bucket.started_at) + barMs).toISOString();
  setParams(isPicked ? { since: null, until: null } : { since: bucket.started_at, until });
}

function spanOf(at, { barMs }) {
  return `${clock.format(at)} to ${clock.format(at + barMs)}`;
}

function AsTable({ buckets, range }) {
  const used = buckets.filter(({ delivered, failed }) => delivered + failed > 0);
  if (used.length === 0) return html`<p class="muted">No attempts in the ${range.words}.</p>`;
  return html`<table class="wh-history-table"><thead><tr><th scope="col">Time</th><th scope="col">Delivered</th><th scope="col">Failed</th></tr></thead>
    <tbody>${used.toReversed().map((bucket) => html`<tr key=${bucket.started_at}>
      <th scope="row"><button type="button" class="link-button" onClick=${() => pick(bucket, range, false)}>${spanOf(Date.parse(bucket.started_at), range)}</button></th>
      <td data-name="Delivered">${count(bucket.delivered)}</td><td data-name="Failed">${count(bucket.failed)}</td></tr>`)}</tbody></table>`;
}

function said(buckets, { words }) {
  const sum = (name) => buckets.reduce((all, bucket) => all + bucket[name], 0);
  return `Attempts of the ${words}: ${count(sum("delivered"))} delivered, ${count(sum("failed"))} failed`;
}
