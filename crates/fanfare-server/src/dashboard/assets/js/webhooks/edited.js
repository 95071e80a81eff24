// Sends an event with an edited body to this receiver only.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { getToEdit, parseExactly, send } from "../api.js";
import { seqOf } from "../format.js";
import { setParams } from "../router.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Dialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { Result } from "./result.js";

export function EditedResend({ event, base, onClose }) {
  const [text, setText] = useState(null);
  const [attempt, setAttempt] = useState(null);
  const [unread, setUnread] = useState(null);
  const { busy, problem, run } = useAction();
  useEffect(() => {
    getToEdit(`${base}/deliveries/${event}`).then(({ body }) => setText(JSON.stringify(body, null, 2)), setUnread);
  }, [event]);
  const wrong = text === null ? null : wrongWith(text);
  const submit = async (submitted) => {
    submitted.preventDefault();
    if (wrong || text === null) return;
    setAttempt((await run(() => send("POST", `${base}/deliveries/${event}/resend`, `{"body":${text}}`))) ?? null);
  };
  const look = () => {
    onClose();
    setParams({ attempt: attempt.id, tab: null });
  };
  return html`<${Dialog} title=${`Edit and send event ${seqOf(event)}`} onClose=${onClose} wide testid="edited">
    <form onSubmit=${submit}>
      <p class="dialog-lead">Sent to this webhook only, and signed as usual. It gets its own <code>webhook-id</code>, so the receiver treats it as new. The event in the log is not changed.</p>
      <label class="field">Body <span class="hint ${wrong ? "wrong" : ""}" id="edited-hint">${wrong ? `Invalid JSON: ${wrong}` : "JSON"}</span>
        <textarea class="input code" rows="14" spellcheck="false" value=${text ?? ""} disabled=${text === null} aria-describedby="edited-hint" aria-invalid=${Boolean(wrong)} autofocus
          onInput=${(input) => setText(input.target.value)} data-testid="edited-body" />
      </label>
      <${ProblemNote} problem=${problem ?? unread} />
      ${attempt && html`<${Result} attempt=${attempt} testid="edited-result" />`}
      <footer>
        ${attempt && html`<button type="button" class="button" onClick=${look} data-testid="edited-look">Show the attempt</button>`}
        <button type="submit" class="button primary" disabled=${busy || Boolean(wrong) || text === null} data-testid="edited-send"><${Icon} name="send" />${busy ? "Sending…" : "Send"}</button>
      </footer>
    </form>
  <//>`;
}

function wrongWith(text) {
  try {
    parseExactly(text);
    return null;
  } catch (error) {
    return error.message;
  }
}
