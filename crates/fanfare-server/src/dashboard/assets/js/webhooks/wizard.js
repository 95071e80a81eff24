// Adds a webhook; the address can be tested before anything is saved.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { getAll, send } from "../api.js";
import { receiveCommand } from "../commands.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Command, CopyButton } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";
import { bodyOf, emptyDraft } from "./draft.js";
import { Choice, Field, isAt } from "./field.js";
import { EventFields, SendingFields } from "./options_form.js";
import { Result } from "./result.js";
import { newSecret, Secret } from "./secret.js";
import { titleOf } from "./words.js";

// The address of `fanfare receive --port 3000` on the gateway's host, as an example.
const EXAMPLE = exampleUrl();

function exampleUrl() {
  const url = new URL("/webhook", window.location.origin);
  url.protocol = "http:";
  url.port = "3000";
  return url.href;
}

const starts = [["now", "from now on"], ["earliest", "from the beginning of the log"], ["1h", "from one hour ago"], ["24h", "from one day ago"]];

export function Wizard() {
  const [draft, setDraft] = useState(emptyDraft);
  const [since, setSince] = useState("now");
  // The test is signed with the future secret, so that a receiver that verifies signatures accepts it.
  const [secret] = useState(newSecret);
  // The result of the test and its address: after the address changes, the result is void.
  const [trial, setTrial] = useState(null);
  const [saved, setSaved] = useState(null);
  const tried = useAction();
  const saving = useAction();
  const known = useKnown();
  const set = (changes) => setDraft({ ...draft, ...changes });
  const url = draft.webhook_url.trim();
  const result = trial?.url === url ? trial.attempt : null;
  const isGreen = result?.outcome === "delivered";
  const same = known.find((webhook) => webhook.webhook_url === url);

  const test = async (submitted) => {
    submitted.preventDefault();
    if (!url) return;
    setTrial(null);
    const attempt = await tried.run(() => send("POST", "/api/webhooks/test", { ...bodyOf(draft), secret }));
    if (attempt) setTrial({ url, attempt });
  };
  const save = async (submitted) => {
    submitted.preventDefault();
    const body = { ...bodyOf(draft), secret };
    if (since !== "now") body.since = since;
    const answer = await saving.run(() => send("POST", "/api/webhooks", body));
    if (answer) setSaved(answer);
  };

  if (saved) return html`<${Saved} saved=${saved} draft=${draft} since=${starts.find(([name]) => name === since)[1]} />`;
  const problem = saving.problem ?? tried.problem;
  return html`<div class="list-screen wh-wizard" data-testid="wizard">
    <a class="wh-back" href="/webhooks"><${Icon} name="back" />Webhooks</a>
    <h2>Add a webhook</h2>
    <form class="wh-step" onSubmit=${test}>
      <${Step} number=${1} isDone=${isGreen} title="Where should events go?" />
      <div class="wh-try">
        <${Field} id="webhook-url" label="Address" hint="http or https; receives a POST for each event" value=${draft.webhook_url} onInput=${(value) => set({ webhook_url: value })} placeholder=${EXAMPLE} code type="url" at="/webhook_url" problem=${problem} />
        <button type="submit" class="button ${isGreen ? "" : "primary"}" disabled=${!url || tried.busy} data-testid="wizard-test"><${Icon} name="send" />${tried.busy ? "Sending…" : "Send a test"}</button>
      </div>
      ${same && html`<p class="wh-note quiet" data-testid="wizard-known"><${Icon} name="info" /><span>This address is already registered. <a href="/webhooks/${same.id}">Open ${titleOf(same)}</a> to change it.</span></p>`}
      ${tried.problem && !isAt(tried.problem, "/webhook_url") && html`<${ProblemNote} problem=${tried.problem} />`}
      ${result && html`<${Result} attempt=${result} testid="wizard-result" />`}
      <details class="wh-more-fields"><summary>Does the receiver verify signatures?</summary>
        <p>Give the receiver this secret first. The test and all later requests are signed with it.</p>
        <div class="wh-secret-line"><code tabindex="0" data-testid="wizard-secret">${secret}</code><${CopyButton} label="Copy" text=${() => secret} /></div>
        <p>A receiver that prints and verifies each request:</p>
        <${Command} text=${receiveCommand(secret)} />
      </details>
    </form>
    <form class="wh-step" onSubmit=${save}>
      <${Step} number=${2} title="Which events?" />
      <${EventFields} draft=${draft} set=${set} problem=${saving.problem} />
      <${Choice} id="webhook-since" label="Start" hint="past events are sent first, in order" value=${since} onPick=${setSince} options=${starts} at="/since" problem=${saving.problem} />
      <${Step} number=${3} title="Name the webhook" />
      <${Field} id="webhook-description" label="Name" hint="shown instead of the address; optional" value=${draft.description} onInput=${(value) => set({ description: value })} placeholder="CI notifier" at="/description" problem=${saving.problem} />
      <details class="wh-more-fields" data-testid="wizard-more"><summary>Body, retries, order, headers, credentials, signatures</summary>
        <div class="wh-fields"><${SendingFields} draft=${draft} set=${set} problem=${saving.problem} /></div>
      </details>
      <${ProblemNote} problem=${saving.problem} testid="wizard-problem" />
      <footer>
        <button type="submit" class="button ${isGreen ? "primary" : ""}" disabled=${!url || saving.busy} data-testid="wizard-save">${isGreen || !url ? "Save" : "Save without a passing test"}</button>
        <a class="button" href="/webhooks">Cancel</a>
      </footer>
    </form>
  </div>`;
}

// Loaded once, because it only serves for a warning.
function useKnown() {
  const [known, setKnown] = useState([]);
  useEffect(() => {
    getAll("/api/webhooks?details=true", "items").then(({ items }) => setKnown(items), () => setKnown([]));
  }, []);
  return known;
}

function Step({ number, title, isDone = false }) {
  return html`<h3 class="wh-step-title ${isDone ? "done" : ""}"><span class="step" aria-hidden="true">${isDone ? html`<${Icon} name="done" />` : number}</span>${title}</h3>`;
}

function Saved({ saved, draft, since }) {
  const { id, secret, webhook_url: url } = saved;
  return html`<div class="start" data-testid="wizard-saved"><div class="start-card">
    <span class="start-mark done"><${Icon} name="done" /></span>
    <h2>${draft.description.trim() || "The webhook"} is registered</h2>
    <p><span class="mono">${url}</span> receives matching events ${since}.</p>
    <h3>Signing secret</h3><${Secret} secret=${secret} />
    <div class="wh-actions">
      <a class="button primary" href="/webhooks/${id}" data-testid="wizard-open">Open webhook</a>
      <a class="button" href="/webhooks/${id}?tab=verify"><${Icon} name="shield" />How to verify signatures</a>
    </div>
  </div></div>`;
}
