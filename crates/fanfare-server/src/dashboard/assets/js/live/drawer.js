// The open event, with everything known about it.
import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { get } from "../api.js";
import { home } from "../base.js";
import { now } from "../clock.js";
import { pushWithCli, pushWithCurl } from "../commands.js";
import { findById } from "../feed/feed.js";
import { addChannel } from "../feed/filter.js";
import { ago, capital, fullTime } from "../format.js";
import { CopyButton } from "../ui/copy.js";
import { Icon, TypeIcon } from "../ui/icon.js";
import { JsonTree } from "../ui/json_tree.js";
import { toast } from "../ui/toast.js";
import { focusComposer } from "./composer.js";
import { draftFrom } from "./draft.js";
import { Receipts } from "./receipts.js";
import { closeEvent } from "./selection.js";

export function Drawer({ id }) {
  const { event, problem } = useEvent(id);
  const title = useRef(null);
  // Only on opening: `j` and `k` change the event and must not move the focus.
  useEffect(() => title.current.focus({ preventScroll: true }), []);
  return html`<aside class="drawer" aria-labelledby="drawer-title" data-testid="drawer" data-event=${event?.id}>
    <header>
      <h2 id="drawer-title" ref=${title} tabindex="-1">Event <span class="mono">${id}</span></h2>
      <button type="button" class="icon-button" aria-label="Close" title="Close (Esc)" onClick=${closeEvent} data-testid="drawer-close"><${Icon} name="close" /></button>
    </header>
    ${event ? html`<${Detail} event=${event} />` : html`<p class="drawer-empty">${problem ? capital(problem.message) : "Loading…"}</p>`}
  </aside>`;
}

// From the feed, or from the log if the page was opened through a link.
function useEvent(id) {
  const [fetched, setFetched] = useState({});
  const known = findById(id)?.event;
  useEffect(() => {
    if (known) return;
    get(`/api/events/${encodeURIComponent(id)}`).then(
      (event) => setFetched({ id, event }),
      (problem) => setFetched({ id, problem }),
    );
  }, [id]);
  if (known) return { event: known };
  return fetched.id === id ? fetched : {};
}

function Detail({ event }) {
  const ms = Date.parse(event.timestamp);
  const again = () => {
    draftFrom(event);
    focusComposer();
    toast("Copied to the push box. Edit it there, then send.", "replay");
  };
  return html`<div class="drawer-body">
    <div class="drawer-message"><${TypeIcon} type=${event.type} /><p data-testid="drawer-message">${event.message}</p></div>
    <div class="drawer-actions" role="group" aria-label="Copy as">
      <span class="muted">Copy as</span>
      <${CopyButton} label="curl" icon="terminal" text=${() => pushWithCurl(event)} testid="copy-curl" />
      <${CopyButton} label="CLI" icon="terminal" text=${() => pushWithCli(event)} testid="copy-cli" />
      <${CopyButton} label="JSON" icon="braces" text=${() => JSON.stringify(event, null, 2)} testid="copy-json" />
      <${CopyButton} label="Link" icon="link" text=${() => `${home}/?event=${event.id}`} testid="copy-link" />
    </div>
    <dl class="facts">
      <${Fact} name="Channel"><button type="button" class="link-button mono" onClick=${() => addChannel(event.channel)} title="Show only this channel">${event.channel}</button><//>
      <${Fact} name="Type">${event.type}<//>
      <${Fact} name="Priority">${event.priority}<//>
      <${Fact} name="Time"><time datetime=${event.timestamp} title=${event.timestamp}>${fullTime(ms)}</time> <span class="muted">${ago(ms, now.value)}</span><//>
      <${Fact} name="Source">${event.source?.principal} <span class="muted">via</span> ${event.source?.door}${event.source?.agent && html` <span class="muted">by what calls itself</span> ${event.source.agent}`}<//>
      <${Fact} name="Audience">${event.audience === "stream" ? "connected clients only" : "everyone"}<//>
      ${event.key !== undefined && html`<${Fact} name="Key"><span class="mono">${event.key}</span><//>`}
      ${event.expires_at && html`<${Fact} name="Expires">${fullTime(Date.parse(event.expires_at))}<//>`}
    </dl>
    <section class="drawer-data" aria-labelledby="drawer-data">
      <h3 id="drawer-data">Data</h3>
      ${event.data === undefined
        ? html`<p class="muted">None.</p>`
        : html`<div class="json" data-testid="json-tree"><${JsonTree} key=${event.id} value=${event.data} /></div>`}
    </section>
    <${Receipts} id=${event.id} />
    <button type="button" class="button again" onClick=${again} data-testid="publish-again"><${Icon} name="replay" />Edit and push again</button>
  </div>`;
}

function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}
