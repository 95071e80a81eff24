// Who hears a channel: durable readers, webhooks and streams in one list, those furthest behind first.
import { html } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { patternOf } from "../feed/filter.js";
import { ago, count, plural } from "../format.js";
import { usePolled } from "../poll.js";
import { Icon } from "../ui/icon.js";
import { stateOf, titleOf } from "../webhooks/words.js";

const EVERY_MS = 3000;
const SHOWN_MAX = 12;

export function Hearers({ channel }) {
  const readers = usePolled("/api/readers", EVERY_MS, "readers").value.data?.readers;
  const webhooks = usePolled("/api/webhooks?details=true", EVERY_MS, "items").value.data?.items;
  const clients = usePolled("/api/clients", EVERY_MS, "clients").value.data?.clients;
  const hears = ({ channels }) => channels.length === 0 || channels.some((pattern) => patternOf(pattern)(channel));
  const all = [
    ...(readers ?? []).filter(hears).map(readerRow),
    ...(webhooks ?? []).filter(hears).map(webhookRow),
    // A reader's connection is in its own row.
    ...(clients ?? []).filter((client) => hears(client) && !client.reader).map(clientRow),
  ].sort((a, b) => b.lag - a.lag || a.name.localeCompare(b.name));
  const isKnown = readers && webhooks && clients;
  return html`<section class="panel" aria-labelledby="channel-hearers">
    <header><h3 id="channel-hearers">Who hears it</h3><span class="muted">${isKnown ? count(all.length) : ""}</span></header>
    <ul class="panel-rows">
      ${all.slice(0, SHOWN_MAX).map((row) => html`<li key=${row.key}><a class="panel-row" href=${row.href} data-testid="hearer" data-kind=${row.kind}>
        <${Icon} name=${row.icon} /><span class="row-text">${row.name} <span class="muted">${row.kind} · ${row.patterns}</span></span>
        <span class="hearer-state ${row.look}">${row.state}</span>
      </a></li>`)}
      ${isKnown && all.length === 0 && html`<li class="panel-row muted">Nobody listens to this channel.</li>`}
      ${all.length > SHOWN_MAX && html`<li class="panel-row muted">and ${count(all.length - SHOWN_MAX)} more</li>`}
    </ul>
  </section>`;
}

function patternsOf(channels) {
  return channels.length ? channels.join(", ") : ">";
}

function lagOf(lag) {
  return lag > 0 ? ["behind", `${count(lag)} behind`] : ["good", "caught up"];
}

function readerRow({ name, channels, lag, connected }) {
  const [look, state] = connected || lag ? lagOf(lag) : ["", "away, caught up"];
  return { kind: "reader", key: `r ${name}`, icon: "readers", name, patterns: patternsOf(channels), lag, href: "/readers", look, state };
}

function webhookRow(webhook) {
  const { id, channels, lag, state } = webhook;
  const isGood = state === "active";
  const [look, text] = isGood ? lagOf(lag) : ["behind", stateOf(webhook, now.value).word];
  return { kind: "webhook", key: id, icon: "webhooks", name: titleOf(webhook), patterns: patternsOf(channels), lag, href: `/webhooks/${id}`, look, state: text };
}

function clientRow({ id, address, transport, channels, lag, connected_at: since }) {
  const [look, state] = lag > 0 ? lagOf(lag) : ["", `since ${ago(Date.parse(since), now.value).replace(" ago", "")}`];
  return { kind: transport, key: `c ${id}`, icon: "clients", name: address ?? "this machine", patterns: patternsOf(channels), lag, href: "/clients", look, state };
}

export function summaryOf(readers, channel) {
  const behind = readers.filter(({ channels, lag }) => lag > 0 && (channels.length === 0 || channels.some((pattern) => patternOf(pattern)(channel))));
  return behind.length ? `${plural(behind.length, "reader has", "readers have")} not read all of it: ${behind.map(({ name }) => name).slice(0, 4).join(", ")}.` : "";
}
