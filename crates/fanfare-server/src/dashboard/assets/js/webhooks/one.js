// One webhook: its state, attempts, undelivered events and settings, and how its receiver verifies signatures.
import { html, useState } from "../../vendor/preact.js";
import { send } from "../api.js";
import { capital } from "../format.js";
import { usePolled } from "../poll.js";
import { query, setParams } from "../router.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { copy } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { AttemptDrawer } from "./attempt.js";
import { Attempts } from "./attempts.js";
import { Deliveries } from "./deliveries.js";
import { EditedResend } from "./edited.js";
import { Figures } from "./figures_strip.js";
import { History } from "./history.js";
import { Remove } from "./remove.js";
import { Replay } from "./replay.js";
import { Rotate } from "./rotate.js";
import { Settings } from "./settings.js";
import { State } from "./state.js";
import { Trouble } from "./trouble.js";
import { Verify } from "./verify.js";
import { titleOf, wordOf } from "./words.js";

const EVERY_MS = 1500;

const tabs = [
  ["attempts", "Attempts"],
  ["undelivered", "Undelivered"],
  ["settings", "Settings"],
  ["verify", "Signatures"],
];

export function One({ id }) {
  const base = `/api/webhooks/${encodeURIComponent(id)}`;
  const { data: webhook, problem } = usePolled(base, EVERY_MS).value;
  // The open dialog: `{ kind, … }`.
  const [dialog, setDialog] = useState(null);
  if (problem?.status === 404) return html`<${Unknown} />`;
  if (!webhook) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  const params = new URLSearchParams(query.value);
  const tab = tabs.find(([name]) => name === params.get("tab"))?.[0] ?? "attempts";
  const attempt = params.get("attempt");
  const parts = { webhook, base, ask: setDialog };
  return html`<div class="wh-one ${attempt ? "with-drawer" : ""}" data-testid="webhook" data-webhook=${id}>
    <div class="wh-main"><div class="wh-page">
      <${Head} ...${parts} />
      <nav class="wh-tabs" aria-label="About this webhook">
        ${tabs.map(
          ([name, title]) => html`<a key=${name} href="/webhooks/${id}${name === "attempts" ? "" : `?tab=${name}`}" aria-current=${name === tab ? "true" : undefined} data-testid="tab-${name}">
            ${title}${name === "undelivered" && webhook.waiting + webhook.failed > 0 && html`<span class="wh-count">${webhook.waiting + webhook.failed}</span>`}</a>`,
        )}
      </nav>
      ${(tab === "attempts" || tab === "undelivered") && html`<${Trouble} ...${parts} />`}
      ${tab === "attempts" && html`<${Figures} webhook=${webhook} base=${base} /><${History} base=${base} /><${Attempts} ...${parts} />`}
      ${tab === "undelivered" && html`<${Deliveries} ...${parts} />`}
      ${tab === "settings" && html`<${Settings} ...${parts} />`}
      ${tab === "verify" && html`<${Verify} ...${parts} />`}
    </div></div>
    ${attempt && html`<${AttemptDrawer} key="drawer" id=${attempt} ...${parts} />`}
    ${dialog && html`<${Asked} dialog=${dialog} onClose=${() => setDialog(null)} ...${parts} />`}
  </div>`;
}

const dialogs = { edited: EditedResend, remove: Remove, replay: Replay, rotate: Rotate };

function Asked({ dialog, ...parts }) {
  const Question = dialogs[dialog.kind];
  return html`<${Question} ...${dialog} ...${parts} />`;
}

function Head({ webhook, base, ask }) {
  const { webhook_url: url, state } = webhook;
  const { busy, problem, run } = useAction();
  const isPaused = state === "paused";
  const test = () =>
    run(async () => {
      const attempt = await send("POST", `${base}/test`);
      toast(attempt.outcome === "delivered" ? `Test delivered: ${attempt.status_code}` : `Test failed: ${wordOf(attempt.outcome)}`, attempt.outcome === "delivered" ? "done" : "warning");
      setParams({ attempt: attempt.id });
    });
  const toggle = () =>
    run(async () => {
      await send("POST", `${base}/${isPaused ? "resume" : "pause"}`);
      toast(isPaused ? "Resumed where it stopped" : "Paused. Events wait in the log");
    });
  return html`<header class="wh-head">
    <a class="wh-back" href="/webhooks"><${Icon} name="back" />Webhooks</a>
    <div class="wh-title">
      <h2 data-testid="webhook-title">${titleOf(webhook)}</h2><${State} webhook=${webhook} />
      <span class="grow" />
      <div class="wh-actions">
        <button type="button" class="button" onClick=${test} disabled=${busy} data-testid="webhook-test"><${Icon} name="send" />Send a test</button>
        <button type="button" class="button" onClick=${toggle} disabled=${busy} data-testid="webhook-toggle"><${Icon} name=${isPaused ? "play" : "pause"} />${isPaused ? "Resume" : "Pause"}</button>
        <button type="button" class="button" onClick=${() => ask({ kind: "replay" })} data-testid="webhook-replay"><${Icon} name="replay" />Replay…</button>
      </div>
    </div>
    <p class="wh-url"><span class="mono" data-testid="webhook-url">${url}</span>
      <button type="button" class="icon-button" aria-label="Copy the address" title="Copy" onClick=${() => copy(url, "Address copied")}><${Icon} name="copy" /></button></p>
    <${ProblemNote} problem=${problem} />
  </header>`;
}

function Unknown() {
  return html`<div class="start" data-testid="webhook-unknown"><div class="start-card">
    <span class="start-mark"><${Icon} name="webhooks" /></span>
    <h2>Webhook not found</h2>
    <p>It was removed, or was never registered here.</p>
    <a class="button" href="/webhooks"><${Icon} name="back" />All webhooks</a>
  </div></div>`;
}
