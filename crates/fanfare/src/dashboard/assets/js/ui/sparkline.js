import { html } from "../../vendor/preact.js";

const WIDTH = 72;
const HEIGHT = 20;

// Counts over time as bars: a quiet slot stays visible as a dot on the ground line.
export function Sparkline({ counts, label, width = WIDTH, height = HEIGHT }) {
  const top = Math.max(3, ...counts);
  const step = width / counts.length;
  const bar = Math.max(1, step - 1);
  let path = "";
  let ground = "";
  counts.forEach((n, i) => {
    const h = n ? Math.max(3, (n / top) * height) : 1;
    const rect = `M${(i * step).toFixed(2)} ${height}v${-h.toFixed(2)}h${bar.toFixed(2)}v${h.toFixed(2)}z`;
    if (n) path += rect;
    else ground += rect;
  });
  return html`<svg class="sparkline" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label=${label}>
    <path class="ground" d=${ground} /><path d=${path} />
  </svg>`;
}
