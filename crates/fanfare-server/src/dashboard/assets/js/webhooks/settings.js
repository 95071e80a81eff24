// Changes the settings of a webhook, rotates its secret, and removes it.
import { html, useState } from "../../vendor/preact.js";
import { send } from "../api.js";
import { fullTime } from "../format.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { changesOf, draftOf } from "./draft.js";
import { Field } from "./field.js";
import { EventFields, SendingFields } from "./options_form.js";

export function Settings({ webhook, base, ask }) {
  // Only the fields the user has changed; the others follow the webhook, even if someone else changes it.
  const [touched, setTouched] = useState({});
  const { busy, problem, run } = useAction();
  const draft = { ...draftOf(webhook), ...touched };
  const set = (changes) => setTouched({ ...touched, ...changes });
  const changes = changesOf(webhook, draft);
  const isChanged = Object.keys(changes).length > 0;
  const save = async (submitted) => {
    submitted.preventDefault();
    if (!isChanged || !(await run(() => send("PATCH", base, changes)))) return;
    setTouched({});
    toast("Saved. Applies to events pushed from now on");
  };
  const parts = { draft, set, problem, webhook };
  return html`<div class="wh-settings" data-testid="settings">
    <form onSubmit=${save}>
      <section><h3>Destination</h3>
        <${Field} id="webhook-url" label="Address" value=${draft.webhook_url} onInput=${(value) => set({ webhook_url: value })} at="/webhook_url" problem=${problem} code />
        <${Field} id="webhook-description" label="Name" hint="shown instead of the address" value=${draft.description} onInput=${(value) => set({ description: value })} at="/description" problem=${problem} />
      </section>
      <section><h3>Events</h3><${EventFields} ...${parts} /></section>
      <section><h3>Delivery</h3><${SendingFields} ...${parts} /></section>
      <div class="wh-save">
        <${ProblemNote} problem=${problem} testid="settings-problem" />
        <button type="submit" class="button primary" disabled=${busy || !isChanged} data-testid="settings-save">Save</button>
        <button type="button" class="button" disabled=${busy || !isChanged} onClick=${() => setTouched({})}>Discard changes</button>
        <span class="muted">${isChanged ? Object.keys(changes).join(", ") : "No changes"}</span>
      </div>
    </form>
    <section><h3>Secret</h3>
      <p>The receiver uses it to verify signatures. It was shown once, when it was created.${webhook.earlier_secrets_until.length > 0 ? ` An earlier secret still signs until ${fullTime(Date.parse(webhook.earlier_secrets_until[0]))}.` : ""}</p>
      <button type="button" class="button" onClick=${() => ask({ kind: "rotate" })} data-testid="settings-rotate"><${Icon} name="key" />Rotate secret…</button>
    </section>
    <section><h3>Remove</h3>
      <p>No more events are sent, and waiting deliveries are discarded.</p>
      <button type="button" class="button danger" onClick=${() => ask({ kind: "remove" })} data-testid="settings-remove"><${Icon} name="remove" />Remove webhook…</button>
    </section>
  </div>`;
}
