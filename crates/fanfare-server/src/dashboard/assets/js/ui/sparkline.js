import { html } from "../../vendor/preact.js";

const WIDTH = 72;
const HEIGHT = 20;
// Narrower bars blur.
const STEP_MIN = 3;

// Counts over time as bars. An empty slot is a dot on the base line. Without a label it is decoration.
export function Sparkline({ counts: given, label, width = WIDTH, height = HEIGHT }) {
  const counts = width / given.length < STEP_MIN ? inPairs(given) : given;
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
  return html`<svg class="sparkline" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role=${label ? "img" : undefined}
    aria-label=${label || undefined} aria-hidden=${label ? undefined : "true"}>
    <path class="ground" d=${ground} /><path d=${path} />
  </svg>`;
}

function inPairs(counts) {
  const pairs = [];
  for (let i = 0; i < counts.length; i += 2) pairs.push(counts[i] + (counts[i + 1] ?? 0));
  return pairs;
}
