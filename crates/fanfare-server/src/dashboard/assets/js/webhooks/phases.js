// The duration of an attempt by phase, as a bar.
import { html } from "../../vendor/preact.js";
import { took } from "../format.js";

const phases = [
  ["dns_us", "DNS"],
  ["connect_us", "connect"],
  ["tls_us", "TLS"],
  ["wait_us", "waiting for response"],
  ["body_us", "reading response"],
];

// Phases that would read `0.0 ms` are only in the bar.
const SHORT_US = 50;

function partsOf(times) {
  const parts = phases.filter(([member]) => times[member] > 0).map(([member, name]) => ({ member, name, us: times[member] }));
  const rest = times.total_us - parts.reduce((sum, { us }) => sum + us, 0);
  // The unfinished phase of an attempt that was cut off, and the time between phases.
  if (rest > Math.max(SHORT_US, times.total_us / 50)) parts.push({ member: "rest", name: "other", us: rest });
  return parts;
}

// `longest` is the duration that fills the bar.
export function PhaseBar({ times, longest, width = 96 }) {
  const whole = Math.max(3, (times.total_us / longest) * width);
  let x = 0;
  return html`<svg class="phases" width=${width} height="8" viewBox="0 0 ${width} 8" preserveAspectRatio="none" aria-hidden="true">
    ${partsOf(times).map(({ member, us }) => {
      const wide = (us / times.total_us) * whole;
      x += wide;
      return html`<rect key=${member} class=${member} x=${(x - wide).toFixed(2)} y="0" width=${Math.max(0.5, wide).toFixed(2)} height="8" />`;
    })}
  </svg>`;
}

export function Phases({ times, hasSum = true }) {
  return html`<div class="wh-phases" data-testid="phases">
    <${PhaseBar} times=${times} longest=${times.total_us} width=${400} />
    <ul>
      ${partsOf(times).filter(({ us }) => us >= SHORT_US).map(({ member, name, us }) => html`<li key=${member}><i class="dot ${member}" />${name} <b>${took(us)}</b></li>`)}
      ${hasSum && html`<li class="all">total <b>${took(times.total_us)}</b></li>`}
    </ul>
  </div>`;
}
