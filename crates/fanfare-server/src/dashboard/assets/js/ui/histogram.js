// Events over time as bars: the rest at the bottom, then warnings, then errors. A click picks the time of a bar, a drag
// that of several; with the keyboard, the arrows move over the bars and Enter picks.
import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { clockTime, moment } from "../days.js";
import { count, plural } from "../format.js";
import { ticks } from "./ticks.js";

const AXIS = 16;
const TOP = 12;
// Without it, a single event among thousands would not be seen.
const BAR_MIN = 2;
// A smaller movement is a click.
const DRAG_MIN = 5;

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

// `1h30m` → milliseconds.
export function msOf(duration) {
  return [...duration.matchAll(/(\d+)(ms|[smhd])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit], 0);
}

export function barsOf({ buckets, bucket }) {
  const ms = msOf(bucket);
  return buckets.map(({ started_at: at, events, warnings, errors }) => {
    const from = Date.parse(at);
    return { from, to: from + ms, events, warnings, errors };
  });
}

export function saidOf(bar, now) {
  const seconds = bar.to - bar.from < units.m;
  const parts = [plural(bar.events, "event", "events")];
  if (bar.warnings) parts.push(plural(bar.warnings, "warning", "warnings"));
  if (bar.errors) parts.push(plural(bar.errors, "error", "errors"));
  return `${moment(bar.from, now, { seconds })} – ${clockTime(bar.to, { seconds })}: ${parts.join(", ")}`;
}

// `picked` is `{ since, until }`, each null if it is open. `onLook` gets the bar under the pointer, or null.
export function Histogram({ bars, picked, onPick, onLook, label, now, height = 58, testid }) {
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  const [drag, setDrag] = useState(null);
  const [at, setAt] = useState(null);
  useLayoutEffect(() => {
    const measure = () => box.current && setWidth(box.current.clientWidth);
    const size = new ResizeObserver(measure);
    size.observe(box.current);
    measure();
    return () => size.disconnect();
  }, []);

  const step = width / Math.max(1, bars.length);
  const look = (index) => {
    setAt(index);
    onLook?.(index === null ? null : bars[index]);
  };
  const indexAt = ({ clientX }) => {
    const x = clientX - box.current.getBoundingClientRect().left;
    return Math.min(bars.length - 1, Math.max(0, Math.floor(x / step)));
  };
  // The last bar has the present, so a span up to it stays open.
  const pick = (a, b) => {
    const [first, last] = a < b ? [a, b] : [b, a];
    onPick(bars[first].from, last === bars.length - 1 ? null : bars[last].to);
  };

  const begin = (pointer) => {
    if (pointer.button !== 0 || bars.length === 0) return;
    box.current.setPointerCapture(pointer.pointerId);
    setDrag({ from: indexAt(pointer), to: indexAt(pointer), x: pointer.clientX });
  };
  const goOn = (pointer) => {
    if (bars.length === 0) return;
    look(indexAt(pointer));
    if (drag && Math.abs(pointer.clientX - drag.x) >= DRAG_MIN) setDrag({ ...drag, to: indexAt(pointer), moved: true });
  };
  const end = () => {
    if (drag) pick(drag.from, drag.moved ? drag.to : drag.from);
    setDrag(null);
  };
  const cancel = () => {
    setDrag(null);
    look(null);
  };
  const onKeyDown = (key) => {
    const current = Math.min(at ?? bars.length, bars.length);
    const moves = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: bars.length - 1 };
    if (bars.length && key.key in moves) look(Math.min(bars.length - 1, Math.max(0, moves[key.key])));
    else if (key.key === "Enter" && at !== null && bars[at]) pick(at, at);
    else return;
    key.preventDefault();
    key.stopPropagation();
  };

  const inner = height - TOP;
  const top = Math.max(1, ...bars.map(({ events }) => events));
  const chosen = drag?.moved ? [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)] : pickedBars(bars, picked);
  const focused = at !== null && bars[at] ? bars[at] : null;
  return html`<div class="histogram ${chosen ? "has-picked" : ""}" ref=${box} tabindex="0" role="slider" aria-label=${label} aria-valuemin="0"
    aria-valuemax=${Math.max(0, bars.length - 1)} aria-valuenow=${at ?? Math.max(0, bars.length - 1)}
    aria-valuetext=${focused ? saidOf(focused, now) : summary(bars)} data-testid=${testid} data-bars=${bars.length}
    onPointerDown=${begin} onPointerMove=${goOn} onPointerUp=${end} onPointerCancel=${cancel} onPointerLeave=${() => !drag && look(null)}
    onKeyDown=${onKeyDown} onBlur=${() => look(null)}>
    <svg width="100%" height=${height + AXIS} aria-hidden="true">
      <line class="line" x1="0" x2=${width} y1=${TOP} y2=${TOP} /><line class="line" x1="0" x2=${width} y1=${height - 0.5} y2=${height - 0.5} />
      <text class="top" x="0" y=${TOP - 3}>${count(top)}</text>
      ${width > 0 && html`<${Bars} bars=${bars} step=${step} top=${top} inner=${inner} height=${height} chosen=${chosen} />`}
      ${focused && html`<rect class="under" x=${at * step} y=${TOP} width=${step} height=${inner} />`}
      ${chosen && html`<rect class="picked" x=${chosen[0] * step + 0.5} y=${TOP - 4.5} width=${Math.max(2, (chosen[1] - chosen[0] + 1) * step - 1)} height=${inner + 4} rx="2" />`}
      ${ticks(bars, width).map(({ x, text, end: isEnd }) => html`<text key=${x} class="tick" x=${x} y=${height + 12} text-anchor=${isEnd ? "end" : x < 20 ? "start" : "middle"}>${text}</text>`)}
    </svg>
  </div>`;
}

function Bars({ bars, step, top, inner, height, chosen }) {
  const paths = { rest: "", warning: "", error: "", quiet: "" };
  const gap = step >= 3 ? 1 : 0;
  bars.forEach(({ events, warnings, errors }, i) => {
    if (!events) return;
    const isQuiet = chosen && (i < chosen[0] || i > chosen[1]);
    let y = height;
    for (const [kind, n] of [["rest", events - warnings - errors], ["warning", warnings], ["error", errors]]) {
      if (!n) continue;
      const h = Math.min(y - (height - inner), Math.max(BAR_MIN, (n / top) * inner));
      paths[isQuiet && kind === "rest" ? "quiet" : kind] += `M${(i * step).toFixed(2)} ${y.toFixed(2)}v${(-h).toFixed(2)}h${Math.max(1, step - gap).toFixed(2)}v${h.toFixed(2)}z`;
      y -= h;
    }
  });
  return Object.entries(paths).map(([kind, d]) => d && html`<path key=${kind} class="bar-${kind}" d=${d} />`);
}

// The first and the last bar of the picked time; null if nothing is picked or nothing of it is here.
function pickedBars(bars, picked) {
  if (!picked || (picked.since === null && picked.until === null)) return null;
  const first = bars.findIndex(({ to }) => picked.since === null || to > picked.since);
  const last = bars.findLastIndex(({ from }) => picked.until === null || from < picked.until);
  return first < 0 || last < first ? null : [first, last];
}

function summary(bars) {
  const sum = (name) => bars.reduce((all, bar) => all + bar[name], 0);
  return `${plural(sum("events"), "event", "events")}, ${plural(sum("warnings"), "warning", "warnings")}, ${plural(sum("errors"), "error", "errors")}`;
}
