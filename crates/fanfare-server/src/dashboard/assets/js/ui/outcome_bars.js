// Results of attempts, minute by minute: bars of delivered attempts with failed ones on top.
import { html } from "../../vendor/preact.js";

// Two minutes share a bar, because narrower bars blur.
const PER_BAR = 2;

export function OutcomeBars({ buckets = [], width = 120, height = 22 }) {
  const bars = gathered(buckets);
  const top = Math.max(3, ...bars.map(({ delivered, failed }) => delivered + failed));
  const step = width / bars.length;
  const wide = Math.max(1, step - 1);
  const paths = { delivered: "", failed: "", ground: "" };
  const rect = (i, from, to) => `M${(i * step).toFixed(2)} ${(height - from).toFixed(2)}v${(from - to).toFixed(2)}h${wide.toFixed(2)}v${(to - from).toFixed(2)}z`;
  bars.forEach(({ delivered, failed }, i) => {
    // Even a single attempt must be visible.
    const low = delivered ? Math.max(3, (delivered / top) * height) : 0;
    const high = failed ? Math.min(height, low + Math.max(3, (failed / top) * height)) : low;
    if (delivered) paths.delivered += rect(i, 0, Math.min(low, failed ? height - 3 : height));
    if (failed) paths.failed += rect(i, Math.min(low, height - 3), high);
    if (!delivered && !failed) paths.ground += rect(i, 0, 1);
  });
  return html`<svg class="sparkline outcomes" width=${width} height=${height} viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label=${said(buckets)}>
    <path class="ground" d=${paths.ground} /><path d=${paths.delivered} /><path class="failed" d=${paths.failed} />
  </svg>`;
}

function gathered(buckets) {
  const minutes = buckets.length ? buckets : new Array(60).fill({ delivered: 0, failed: 0 });
  const bars = [];
  for (let i = 0; i < minutes.length; i += PER_BAR) bars.push(sum(minutes.slice(i, i + PER_BAR)));
  return bars;
}

function sum(buckets) {
  return buckets.reduce((sum, { delivered, failed }) => ({ delivered: sum.delivered + delivered, failed: sum.failed + failed }), { delivered: 0, failed: 0 });
}

function said(buckets) {
  const { delivered, failed } = sum(buckets);
  return `Last hour: ${delivered} delivered, ${failed} failed`;
}
