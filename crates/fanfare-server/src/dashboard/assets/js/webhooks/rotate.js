// Rotates the secret.
import { html, useState } from "../../vendor/preact.js";
import { send } from "../api.js";
import { fullTime } from "../format.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Dialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { Secret } from "./secret.js";

const overlaps = [
  ["24h", "24 hours", "both secrets sign for a day, so you can update the receiver at your own pace"],
  ["1h", "1 hour", "both secrets sign for an hour"],
  ["7d", "7 days", "both secrets sign for a week, the maximum"],
  ["0s", "None", "the old secret and all earlier ones stop immediately; use this if a secret has leaked"],
];

export function Rotate({ webhook, base, onClose }) {
  const [overlap, setOverlap] = useState("24h");
  const [rotated, setRotated] = useState(null);
  const { busy, problem, run } = useAction();
  const rotate = async (submitted) => {
    submitted.preventDefault();
    const answer = await run(() => send("POST", `${base}/secret/rotate`, { overlap }));
    if (answer) setRotated(answer);
  };
  if (rotated) {
    return html`<${Dialog} title="New secret" onClose=${onClose} testid="rotate">
      <${Secret} secret=${rotated.secret} />
      <p class="dialog-lead" data-testid="rotate-until">${rotated.previous_until
        ? `Until ${fullTime(Date.parse(rotated.previous_until))}, every request carries two signatures: one with the new secret, one with the old. A receiver that has either keeps working.`
        : "Only the new secret signs from now on. A receiver that still has the old one will reject requests."}</p>
      <footer><button type="button" class="button primary" onClick=${onClose} data-testid="rotate-done">I have saved it</button></footer>
    <//>`;
  }
  const earlier = webhook.earlier_secrets_until;
  return html`<${Dialog} title="Rotate secret" onClose=${onClose} testid="rotate">
    <form onSubmit=${rotate}>
      <p class="dialog-lead">The new secret is shown once. How long should the current secret keep signing alongside it?</p>
      <fieldset class="choices-list"><legend>Overlap</legend>
        ${overlaps.map(
          ([value, title, about]) => html`<label class="choice" key=${value}><input type="radio" name="overlap" checked=${overlap === value} onChange=${() => setOverlap(value)} data-testid="rotate-${value}" />
            <span><b>${title}</b> <span class="muted">${about}</span></span></label>`,
        )}
      </fieldset>
      ${earlier.length > 0 && html`<p class="hint">An earlier secret still signs until ${fullTime(Date.parse(earlier[0]))}.</p>`}
      <${ProblemNote} problem=${problem} />
      <footer><button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="button primary" disabled=${busy} data-testid="rotate-do"><${Icon} name="key" />Rotate secret</button></footer>
    </form>
  <//>`;
}
