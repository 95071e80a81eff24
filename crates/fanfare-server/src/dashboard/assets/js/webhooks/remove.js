// Removes a webhook. This cannot be undone, so the user must type its host.
import { html, useState } from "../../vendor/preact.js";
import { send } from "../api.js";
import { plural } from "../format.js";
import { navigate } from "../router.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Dialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { hostOf, titleOf } from "./words.js";

export function Remove({ webhook, base, onClose }) {
  const [typed, setTyped] = useState("");
  const { busy, problem, run } = useAction();
  const { name, description, waiting, failed } = webhook;
  const host = hostOf(webhook.webhook_url);
  const isMeant = [host, name, description].includes(typed.trim());
  const remove = async (submitted) => {
    submitted.preventDefault();
    if (!isMeant || !(await run(() => send("DELETE", base)))) return;
    toast(`${titleOf(webhook)} removed`);
    navigate("/webhooks");
  };
  return html`<${Dialog} title="Remove ${titleOf(webhook)}" onClose=${onClose} testid="remove">
    <form onSubmit=${remove}>
      <p class="dialog-lead">No more events are sent, and the secret is deleted.${waiting + failed > 0 ? ` ${plural(waiting + failed, "waiting or failed delivery is", "waiting or failed deliveries are")} deleted too.` : ""} To stop temporarily, pause it instead.</p>
      <label class="field">Type <code>${host}</code> to confirm
        <input class="input code" value=${typed} autocomplete="off" spellcheck="false" autocapitalize="off" autofocus onInput=${(input) => setTyped(input.target.value)} data-testid="remove-typed" /></label>
      <${ProblemNote} problem=${problem} />
      <footer><button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="button danger" disabled=${busy || !isMeant} data-testid="remove-do"><${Icon} name="remove" />Remove webhook</button></footer>
    </form>
  <//>`;
}
