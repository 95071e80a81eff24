// Every channel with its rate, grouped by the first segment of its name; a row leads to the page of that channel.
import { html, useState } from "../vendor/preact.js";
import { OneChannel } from "./channels/one.js";
import { now } from "./clock.js";
import { examples, listenTo } from "./commands.js";
import { seriesOf } from "./feed/rates.js";
import { ago, capital, count, fullTime, plural, rate } from "./format.js";
import { usePolled } from "./poll.js";
import { path } from "./router.js";
import { Command, copy } from "./ui/copy.js";
import { Icon } from "./ui/icon.js";
import { Sparkline } from "./ui/sparkline.js";
import { Cell, Table } from "./ui/table.js";

// More rows would make the page slow and nobody would read them; the search field narrows the list.
const ROWS_MAX = 200;
// With more channels, groups are closed at first.
const OPEN_MAX = 40;
const COLUMNS = ["Channel", "Last minute", "Events / s", "Events", "Last event", "Subscribers", ""];

export function Channels() {
  const [, , name] = path.value.split("/");
  return name ? html`<${OneChannel} name=${decoded(name)} />` : html`<${List} />`;
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function List() {
  const { data, problem } = usePolled("/api/channels", 2000, "channels").value;
  const [typed, setTyped] = useState("");
  // Those that were opened or closed by hand.
  const [turned, setTurned] = useState(new Map());
  if (!data) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  if (data.channels.length === 0) return html`<${None} />`;
  const needle = typed.trim().toLowerCase();
  const found = data.channels.filter(({ name }) => name.toLowerCase().includes(needle)).slice(0, ROWS_MAX);
  const isOpen = (prefix) => turned.get(prefix) ?? (needle !== "" || found.length <= OPEN_MAX);
  const turn = (prefix) => setTurned(new Map(turned).set(prefix, !isOpen(prefix)));
  return html`<div class="list-screen" data-testid="channels">
    <div class="list-tools">
      <label class="search"><${Icon} name="search" />
        <input type="search" placeholder="Find a channel" aria-label="Find a channel" value=${typed} autocomplete="off" spellcheck="false"
          onInput=${(input) => setTyped(input.target.value)} data-testid="channels-find" /></label>
      <span class="muted">${plural(data.total, "channel", "channels")}${found.length < data.total ? `, ${count(found.length)} shown` : ""}</span>
    </div>
    <${Table} label="Channels" columns=${COLUMNS} numbers=${["Events / s", "Events", "Subscribers"]}>
      ${groupsOf(found).map(({ prefix, channels }) => channels.length === 1
        ? html`<${ChannelRow} key=${channels[0].name} channel=${channels[0]} />`
        : [
            html`<${GroupRow} key="${prefix}." prefix=${prefix} channels=${channels} open=${isOpen(prefix)} onTurn=${() => turn(prefix)} />`,
            ...(isOpen(prefix) ? channels : []).map((channel) => html`<${ChannelRow} key=${channel.name} channel=${channel} inGroup />`),
          ])}
    <//>
  </div>`;
}

// Channels come in the order of their names, and stay there: a list that jumps cannot be clicked.
function groupsOf(channels) {
  const groups = new Map();
  for (const channel of channels) {
    const [prefix] = channel.name.split(".");
    if (!groups.has(prefix)) groups.set(prefix, []);
    groups.get(prefix).push(channel);
  }
  return [...groups].map(([prefix, members]) => ({ prefix, channels: members }));
}

function GroupRow({ prefix, channels, open, onTurn }) {
  const sum = (of) => channels.reduce((all, channel) => all + of(channel), 0);
  const last = Math.max(...channels.map(({ last_timestamp: at }) => Date.parse(at)));
  const turn = (key) => {
    if ((key.key === "ArrowRight" && !open) || (key.key === "ArrowLeft" && open)) onTurn();
  };
  return html`<tr role="row" class="group-row" data-testid="channel-group" data-group=${prefix}>
    <${Cell} name="Channel"><button type="button" class="group-turn" aria-expanded=${open} onClick=${onTurn} onKeyDown=${turn}>
      <${Icon} name="chevron" class=${open ? "turned" : ""} /><span class="mono strong">${prefix}</span> <span class="muted">${plural(channels.length, "channel", "channels")}</span></button><//>
    <${Cell} name=""><//>
    <${Cell} name="Events / s" number>${rate(sum((one) => one.rate))}<//>
    <${Cell} name="Events" number>${count(sum((one) => one.events))}<//>
    <${Cell} name="Last event"><span class="muted">${ago(last, now.value)}</span><//>
    <${Cell} name=""><//>
    <${Cell} name=""><a class="icon-button" href="/?channel=${encodeURIComponent(prefix)}&channel=${encodeURIComponent(`${prefix}.>`)}" aria-label="Show ${prefix} and all below it in the feed" title="Show all of them in the feed"><${Icon} name="live" /></a><//>
  </tr>`;
}

function ChannelRow({ channel: { name: channel, events, rate: perSecond, last_id: id, last_timestamp: timestamp, stream_clients: subscribers }, inGroup = false }) {
  const last = Date.parse(timestamp);
  return html`<tr role="row" class="two-lines ${inGroup ? "in-group" : ""}" data-testid="channel-row" data-channel=${channel}>
    <${Cell} name="Channel"><a class="mono strong" href="/channels/${encodeURIComponent(channel)}">${channel}</a><//>
    <${Cell} name="Last minute"><${Sparkline} counts=${seriesOf(channel, now.value)} width=${96} height=${18} label="Events in ${channel} over the last minute" /><//>
    <${Cell} name="Events / s" number phone="under">${rate(perSecond)}<//>
    <${Cell} name="Events" number phone="under">${count(events)}<//>
    <${Cell} name="Last event" phone="top"><a class="quiet-link" href="/?event=${id}"><time datetime=${timestamp} title=${fullTime(last)}>${ago(last, now.value)}</time></a><//>
    <${Cell} name="Subscribers" number phone="under">${count(subscribers)}<//>
    <${Cell} name="">
      <button type="button" class="icon-button" aria-label="Copy the listen command for ${channel}" title="Copy the listen command"
        onClick=${() => copy(listenTo(channel), "Listen command copied")}><${Icon} name="copy" /></button><//>
  </tr>`;
}

function None() {
  return html`<div class="start" data-testid="channels-empty"><div class="start-card">
    <span class="start-mark"><${Icon} name="channels" /></span>
    <h2>No channels yet</h2>
    <p>The first event pushed to a channel creates it.</p>
    <${Command} text=${examples.push} />
  </div></div>`;
}
