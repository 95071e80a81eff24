// Every channel with its rate; a row links to the feed of that channel.
import { html, useState } from "../vendor/preact.js";
import { now } from "./clock.js";
import { examples, listenTo } from "./commands.js";
import { seriesOf } from "./feed/rates.js";
import { ago, capital, count, fullTime, plural, rate } from "./format.js";
import { usePolled } from "./poll.js";
import { Command, copy } from "./ui/copy.js";
import { Icon } from "./ui/icon.js";
import { Sparkline } from "./ui/sparkline.js";
import { Cell, Table } from "./ui/table.js";

// More rows would make the page slow and nobody would read them; the search field narrows the list.
const ROWS_MAX = 200;

export function Channels() {
  const { data, problem } = usePolled("/api/channels", 2000, "channels").value;
  const [typed, setTyped] = useState("");
  if (!data) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  if (data.channels.length === 0) return html`<${None} />`;
  const found = data.channels.filter(({ name }) => name.toLowerCase().includes(typed.trim().toLowerCase()));
  const rows = found.toSorted((a, b) => b.rate - a.rate || a.name.localeCompare(b.name)).slice(0, ROWS_MAX);
  return html`<div class="list-screen" data-testid="channels">
    <div class="list-tools">
      <label class="search"><${Icon} name="search" />
        <input type="search" placeholder="Find a channel" aria-label="Find a channel" value=${typed} autocomplete="off" spellcheck="false"
          onInput=${(input) => setTyped(input.target.value)} data-testid="channels-find" /></label>
      <span class="muted">${plural(data.total, "channel", "channels")}${rows.length < data.total ? `, ${count(rows.length)} shown` : ""}</span>
    </div>
    <${Table} label="Channels" columns=${["Channel", "Last minute", "Events / s", "Events", "Last event", "Subscribers", ""]} numbers=${["Events / s", "Events", "Subscribers"]}>
      ${rows.map((channel) => html`<${ChannelRow} key=${channel.name} channel=${channel} />`)}
    <//>
  </div>`;
}

function ChannelRow({ channel: { name: channel, events, rate: perSecond, last_id: id, last_timestamp: timestamp, stream_clients: subscribers } }) {
  const last = Date.parse(timestamp);
  return html`<tr role="row" data-testid="channel-row" data-channel=${channel}>
    <${Cell} name="Channel"><a class="mono strong" href="/?channel=${encodeURIComponent(channel)}" title="Show in the feed">${channel}</a><//>
    <${Cell} name="Last minute"><${Sparkline} counts=${seriesOf(channel, now.value)} width=${96} height=${18} label="Events in ${channel} over the last minute" /><//>
    <${Cell} name="Events / s" number>${rate(perSecond)}<//>
    <${Cell} name="Events" number>${count(events)}<//>
    <${Cell} name="Last event"><a class="quiet-link" href="/?event=${id}"><time datetime=${timestamp} title=${fullTime(last)}>${ago(last, now.value)}</time></a><//>
    <${Cell} name="Subscribers" number>${count(subscribers)}<//>
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
