// Form fields for the options of a webhook: which events, and how they are sent.
import { html } from "../../vendor/preact.js";
import { Icon } from "../ui/icon.js";
import { BodyField } from "./body_field.js";
import { retryDefault } from "./draft.js";
import { Check, Choice, Field, Hint } from "./field.js";
import { PatternField } from "./pattern_field.js";

const priorities = [["min", "all priorities"], ["low", "low and above"], ["default", "default and above"], ["high", "high and above"], ["max", "max only"]];

export function EventFields({ draft, set, problem }) {
  const field = (name) => ({ id: `webhook-${name}`, value: draft[name], onInput: (value) => set({ [name]: value }), at: `/${name}`, problem });
  return html`
    <${PatternField} id="webhook-channels" label="Channels" hint="builds.web, or a pattern: builds.* matches one more segment, builds.> one or more" patterns=${draft.channels}
      onChange=${(channels) => set({ channels })} at="/channels" problem=${problem} />
    <div class="field-pair">
      <${Field} ...${field("types")} label="Types" hint="all, or a list: error, warning" placeholder="all" />
      <${Choice} id="webhook-min-priority" label="Priority" hint="the lowest priority to send" value=${draft.min_priority} onPick=${(value) => set({ min_priority: value })} options=${priorities} at="/min_priority" problem=${problem} />
    </div>
    <${Field} ...${field("text")} label="Text" hint="only events whose message contains this" placeholder="any" />`;
}

export function SendingFields({ draft, set, problem, webhook }) {
  const field = (name) => ({ id: `webhook-${name}`, value: draft[name], onInput: (value) => set({ [name]: value }), at: `/${name}`, problem });
  const batch = (name) => ({ ...field(name), at: `/batch/${name}` });
  return html`
    <${BodyField} draft=${draft} set=${set} problem=${problem} webhook=${webhook} />
    <${Field} ...${field("retry")} label="Retry after" hint=${`delays between attempts, or none; default ${retryDefault}`} code />
    <div class="field-pair">
      <${Field} ...${field("concurrency")} label="Concurrent requests" hint="1 to 128" inputmode="numeric" />
      <${Field} ...${field("rate_per_second")} label="Rate limit" hint="requests per second" placeholder="no limit" inputmode="numeric" />
    </div>
    <${Check} id="webhook-ordered" label="In order" hint="one at a time; later events wait behind a retry" checked=${draft.ordered} onPick=${(ordered) => set({ ordered })} />
    <${Check} id="webhook-batch" label="Batches" hint="a JSON array of events in one request" checked=${draft.is_batch} onPick=${(is) => set({ is_batch: is })}>
      <div class="field-pair">
        <${Field} ...${batch("max_events")} label="Maximum size" hint="events, up to 1,000" inputmode="numeric" />
        <${Field} ...${batch("max_wait")} label="Maximum wait" hint="up to 60s" />
      </div>
    <//>
    <${Headers} draft=${draft} set=${set} problem=${problem} webhook=${webhook} />
    <${Auth} draft=${draft} set=${set} problem=${problem} webhook=${webhook} />
    <div class="field" role="group" aria-label="Signatures"><span class="label">Signatures</span>
      <p class="hint">Every request is signed according to Standard Webhooks (v1). You can add:</p>
      <${Check} id="webhook-v1a" label="v1a: ed25519, verified with a public key" checked=${draft.v1a} onPick=${(v1a) => set({ v1a })} />
      <${Check} id="webhook-hub" label="X-Hub-Signature-256, in GitHub's format" checked=${draft.hub} onPick=${(hub) => set({ hub })} />
    </div>`;
}

function Headers({ draft, set, problem, webhook }) {
  const rows = draft.headers;
  if (rows === null) {
    return html`<div class="field" role="group" aria-label="Headers"><span class="label">Headers</span>
      <div class="wh-patterns">${webhook.header_names.map((name) => html`<span class="tag" key=${name}>${name}</span>`)}
        <button type="button" class="button" onClick=${() => set({ headers: webhook.header_names.map((name) => [name, ""]) })} data-testid="webhook-headers-replace">Replace…</button></div>
      <span class="hint">Values are hidden.</span></div>`;
  }
  const change = (i, row) => set({ headers: rows.map((one, at) => (at === i ? row : one)) });
  return html`<div class="field" role="group" aria-label="Headers"><span class="label">Headers</span>
    ${rows.map(
      ([name, value], i) => html`<div class="wh-header-row" key=${i}>
        <input class="input code" value=${name} placeholder="X-Name" aria-label="Name of header ${i + 1}" autocomplete="off" spellcheck="false" onInput=${(input) => change(i, [input.target.value, value])} data-testid="webhook-header-name" />
        <input class="input code" value=${value} placeholder="value" aria-label="Value of header ${i + 1}" autocomplete="off" spellcheck="false" onInput=${(input) => change(i, [name, input.target.value])} data-testid="webhook-header-value" />
        <button type="button" class="icon-button" aria-label="Remove header ${i + 1}" onClick=${() => set({ headers: rows.filter((_, at) => at !== i) })}><${Icon} name="close" /></button></div>`,
    )}
    <button type="button" class="button" onClick=${() => set({ headers: [...rows, ["", ""]] })} data-testid="webhook-header-add"><${Icon} name="add" />Add a header</button>
    <${Hint} id="webhook-headers-hint" hint="sent with every request" problem=${problem} at="/headers" /></div>`;
}

function Auth({ draft, set, problem, webhook }) {
  const { auth } = draft;
  const to = (changes) => set({ auth: { ...auth, ...changes } });
  const field = (name) => ({ id: `webhook-${name}`, value: auth[name], onInput: (value) => to({ [name]: value }) });
  const options = [["none", "none"], ["basic", "user name and password"], ["bearer", "bearer token"]];
  if (webhook?.auth) options.unshift(["keep", `unchanged: ${webhook.auth.kind}${webhook.auth.username ? `, ${webhook.auth.username}` : ""}`]);
  return html`<${Choice} id="webhook-auth" label="Credentials" hint="sent in the Authorization header" value=${auth.kind} onPick=${(kind) => to({ kind })} options=${options} at="/auth" problem=${problem} />
    ${auth.kind === "basic" && html`<div class="field-pair"><${Field} ...${field("username")} label="User name" /><${Field} ...${field("password")} label="Password" type="password" /></div>`}
    ${auth.kind === "bearer" && html`<${Field} ...${field("token")} label="Token" type="password" />`}`;
}
