// Deliveries that wait for a retry, or failed.
import { html, useState } from "../../vendor/preact.js";
import { get, send } from "../api.js";
import { now } from "../clock.js";
import { ago, capital, count, fullTime, plural, seqOf, until } from "../format.js";
import { usePolled } from "../poll.js";
import { query, setParams } from "../router.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Icon } from "../ui/icon.js";
import { Segments } from "../ui/segments.js";
import { Cell, Table } from "../ui/table.js";
import { toast } from "../ui/toast.js";
import { useEvents } from "./events.js";
import { wordOf } from "./words.js";

const EVERY_MS = 1500;
const PAGE = 100;
// Deliveries beyond this can be found through their event, or replayed together.
const SHOWN_MAX = 1000;

const columns = ["Event", "Channel", "State", "Attempts", "Reason", ""];

export function Deliveries({ webhook, base, ask }) {
  const state = new URLSearchParams(query.value).get("state") ?? "all";
  const url = `${base}/deliveries?limit=${PAGE}${state === "all" ? "" : `&state=${state}`}`;
  const { data, problem } = usePolled(url, EVERY_MS).value;
  const [older, setOlder] = useState({ url, rows: [], cursor: undefined });
  const more = older.url === url ? older : { rows: [], cursor: undefined };
  const action = useAction();
  const events = useEvents((data?.deliveries ?? []).map(({ event_id: id }) => id));
  if (!data) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  // Further pages are a moment old; the first page is polled and takes precedence.
  const fresh = new Set(data.deliveries.map(({ event_id: id }) => id));
  const rows = [...data.deliveries, ...more.rows.filter(({ event_id: id }) => !fresh.has(id))];
  const cursor = more.cursor === undefined ? data.next_cursor : more.cursor;
  const readOn = () =>
    action.run(async () => {
      const page = await get(`${url}&cursor=${encodeURIComponent(cursor)}`);
      setOlder({ url, rows: [...more.rows, ...page.deliveries], cursor: page.next_cursor ?? null });
    });
  return html`<section aria-label="Deliveries" data-testid="deliveries">
    <div class="list-tools">
      <${Segments} label="Filter deliveries" testid="deliveries" value=${state} onPick=${(name) => setParams({ state: name === "all" ? null : name }, { replace: true })}
        options=${[["all", "All"], ["waiting", `Waiting ${webhook.waiting}`], ["failed", `Failed ${webhook.failed}`]]} />
      <span class="grow" />
      ${webhook.failed > 0 && html`<button type="button" class="button" onClick=${() => ask({ kind: "replay", which: "failed" })}><${Icon} name="replay" />Replay failed deliveries…</button>`}
    </div>
    <${ProblemNote} problem=${action.problem} />
    ${rows.length === 0
      ? html`<p class="screen-note" data-testid="deliveries-none">${state === "failed" ? "No failed deliveries." : "Nothing is waiting. Deliveries that succeed on the first attempt are not listed here."}</p>`
      : html`<${Table} label="Deliveries" columns=${columns} numbers=${["Attempts"]}>
          ${rows.map((delivery) => html`<${Row} key=${delivery.event_id} delivery=${delivery} known=${events.get(delivery.event_id)} base=${base} ask=${ask} action=${action} />`)}
        <//>`}
    ${cursor && rows.length < SHOWN_MAX && html`<button type="button" class="button wh-more" onClick=${readOn} disabled=${action.busy}><${Icon} name="down" />Load more</button>`}
  </section>`;
}

function Row({ delivery, known, base, ask, action }) {
  const { event_id: event, channel, type, state, attempts, outcome, next_attempt_at: nextAt, failed_at: failedAt } = delivery;
  const resend = () =>
    action.run(async () => {
      const attempt = await send("POST", `${base}/deliveries/${event}/resend`);
      toast(attempt.outcome === "delivered" ? `Event ${seqOf(event)} delivered` : `Event ${seqOf(event)} failed again: ${wordOf(attempt.outcome)}`, attempt.outcome === "delivered" ? "done" : "warning");
    });
  const discard = () =>
    action.run(async () => {
      await send("DELETE", `${base}/deliveries/${event}`);
      toast(`Event ${seqOf(event)} discarded`);
    });
  return html`<tr role="row" data-testid="delivery-row" data-event=${event} data-state=${state}>
    <${Cell} name="Event"><a class="mono" href="/?event=${event}" title="Show the event">${seqOf(event)}</a> <span class="muted wh-message">${known?.message ?? type}</span><//>
    <${Cell} name="Channel"><span class="mono">${channel}</span><//>
    <${Cell} name="State">${state === "waiting" ? html`<${Waiting} at=${Date.parse(nextAt)} />` : html`<${Failed} at=${Date.parse(failedAt)} />`}<//>
    <${Cell} name="Attempts" number><a href="?event=${event}" title="Show its attempts" aria-label="${plural(attempts, "attempt", "attempts")} at event ${seqOf(event)}">${count(attempts)}</a><//>
    <${Cell} name="Reason">${wordOf(outcome)}<//>
    <${Cell} name=""><div class="wh-row-actions">
      <button type="button" class="button" onClick=${resend} disabled=${action.busy} data-testid="delivery-resend"><${Icon} name="replay" />Send now</button>
      <button type="button" class="icon-button" aria-label="Edit and send event ${seqOf(event)}" title="Edit and send…" onClick=${() => ask({ kind: "edited", event })} data-testid="delivery-edit"><${Icon} name="edit" /></button>
      <button type="button" class="icon-button" aria-label="Discard event ${seqOf(event)}" title="Discard: do not retry" onClick=${discard} disabled=${action.busy} data-testid="delivery-discard"><${Icon} name="remove" /></button>
    </div><//>
  </tr>`;
}

function Waiting({ at }) {
  const left = until(at, now.value);
  return html`<span class="state wh-held"><${Icon} name="stalled" /><time datetime=${new Date(at).toISOString()} title=${fullTime(at)}>${left ? `retry in ${left}` : "retrying"}</time></span>`;
}

function Failed({ at }) {
  return html`<span class="state wh-wrong"><${Icon} name="error" />failed <time datetime=${new Date(at).toISOString()} title=${fullTime(at)}>${ago(at, now.value)}</time></span>`;
}
