// One channel: its rate over time, who hears it, and its last events.
import { html, useLayoutEffect, useState } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { listenTo } from "../commands.js";
import { moment } from "../days.js";
import { ranges } from "../feed/span.js";
import { ago, capital, count, fullTime, percent, rate } from "../format.js";
import { setScreenKeys } from "../keyboard.js";
import { usePolled } from "../poll.js";
import { navigate, query, setParams } from "../router.js";
import { copy } from "../ui/copy.js";
import { barsOf, Histogram, saidOf } from "../ui/histogram.js";
import { Icon, isKnownType, TypeIcon } from "../ui/icon.js";
import { Segments } from "../ui/segments.js";
import { Hearers } from "./hearers.js";
import { Purge } from "./purge.js";

const EVERY_MS = 2000;
const STATS_EVERY_MS = 5000;
const FLOWING_MS = 60_000;
const LAST = 6;
const narrow = window.matchMedia("(max-width: 700px)");

export function OneChannel({ name }) {
  const { data, problem } = usePolled("/api/channels", EVERY_MS, "channels").value;
  const encoded = encodeURIComponent(name);
  const names = data?.channels.map((one) => one.name) ?? [];
  const at = names.indexOf(name);
  useLayoutEffect(() => {
    const go = (step) => () => names[at + step] && navigate(`/channels/${encodeURIComponent(names[at + step])}${query.peek()}`);
    return setScreenKeys({ "[": go(-1), "]": go(1), o: () => navigate(`/?channel=${encoded}`), Escape: () => navigate("/channels") });
  }, [names.join(" "), at]);
  if (!data) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  if (at < 0) return html`<${Unknown} name=${name} names=${names} />`;
  return html`<${Known} key=${name} channel=${data.channels[at]} encoded=${encoded} />`;
}

function Known({ channel, encoded }) {
  const { name, last_timestamp: lastAt, rate: perSecond, events } = channel;
  const [isPurging, setPurging] = useState(false);
  const { range, stats } = useStats(encoded);
  const last = Date.parse(lastAt);
  const isFlowing = now.value - last < FLOWING_MS;
  return html`<div class="list-screen channel-one" data-testid="channel" data-channel=${name}>
    <header class="channel-head">
      <nav aria-label="Up"><a href="/channels">Channels</a> <span class="muted" aria-hidden="true">/</span></nav>
      <h2 class="mono">${name}</h2>
      <span class="state ${isFlowing ? "live" : ""}"><${Icon} name=${isFlowing ? "live" : "stalled"} />${isFlowing ? "flowing" : "quiet"}</span>
      <span class="grow" />
      <a class="button" href="/?channel=${encoded}" title="Open in Live (o)" data-testid="channel-live"><${Icon} name="live" />Open in Live</a>
      <button type="button" class="button" onClick=${() => copy(listenTo(name), "Listen command copied")} title="Copy the listen command"><${Icon} name="copy" />Listen</button>
      <button type="button" class="button danger" onClick=${() => setPurging(true)} data-testid="channel-purge"><${Icon} name="remove" />Purge…</button>
    </header>
    <${Facts} stats=${stats} range=${range} events=${events} perSecond=${perSecond} last=${last} lastAt=${lastAt} />
    <${Rate} stats=${stats} range=${range} encoded=${encoded} />
    <div class="channel-halves">
      <${Hearers} channel=${name} />
      <${LastEvents} encoded=${encoded} events=${events} />
    </div>
    ${isPurging && html`<${Purge} channel=${channel} onClose=${() => setPurging(false)} />`}
  </div>`;
}

function useStats(encoded) {
  const wanted = new URLSearchParams(query.value).get("range");
  const range = wanted in ranges ? wanted : "24h";
  const params = new URLSearchParams();
  if (ranges[range].ms !== null) params.set("since", range);
  const width = ranges[range].bucket[narrow.matches ? 1 : 0];
  if (width) params.set("bucket", width);
  return { range, stats: usePolled(`/api/stats/events?channel=${encoded}&${params}`, STATS_EVERY_MS).value.data };
}

function Facts({ stats, range, events, perSecond, last, lastAt }) {
  const { events: inRange = 0, warnings = 0, errors = 0 } = stats?.total ?? {};
  const busiest = stats?.buckets.reduce((best, bucket) => (bucket.events > best.events ? bucket : best), { events: 0 });
  const least = stats?.complete === false ? "at least " : "";
  return html`<dl class="channel-facts">
    <${Fact} name="Pushed in all" value=${count(events)} under=${`${rate(perSecond)} / s now`} testid="fact-events" />
    <${Fact} name=${capital(ranges[range].said.replace("the ", ""))} value=${stats ? `${least}${count(inRange)}` : "–"} under=${stats ? `${stats.bucket} a bar` : " "} testid="fact-range" />
    <${Fact} name="Errors" value=${stats ? count(errors) : "–"} under=${stats ? `${percent(errors, inRange)}, ${count(warnings)} ${warnings === 1 ? "warning" : "warnings"}` : " "} wrong=${errors > 0} testid="fact-errors" />
    <${Fact} name="Busiest bar" value=${busiest ? count(busiest.events) : "–"} under=${busiest?.started_at ? `from ${moment(Date.parse(busiest.started_at), now.value)}` : " "} />
    <${Fact} name="Last event" value=${ago(last, now.value)} title=${lastAt} under=${fullTime(last)} />
  </dl>`;
}

function Fact({ name, value, under, title, wrong = false, testid }) {
  return html`<div class="channel-fact"><dt>${name}</dt><dd class=${wrong ? "wrong" : ""} title=${title} data-testid=${testid}>${value}</dd><dd class="under">${under}</dd></div>`;
}

function Rate({ stats, range, encoded }) {
  const [looked, setLooked] = useState(null);
  const open = (since, until) => {
    const params = new URLSearchParams({ channel: decodeURIComponent(encoded) });
    if (range !== "all") params.set("range", range);
    params.set("since", new Date(since).toISOString());
    if (until !== null) params.set("until", new Date(until).toISOString());
    navigate(`/?${params}`);
  };
  return html`<section class="panel" aria-labelledby="channel-rate">
    <header><h3 id="channel-rate">Events over time</h3>
      <p class="muted">${looked ? saidOf(looked, now.value) : "A click or a drag opens that time in Live."}</p>
      <span class="grow" />
      <${Segments} label="Time range" value=${range} options=${Object.entries(ranges).map(([name, { text }]) => [name, text])}
        onPick=${(name) => setParams({ range: name === "24h" ? null : name }, { replace: true })} testid="channel-range" />
    </header>
    <div class="panel-chart"><${Histogram} bars=${stats ? barsOf(stats) : []} now=${now.value} height=${110} onPick=${open} onLook=${setLooked}
      label="Events in this channel over time" testid="channel-histogram" /></div>
  </section>`;
}

function LastEvents({ encoded, events }) {
  const { data } = usePolled(`/api/events?channel=${encoded}&limit=${LAST}`, EVERY_MS).value;
  return html`<section class="panel" aria-labelledby="channel-last">
    <header><h3 id="channel-last">Last events</h3><span class="muted">of ${count(events)}</span><span class="grow" /><a href="/?channel=${encoded}">All in Live</a></header>
    <ul class="panel-rows">
      ${data?.events.map((event) => html`<li key=${event.id}><a class="panel-row" href="/?channel=${encoded}&event=${event.id}" data-testid="channel-event">
        <${TypeIcon} type=${event.type} />
        <span class="row-text">${!isKnownType(event.type) && html`<span class="row-type">${event.type}</span>`}${event.message.slice(0, 200)}</span>
        <time class="muted" datetime=${event.timestamp} title=${fullTime(Date.parse(event.timestamp))}>${moment(Date.parse(event.timestamp), now.value, { seconds: true })}</time>
      </a></li>`)}
      ${data?.events.length === 0 && html`<li class="panel-row muted">Retention has removed its events.</li>`}
    </ul>
  </section>`;
}

function Unknown({ name, names }) {
  const near = names.filter((one) => one.split(".")[0] === name.split(".")[0]).slice(0, 5);
  return html`<div class="start" data-testid="channel-unknown"><div class="start-card">
    <span class="start-mark"><${Icon} name="channels" /></span>
    <h2>No events in <span class="mono">${name}</span></h2>
    <p>The first event pushed to a channel creates it, and a purge removes it.</p>
    ${near.length > 0 && html`<p>Near it: ${near.map((one, i) => html`${i > 0 && ", "}<a key=${one} class="mono" href="/channels/${encodeURIComponent(one)}">${one}</a>`)}</p>`}
    <p><a href="/channels">All channels</a></p>
  </div></div>`;
}
