// The feed as a virtual list: only the visible rows are in the document.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { indexOf, paused, shown } from "../feed/feed.js";
import { isFiltered, clearFilter } from "../feed/filter.js";
import { dayName, nearness } from "../days.js";
import { now } from "../clock.js";
import { isPicked, leaveSpan, span } from "../feed/span.js";
import { isThereMore, past, readOn } from "../feed/past.js";
import { count } from "../format.js";
import { Icon } from "../ui/icon.js";
import { Row } from "./row.js";
import { cursor, following, jumpToNewest } from "./selection.js";

const narrow = window.matchMedia("(max-width: 700px)");
const OVERSCAN = 8;
const EARLIER_HEIGHT = 48;

// Must match `--row` in feed.css.
function rowHeight() {
  return narrow.matches ? 58 : 34;
}

export function FeedList() {
  const box = useRef(null);
  const [scroll, setScroll] = useState({ top: 0, height: 800 });
  const [, setNarrow] = useState(narrow.matches);
  const seen = useRef({ removed: 0, built: 0, through: 0 });
  const { items, removed, built } = shown.value;
  const height = rowHeight();
  // Notices pass every filter, but do not count as matches.
  const nothing = items.every((entry) => !entry.event);
  const days = items.reduce((sum, { kind }) => sum + (kind === "day" ? 1 : 0), 0);
  // Room for the button above the first row.
  const pad = !nothing && isThereMore() ? EARLIER_HEIGHT : 0;

  useLayoutEffect(() => {
    const turn = () => setNarrow(narrow.matches);
    const size = new ResizeObserver(() => measure());
    narrow.addEventListener("change", turn);
    size.observe(box.current);
    return () => {
      narrow.removeEventListener("change", turn);
      size.disconnect();
    };
  }, []);

  const measure = () => {
    // The observer can fire once more after the list was removed.
    if (!box.current) return;
    const { scrollTop, clientHeight } = box.current;
    setScroll((old) => (old.top === scrollTop && old.height === clientHeight ? old : { top: scrollTop, height: clientHeight }));
  };

  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const atEnd = scrollHeight - scrollTop - clientHeight < height / 2;
    if (atEnd !== following.peek()) following.value = atEnd;
    measure();
  };

  // Follows the newest, or keeps the visible rows in place when older rows above them are dropped.
  const follows = following.value;
  useLayoutEffect(() => {
    const list = box.current;
    const dropped = built === seen.current.built ? removed - seen.current.removed : 0;
    if (follows) list.scrollTop = list.scrollHeight;
    else if (dropped) list.scrollTop -= dropped * height;
    if (follows) seen.current.through = items.at(-1)?.n ?? 0;
    seen.current.removed = removed;
    seen.current.built = built;
    measure();
  });

  const at = cursor.value;
  useEffect(() => {
    if (at === null) return;
    const list = box.current;
    const top = pad + indexOf(shown.peek().items, at) * height;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
    // Moves the focus as well, so that a screen reader reads the row, unless it is in a field or in the drawer.
    requestAnimationFrame(() => {
      const { activeElement } = document;
      if (activeElement !== document.body && !list.contains(activeElement)) return;
      list.querySelector("[aria-current]")?.focus({ preventScroll: true });
    });
  }, [at]);

  const total = pad + items.length * height;
  const top = follows ? Math.max(0, total - scroll.height) : scroll.top;
  const first = Math.max(0, Math.floor((top - pad) / height) - OVERSCAN);
  const last = Math.min(items.length, Math.ceil((top - pad + scroll.height) / height) + OVERSCAN);
  const atEnd = top + scroll.height > total - height;
  const below = follows ? 0 : countEvents(items, indexOf(items, seen.current.through + 1));

  return html`<div class="feed">
    <div class="feed-head" aria-hidden="true"><span>Time</span><span /><span>Channel</span><span>Message</span><span>Source</span></div>
    <${Day} entry=${items[Math.min(items.length - 1, Math.max(0, Math.floor((top - pad) / height)))]} />
    <div class="feed-scroll" ref=${box} onScroll=${onScroll} tabindex="0" role="log" aria-live="off" aria-label="Events, newest last"
      data-testid="feed" data-count=${items.length - days} data-following=${follows}>
      ${nothing && html`<${Nothing} more=${isThereMore()} />`}
      <${Space} height=${total}>
        ${pad > 0 && first === 0 && html`<${Earlier} />`}
        <${Rows} pad=${pad} items=${items} first=${first} last=${last} height=${height} at=${at} />
      <//>
    </div>
    ${!follows && (below > 0 || !atEnd) &&
    html`<button type="button" class="jump" onClick=${jumpToNewest} data-testid="jump">
      <${Icon} name="down" />${below > 0 && !paused.value ? `${count(below)} new` : "Jump to newest"}
    </button>`}
  </div>`;
}

// Sizes are set through the CSSOM, because the page's policy forbids style attributes in markup.
function Space({ height, children }) {
  return html`<div class="feed-space" style=${{ height: `${height}px` }}>${children}</div>`;
}

function Rows({ pad, items, first, last, height, at }) {
  return html`<ol class="feed-rows" style=${{ transform: `translateY(${pad + first * height}px)` }}>
    ${items.slice(first, last).map(
      (entry, i) => html`<${Row} key=${entry.n} entry=${entry} current=${entry.n === at} place=${first + i + 1} total=${items.length} />`,
    )}
  </ol>`;
}

function Earlier() {
  const loading = past.value === "loading";
  return html`<button type="button" class="earlier" onClick=${readOn} disabled=${loading} data-testid="earlier">
    <${Icon} name="up" />${loading ? "Loading…" : "Load earlier events"}
  </button>`;
}

// The day of the first row that is seen; without one, that of the time that was picked.
function Day({ entry }) {
  const ms = entry?.ms ?? span.value.since ?? now.value;
  return html`<div class="feed-day" data-testid="feed-day"><strong>${dayName(ms)}</strong><span class="muted">${nearness(ms, now.value)}</span></div>`;
}

function countEvents(items, from) {
  let events = 0;
  for (let i = from; i < items.length; i += 1) if (items[i].event) events += 1;
  return events;
}

function Nothing({ more }) {
  if (past.value === "loading") return html`<div class="feed-nothing"><p>Loading…</p></div>`;
  return html`<div class="feed-nothing" data-testid="nothing">
    ${isFiltered.value || isPicked.value
      ? html`<p>${more ? "No loaded events match the filter." : isFiltered.value ? "No events match the filter." : "No events in this time."}</p>
          <div class="choices">
            ${more && html`<button type="button" class="button" onClick=${readOn} disabled=${past.value === "loading"} data-testid="look-earlier">
              <${Icon} name="up" />Search earlier events</button>`}
            ${isFiltered.value && html`<button type="button" class="button" onClick=${clearFilter}>Clear filter</button>`}
            ${isPicked.value && html`<button type="button" class="button" onClick=${leaveSpan}>Show all times</button>`}
          </div>`
      : html`<p>Waiting for events.</p>`}
  </div>`;
}
