// The sources: the addresses that other programs send to, what arrived at each, and what was refused.
import { html } from "../vendor/preact.js";
import { home } from "./base.js";
import { now } from "./clock.js";
import { ago, capital, count, fullTime, plural } from "./format.js";
import { usePolled } from "./poll.js";
import { Command, copy } from "./ui/copy.js";
import { Icon } from "./ui/icon.js";
import { Cell, Table } from "./ui/table.js";

// Each source with refusals is asked for them; with more, the page would ask too often.
const REFUSING_MAX = 8;

const add = "fanfare sources add gitlab";

export function Sources() {
  const { data, problem } = usePolled("/api/sources", 5000, "sources").value;
  if (!data) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  const open = data.sources.filter(({ closed, verify }) => !closed && verify === "none").length;
  const refusing = data.sources.filter(({ refused }) => refused > 0).toSorted((a, b) => b.refused - a.refused);
  return html`<div class="list-screen" data-testid="sources">
    <p class="lead">Other programs send to ${plural(data.total, "address", "addresses")}${open ? `; ${count(open)} of them let anyone send who can reach the gateway` : ""}.</p>
    <${Table} label="Sources" columns=${["Source", "Proof", "Channel", "Accepted", "Refused", "Last", ""]} numbers=${["Accepted", "Refused"]}>
      ${data.sources.map((source) => html`<${SourceRow} key=${source.name} source=${source} />`)}
    <//>
    ${refusing.slice(0, REFUSING_MAX).map(({ name }) => html`<${Refusals} key=${name} name=${name} />`)}
    <section class="more-ways" aria-labelledby="more-sources">
      <h2 id="more-sources">Add a source</h2>
      <div class="ways"><div><h3>Terminal</h3><${Command} text=${add} /></div></div>
    </section>
  </div>`;
}

function SourceRow({ source }) {
  const { name, kind, verify, channel, closed, accepted, refused, path, last_accepted_at: lastAt } = source;
  const last = Date.parse(lastAt ?? "");
  return html`<tr role="row" class="two-lines" data-testid="source-row" data-source=${name}>
    <${Cell} name="Source"><span class="mono strong">${name}</span>${kind === name ? "" : html` <span class="muted">${kind}</span>`}<//>
    <${Cell} name="Proof" phone="top">${closed ? html`<span class="state stalled"><${Icon} name="shield" />closed</span>` : html`<span class="mono proof">${verify}</span>`}<//>
    <${Cell} name="Channel"><a class="quiet-link mono" href="/?channel=${encodeURIComponent(channel)}" title="Show in the feed">${channel}</a><//>
    <${Cell} name="Accepted" number phone="under">${count(accepted)}<//>
    <${Cell} name="Refused" number phone="under"><span class=${refused > 0 ? "strong" : "muted"}>${count(refused)}</span><//>
    <${Cell} name="Last" phone="under">${lastAt ? html`<time datetime=${lastAt} title=${fullTime(last)}>${ago(last, now.value)}</time>` : html`<span class="muted">never</span>`}<//>
    <${Cell} name="">
      <button type="button" class="icon-button" aria-label="Copy the address of ${name}" title="Copy the address"
        onClick=${() => copy(home + path, "Address copied")}><${Icon} name="copy" /></button><//>
  </tr>`;
}

// The last requests that a source refused, the newest first.
function Refusals({ name }) {
  const { data } = usePolled(`/api/sources/${encodeURIComponent(name)}`, 5000).value;
  if (!data?.refusals?.length) return null;
  return html`<section data-testid="refusals" data-source=${name} aria-labelledby="refused-${name}">
    <h2 id="refused-${name}">Refused at ${name}</h2>
    <${Table} label="Requests that ${name} refused" columns=${["When", "Why", "Code", "From"]}>
      ${data.refusals.map((refusal, index) => html`<tr role="row" key=${index}>
        <${Cell} name="When"><time datetime=${refusal.refused_at} title=${fullTime(Date.parse(refusal.refused_at))}>${ago(Date.parse(refusal.refused_at), now.value)}</time><//>
        <${Cell} name="Why">${refusal.detail}<//>
        <${Cell} name="Code"><span class="mono">${refusal.code}</span><//>
        <${Cell} name="From"><span class="mono">${refusal.address ?? ""}</span><//>
      </tr>`)}
    <//>
  </section>`;
}
