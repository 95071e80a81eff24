// One row of the feed: an event, or a notice about the stream itself.
import { html } from "../../vendor/preact.js";
import { fullTime, plural, preview, seqOf, timeOfDay } from "../format.js";
import { Icon, TypeIcon } from "../ui/icon.js";
import { open } from "./selection.js";

const FRESH_MS = 1500;

export function Row({ entry, current, place, total }) {
  return entry.event
    ? html`<${EventRow} entry=${entry} current=${current} place=${place} total=${total} />`
    : html`<${NoticeRow} entry=${entry} place=${place} total=${total} />`;
}

function EventRow({ entry, current, place, total }) {
  const { event, ms } = entry;
  const fresh = !entry.history && Date.now() - ms < FRESH_MS;
  const important = event.priority === "high" || event.priority === "max";
  const quiet = event.priority === "low" || event.priority === "min";
  const click = (mouse) => {
    if (mouse.metaKey || mouse.ctrlKey || mouse.shiftKey) return;
    mouse.preventDefault();
    open(entry);
  };
  return html`<li class="row-item" aria-posinset=${place} aria-setsize=${total}>
    <a class="row ${fresh ? "fresh" : ""} ${quiet ? "quiet" : ""}" href="/?event=${event.id}" data-row=${event.id} data-testid="row"
      tabindex=${current ? 0 : -1} aria-current=${current ? "true" : undefined} onClick=${click} draggable=${false}>
      <time class="row-time" datetime=${event.timestamp} title=${fullTime(ms)}>${timeOfDay(ms)}</time>
      <${TypeIcon} type=${event.type} />
      <span class="row-channel" title=${event.channel}>${event.channel}</span>
      <span class="row-text">
        ${important && html`<span class="priority ${event.priority}"><${Icon} name="flag" />${event.priority}</span>`}
        <span class="row-message">${firstLine(event.message)}</span>
        ${event.data !== undefined && html`<span class="row-data">${preview(event.data)}</span>`}
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
