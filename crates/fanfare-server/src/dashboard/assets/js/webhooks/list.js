// Every webhook with its state.
import { createRef, html, useLayoutEffect, useState } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { registerCommand } from "../commands.js";
import { ago, capital, count, fullTime, percent, plural, took } from "../format.js";
import { setScreenKeys } from "../keyboard.js";
import { usePolled } from "../poll.js";
import { navigate } from "../router.js";
import { Command } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";
import { OutcomeBars } from "../ui/outcome_bars.js";
import { Cell, Table } from "../ui/table.js";
import { lastTried, shareOf, slowOf, usualOf } from "./figures.js";
import { State } from "./state.js";
import { placeOf, titleOf } from "./words.js";

// More rows would make the page slow and nobody would read them; the search field narrows the list.
const ROWS_MAX = 200;
// Each row asks for its own.
const STATS_EVERY_MS = 5000;

const columns = ["Webhook", "State", "Last hour", "Delivered, 24 h", "p50 / p95", "Last attempt", "Waiting", "Failed"];
const numbers = ["Delivered, 24 h", "p50 / p95", "Waiting", "Failed"];
// Webhooks that need attention come first.
const urgency = { failing: 0, held: 0, paused: 0, active: 2 };
const urgencyOf = ({ state, paused_reason: reason }) => (reason === "by_hand" ? 1 : (urgency[state] ?? 0));

const field = createRef();

const keys = {
  "/": () => field.current?.focus(),
  n: () => navigate("/webhooks/new"),
};

export function List() {
  useLayoutEffect(() => setScreenKeys(keys), []);
  const { data, problem } = usePolled("/api/webhooks?details=true", 2000, "items").value;
  const [typed, setTyped] = useState("");
  if (!data) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  if (data.items.length === 0) return html`<${None} />`;
  const wanted = typed.trim().toLowerCase();
  const found = data.items.filter((webhook) => `${webhook.webhook_url} ${titleOf(webhook)} ${webhook.channels.join(" ")}`.toLowerCase().includes(wanted));
  const rows = found.toSorted((a, b) => urgencyOf(a) - urgencyOf(b) || titleOf(a).localeCompare(titleOf(b))).slice(0, ROWS_MAX);
  const down = data.items.filter(({ state }) => state !== "active").length;
  return html`<div class="list-screen wh-list" data-testid="webhooks">
    <div class="list-tools">
      <label class="search"><${Icon} name="search" />
        <input type="search" ref=${field} placeholder="Find a webhook" aria-label="Find a webhook" value=${typed} autocomplete="off" spellcheck="false"
          onInput=${(input) => setTyped(input.target.value)} data-testid="webhooks-find" /></label>
      <span class="muted">${plural(data.total, "webhook", "webhooks")}${down ? `, ${count(down)} failing or paused` : ""}${rows.length < data.total ? `, ${count(rows.length)} shown` : ""}</span>
      <span class="grow" />
      <a class="button primary" href="/webhooks/new" title="Add a webhook (n)" data-testid="webhook-add"><${Icon} name="add" />Add</a>
    </div>
    <${Table} label="Webhooks" columns=${columns} numbers=${numbers}>
      ${rows.map((webhook) => html`<${Row} key=${webhook.id} webhook=${webhook} />`)}
    <//>
  </div>`;
}

function Row({ webhook }) {
  const { id, name, description, webhook_url: url, channels, waiting, failed } = webhook;
  const stats = usePolled(`/api/webhooks/${id}/stats`, STATS_EVERY_MS).value.data;
  const share = shareOf(stats);
  const slow = slowOf(stats);
  const usual = usualOf(stats);
  const last = lastTried(webhook, stats);
  return html`<tr role="row" class="two-lines" data-testid="webhook-row" data-webhook=${id}>
    <${Cell} name="Webhook"><div class="wh-name">
      <a class="strong" href="/webhooks/${id}" title=${url}>${titleOf(webhook)}</a>
      <span class="wh-under">${(name || description) && html`<span class="mono wh-place">${placeOf(url)}</span>`}<${Channels} patterns=${channels} /></span>
    </div><//>
    <${Cell} name="State" phone="top"><${State} webhook=${webhook} /><//>
    <${Cell} name="Last hour"><${OutcomeBars} buckets=${stats?.buckets} width=${104} height=${20} /><//>
    <${Cell} name="Delivered, 24 h" number phone="under"><span class=${share.failed ? "strong" : ""} title="${count(share.delivered)} of ${plural(share.all, "attempt", "attempts")}">
      ${percent(share.delivered, share.all)}</span><//>
    <${Cell} name="p50 / p95" number>${slow === null ? "–" : html`<span class="nowrap">${took(usual)} / ${took(slow)}</span>`}<//>
    <${Cell} name="Last attempt">${last === null ? html`<span class="muted">none yet</span>` : html`<time datetime=${new Date(last).toISOString()} title=${fullTime(last)}>${ago(last, now.value)}</time>`}<//>
    <${Cell} name="Waiting" number phone="under"><${Due} n=${waiting} href="/webhooks/${id}?tab=undelivered" /><//>
    <${Cell} name="Failed" number phone="under"><${Due} n=${failed} href="/webhooks/${id}?tab=undelivered&state=failed" wrong /><//>
  </tr>`;
}

function Channels({ patterns }) {
  if (patterns.length === 1 && patterns[0] === ">") return html`<span class="muted">all channels</span>`;
  const shown = patterns.slice(0, 3);
  return html`${shown.map((pattern) => html`<span class="tag" key=${pattern}>${pattern}</span>`)}
    ${patterns.length > shown.length && html`<span class="muted">+${patterns.length - shown.length}</span>`}`;
}

function Due({ n, href, wrong = false }) {
  if (n === 0) return html`<span class="muted">0</span>`;
  return html`<a class="strong ${wrong ? "wh-wrong" : ""}" href=${href}>${count(n)}</a>`;
}

function None() {
  return html`<div class="start" data-testid="webhooks-empty"><div class="start-card">
    <span class="start-mark"><${Icon} name="webhooks" /></span>
    <h2>No webhooks yet</h2>
    <p>A webhook is a URL that receives every matching event as a signed POST. Failed deliveries are retried, and delivery resumes where it stopped.</p>
    <ol>
      <li><span class="step" aria-hidden="true">1</span>
        <div><h3>Start a receiver</h3><p>Any program that answers a POST will do. This one prints what it receives:</p>
          <${Command} text="fanfare receive --port 3000" /></div></li>
      <li><span class="step" aria-hidden="true">2</span>
        <div><h3>Point a webhook at it</h3><p>You can test the address before saving.</p>
          <a class="button primary" href="/webhooks/new" data-testid="webhook-add"><${Icon} name="add" />Add a webhook</a></div></li>
      <li><span class="step" aria-hidden="true">3</span>
        <div><h3>Or do both in one step</h3><p>This receiver registers itself, verifies signatures, and unregisters when it exits:</p>
          <${Command} text=${registerCommand()} /></div></li>
    </ol>
  </div></div>`;
}
