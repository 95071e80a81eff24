// The timeline of attempts, newest first, preceded by the next attempts.
import { html, useEffect, useLayoutEffect, useMemo, useState } from "../../vendor/preact.js";
import { get } from "../api.js";
import { now } from "../clock.js";
import { capital, fullTime, seqOf, timeOfDay, took, until } from "../format.js";
import { setScreenKeys } from "../keyboard.js";
import { usePolled } from "../poll.js";
import { query, setParams } from "../router.js";
import { Icon } from "../ui/icon.js";
import { Segments } from "../ui/segments.js";
import { toast } from "../ui/toast.js";
import { useEvents } from "./events.js";
import { PhaseBar } from "./phases.js";
import { kinds, wordOf } from "./words.js";

const EVERY_MS = 1500;
const PAGE = 50;
// A limit, because a page can stay open for days.
const SHOWN_MAX = 1000;
// Shows only the next few waiting deliveries; the Undelivered tab has all.
const NEXT_MAX = 3;

export function Attempts({ webhook, base }) {
  const params = new URLSearchParams(query.value);
  const shown = params.get("show") ?? "all";
  const event = params.get("event");
  const [since, until] = [params.get("since"), params.get("until")];
  const { rows, more, readOn, problem } = useAttempts(base, { shown, event, since, until });
  const open = params.get("attempt");
  useKeys(rows, open);
  const events = useEvents(rows.map(({ event_id: id }) => id));
  const longest = Math.max(1, ...rows.map(({ times }) => times.total_us));
  return html`<section aria-label="Attempts">
    <div class="list-tools">
      <${Segments} label="Filter attempts" testid="attempts" value=${shown} onPick=${(name) => setParams({ show: name === "all" ? null : name, attempt: null }, { replace: true })}
        options=${[["all", "All"], ["failed", "Failed"], ["delivered", "Delivered"]]} />
      ${event && html`<button type="button" class="chip on" onClick=${() => setParams({ event: null }, { replace: true })} aria-label="Show all events" data-testid="attempts-event">event ${seqOf(event)}<${Icon} name="close" /></button>`}
      ${since && html`<button type="button" class="chip on" onClick=${() => setParams({ since: null, until: null }, { replace: true })} aria-label="Show all times" data-testid="attempts-span">${hourOf(since)} to ${hourOf(until)}<${Icon} name="close" /></button>`}
    </div>
    ${webhook.waiting > 0 && shown !== "delivered" && html`<${Next} base=${base} event=${event} />`}
    ${rows.length > 0 &&
    html`<ol class="wh-attempts" aria-label="Attempts, newest first">
      ${rows.map((attempt) => html`<${Row} key=${attempt.id} attempt=${attempt} known=${events.get(attempt.event_id)} longest=${longest} isOpen=${attempt.id === open} />`)}
    </ol>`}
    ${rows.length === 0 && problem && html`<p class="screen-note">${capital(problem.message)}</p>`}
    ${rows.length === 0 && !problem && more !== null && html`<p class="screen-note" data-testid="attempts-none">${shown === "all" && !event && !since ? "Nothing sent yet. The first matching event will be sent immediately. You can also send a test." : "No attempts match."}</p>`}
    ${more && html`<button type="button" class="button wh-more" onClick=${readOn} data-testid="attempts-more"><${Icon} name="down" />Load earlier attempts</button>`}
  </section>`;
}

// Keeps the attempts it has seen, and polls the newest page.
function useAttempts(base, { shown, event, since, until }) {
  const filter = new URLSearchParams({ limit: PAGE });
  if (shown !== "all") filter.set("delivered", shown === "delivered");
  if (event) filter.set("event_id", event);
  if (since) filter.set("since", since);
  if (until) filter.set("until", until);
  const url = `${base}/attempts?${filter}`;
  const { data, problem } = usePolled(url, EVERY_MS).value;
  const [kept, setKept] = useState({ url: null, rows: [], cursor: undefined });
  const mine = kept.url === url ? kept : { url, rows: [], cursor: undefined };
  useEffect(() => {
    if (data) setKept((before) => merged(before.url === url ? before : { url, rows: [], cursor: data.next_cursor ?? null }, data.attempts));
  }, [data, url]);
  const readOn = async () => {
    try {
      const page = await get(`${url}&cursor=${encodeURIComponent(mine.cursor)}`);
      setKept((before) => (before.url === url ? { ...merged(before, page.attempts), cursor: page.next_cursor ?? null } : before));
    } catch (failed) {
      toast(capital(failed.message), "warning");
    }
  };
  return { rows: mine.rows, more: mine.cursor === undefined ? null : Boolean(mine.cursor) && mine.rows.length < SHOWN_MAX, readOn, problem };
}

function merged(before, attempts) {
  const known = new Set(before.rows.map(({ id }) => id));
  const rows = [...before.rows, ...attempts.filter(({ id }) => !known.has(id))];
  if (rows.length === before.rows.length) return before;
  return { ...before, rows: rows.sort((a, b) => (a.started_at < b.started_at ? 1 : -1)).slice(0, SHOWN_MAX) };
}

function useKeys(rows, open) {
  const keys = useMemo(() => ({}), []);
  const at = rows.findIndex(({ id }) => id === open);
  const go = (to) => rows[to] && setParams({ attempt: rows[to].id }, { replace: open !== null });
  keys.j = keys.ArrowDown = () => go(at + 1);
  keys.k = keys.ArrowUp = () => go(at < 0 ? 0 : at - 1);
  keys.Escape = () => open && setParams({ attempt: null }, { replace: true });
  useLayoutEffect(() => setScreenKeys(keys), [keys]);
}

function Row({ attempt, known, longest, isOpen }) {
  const { id, started_at: at, outcome, status_code: status, kind, number, event_id: event, events, times } = attempt;
  const ms = Date.parse(at);
  const click = (mouse) => {
    if (mouse.metaKey || mouse.ctrlKey || mouse.shiftKey) return;
    mouse.preventDefault();
    setParams({ attempt: id }, { replace: new URLSearchParams(query.peek()).has("attempt") });
  };
  const what = kind === "test" ? "test event" : `event ${seqOf(event)}${events > 1 ? ` and ${events - 1} more` : ""}`;
  return html`<li><a class="wh-attempt ${outcome === "delivered" ? "" : "failed"}" href="?attempt=${id}" onClick=${click} aria-current=${isOpen ? "true" : undefined} data-row=${id}
    data-testid="attempt-row" data-attempt=${id} data-outcome=${outcome} data-kind=${kind}>
    <time datetime=${at} title=${fullTime(ms)}>${sameDay(ms) ? timeOfDay(ms) : fullTime(ms)}</time>
    <span class="wh-outcome"><${Icon} name=${outcome === "delivered" ? "success" : "error"} /><b>${status ?? "–"}</b><span>${wordOf(outcome)}</span></span>
    <span class="wh-what">${what}${kinds[kind] && html`<span class="tag">${kinds[kind]}</span>`}${number > 1 && html`<span class="muted">attempt ${number}</span>`}${known && html`<span class="wh-message muted"><span class="mono">${known.channel}</span> ${known.message}</span>`}</span>
    <${PhaseBar} times=${times} longest=${longest} />
    <span class="wh-took">${took(times.total_us)}</span>
  </a></li>`;
}

function hourOf(moment) {
  return moment ? timeOfDay(Date.parse(moment)).slice(0, 5) : "now";
}

function sameDay(ms) {
  return new Date(ms).toDateString() === new Date(now.value).toDateString();
}

// The next attempts, each with the time left.
function Next({ base, event }) {
  const { data } = usePolled(`${base}/deliveries?state=waiting&limit=100`, EVERY_MS).value;
  const all = (data?.deliveries ?? []).filter(({ event_id: id }) => !event || id === event);
  const next = all.toSorted((a, b) => (a.next_attempt_at < b.next_attempt_at ? -1 : 1)).slice(0, NEXT_MAX);
  if (next.length === 0) return null;
  return html`<ul class="wh-next" aria-label="Next attempts">
    ${next.map((delivery) => {
      const left = until(Date.parse(delivery.next_attempt_at), now.value);
      return html`<li key=${delivery.event_id} data-testid="next-attempt" data-event=${delivery.event_id}><${Icon} name="stalled" />
        <b>${left ? `in ${left}` : "now"}</b><span>event ${seqOf(delivery.event_id)}, attempt ${delivery.attempts + 1}</span><span class="muted">last: ${wordOf(delivery.outcome)}</span></li>`;
    })}
    ${all.length > next.length && html`<li><a href="?tab=undelivered">${all.length - next.length} more</a></li>`}
  </ul>`;
}
