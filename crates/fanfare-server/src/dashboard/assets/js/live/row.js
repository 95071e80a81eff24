// One row of the feed: an event, or a notice about the stream itself.
import { html } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { dayName, nearness } from "../days.js";
import { needle as searched } from "../feed/filter.js";
import { fullTime, plural, preview, seqOf, timeOfDay } from "../format.js";
import { Icon, isKnownType, TypeIcon } from "../ui/icon.js";
import { fromHit, Marked } from "../ui/marked.js";
import { picked, togglePicked } from "./picked.js";
import { open } from "./selection.js";

const FRESH_MS = 1500;
// A finger that stays this long picks the row.
const LONG_PRESS_MS = 500;
// The part of a message that a row has room for, more or less.
const VISIBLE = 90;

export function Row({ entry, current, place, total }) {
  if (entry.kind === "day") return html`<${DayRow} ms=${entry.ms} place=${place} total=${total} />`;
  return entry.event
    ? html`<${EventRow} entry=${entry} current=${current} place=${place} total=${total} />`
    : html`<${NoticeRow} entry=${entry} place=${place} total=${total} />`;
}

function EventRow({ entry, current, place, total }) {
  const { event, ms } = entry;
  const fresh = !entry.history && Date.now() - ms < FRESH_MS;
  const important = event.priority === "high" || event.priority === "max";
  const quiet = event.priority === "low" || event.priority === "min";
  const isPicked = picked.value.has(event.id);
  const needle = searched.value;
  let press = null;
  const click = (mouse) => {
    if (mouse.metaKey || mouse.ctrlKey) return;
    mouse.preventDefault();
    // A finger goes on picking with taps.
    if (mouse.shiftKey || (mouse.pointerType === "touch" && picked.peek().size > 0)) togglePicked(event);
    else open(entry);
  };
  const begin = ({ pointerType }) => {
    clearTimeout(press);
    if (pointerType === "touch") press = setTimeout(() => picked.peek().size === 0 && togglePicked(event), LONG_PRESS_MS);
  };
  const end = () => clearTimeout(press);
  return html`<li class="row-item" aria-posinset=${place} aria-setsize=${total}>
    <a class="row ${fresh ? "fresh" : ""} ${quiet ? "quiet" : ""} ${isPicked ? "picked" : ""}" href="/?event=${event.id}" data-row=${event.id} data-testid="row"
      data-picked=${isPicked} tabindex=${current ? 0 : -1} aria-current=${current ? "true" : undefined} onClick=${click} draggable=${false}
      onPointerDown=${begin} onPointerUp=${end} onPointerCancel=${end} onPointerLeave=${end}>
      <time class="row-time" datetime=${event.timestamp} title=${fullTime(ms)}>${timeOfDay(ms)}</time>
      <${TypeIcon} type=${event.type} />
      <span class="row-channel" title=${event.channel}><${Marked} text=${event.channel} needle=${needle} /></span>
      <span class="row-text">
        ${isPicked && html`<span class="visually-hidden">Picked. </span>`}
        ${important && html`<span class="priority ${event.priority}"><${Icon} name="flag" />${event.priority}</span>`}
        ${!isKnownType(event.type) && html`<span class="row-type"><${Marked} text=${event.type} needle=${needle} /></span>`}
        <span class="row-message"><${Marked} text=${lineOf(event.message, needle)} needle=${needle} /></span>
        ${event.data !== undefined && html`<span class="row-data"><${Marked} text=${dataOf(entry, needle)} needle=${needle} /></span>`}
      </span>
      <span class="row-door" title=${event.source?.principal}>${event.source?.door}</span>
    </a>
  </li>`;
}

// A row has one line, but a message can have 256 KiB.
function firstLine(message) {
  const end = message.indexOf("\n");
  const line = message.slice(0, Math.min(end < 0 ? 400 : end, 400));
  return line.length < message.length ? `${line} …` : line;
}

// The start of a message, or its part from the first hit on, if that would not be seen.
function lineOf(message, needle) {
  const line = firstLine(message);
  const isSeen = !needle || line.slice(0, VISIBLE).toLowerCase().includes(needle);
  return isSeen || !message.toLowerCase().includes(needle) ? line : fromHit(message, needle, VISIBLE) ?? line;
}

// The preview of the data, or its JSON from the first hit on.
function dataOf(entry, needle) {
  const { data } = entry.event;
  if (entry.preview?.needle !== needle) {
    const short = preview(data);
    const isSeen = !needle || short.slice(0, VISIBLE).toLowerCase().includes(needle);
    const json = isSeen ? "" : JSON.stringify(data);
    entry.preview = { needle, text: json.toLowerCase().includes(needle) && json ? fromHit(json, needle, 0) : short };
  }
  return entry.preview.text;
}

function DayRow({ ms, place, total }) {
  return html`<li class="row-item" aria-posinset=${place} aria-setsize=${total}>
    <div class="day-row" data-testid="day"><strong>${dayName(ms)}</strong><span class="muted">${nearness(ms, now.value)}</span></div>
  </li>`;
}

const gaps = { damaged: "are damaged", purged: "were purged", retention: "were removed by retention" };

const notices = {
  "caught-up": () => ["done", "Caught up. Live from here"],
  closing: ({ reason }) => ["closing", `The gateway is shutting down (${reason})`],
  gap: ({ missed, after, next, reason }) => [
    "gap",
    `Up to ${plural(missed, "event", "events")} between ${seqOf(after)} and ${seqOf(next)} ${gaps[reason] ?? `are gone (${reason})`}`,
  ],
  lost: () => ["link", "Connection lost"],
  reset: ({ reason }) => ["reset", `Could not resume: ${resets[reason] ?? reason}. Continuing with live events`],
  skipped: ({ after, next }) => ["gap", `Too many events while disconnected: ${plural(seqOf(next) - seqOf(after) - 1, "event", "events")} not shown`],
};

const resets = {
  ahead_of_log: "this page's position is past the end of the log",
  another_epoch: "the gateway now has a different log",
  unreadable: "this page's position could not be read",
};

function NoticeRow({ entry, place, total }) {
  const [icon, text] = notices[entry.kind](entry.data);
  return html`<li class="row-item" aria-posinset=${place} aria-setsize=${total}>
    <div class="notice ${entry.kind}" data-testid="notice" data-kind=${entry.kind}>
      <span class="notice-text"><${Icon} name=${icon} />${text}<time>${timeOfDay(entry.ms)}</time></span>
    </div>
  </li>`;
}
