// The overview: counters, and the channels with their rates.
import { html, useEffect } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { filter, addChannel, removeChannel } from "../feed/filter.js";
import { rateNow, seriesOf } from "../feed/rates.js";
import { count, rate, seqOf } from "../format.js";
import { usePolled } from "../poll.js";
import { Sparkline } from "../ui/sparkline.js";
import { channelList } from "./known.js";

const SHOWN_MAX = 14;

export function Side() {
  const status = usePolled("/api/status", 2000).value.data;
  const channels = usePolled("/api/channels", 2000, "channels").value.data?.channels;
  useEffect(() => {
    if (channels) channelList.value = channels;
  }, [channels]);
  return html`<aside class="side" aria-label="Overview">
    <dl class="counters">
      <${Counter} name="Events / s" value=${rate(rateNow(now.value))} testid="counter-rate" />
      <${Counter} name="Clients" value=${status ? count(status.stream_clients) : "–"} testid="counter-clients" />
      <${Counter} name="In the log" value=${status ? count(inLog(status)) : "–"} testid="counter-log" />
    </dl>
    <div class="pulse"><${Sparkline} counts=${seriesOf(null, now.value)} width=${252} height=${36} label="Events over the last minute" /></div>
    <section class="side-channels" aria-labelledby="side-channels">
      <h2 id="side-channels">Channels <span>60 s</span></h2>
      <${ChannelRows} channels=${channels} />
    </section>
  </aside>`;
}

function inLog({ first, last }) {
  return first && last ? seqOf(last) - seqOf(first) + 1 : 0;
}

function Counter({ name, value, testid }) {
  return html`<div class="counter"><dt>${name}</dt><dd data-testid=${testid}>${value}</dd></div>`;
}

function ChannelRows({ channels }) {
  if (!channels) return null;
  if (channels.length === 0) return html`<p class="muted">No channels yet. The first event creates one.</p>`;
  // The busiest channels, sorted by name, because a list that jumps cannot be clicked.
  const busiest = channels
    .toSorted((a, b) => b.rate - a.rate || b.events - a.events)
    .slice(0, SHOWN_MAX)
    .sort((a, b) => a.name.localeCompare(b.name));
  const chosen = filter.value.channels;
  return html`<ul>
      ${busiest.map(({ name: channel, rate: perSecond }) => {
        const on = chosen.includes(channel);
        return html`<li key=${channel}>
          <button type="button" class="side-channel ${on ? "on" : ""}" aria-pressed=${on} title="Show only ${channel}"
            onClick=${() => (on ? removeChannel(channel) : addChannel(channel))}>
            <span class="name">${channel}</span>
            <${Sparkline} counts=${seriesOf(channel, now.value)} width=${60} height=${16} label="" />
            <span class="rate">${rate(perSecond)}<span class="unit">/s</span></span>
          </button>
        </li>`;
      })}
    </ul>
    ${channels.length > SHOWN_MAX && html`<a class="more" href="/channels">All ${count(channels.length)} channels</a>`}`;
}
