// Another secret in the place of the one there is.
import { html, useState } from "../../vendor/preact.js";
import { send } from "../api.js";
import { fullTime } from "../format.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Dialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { Secret } from "./secret.js";

const overlaps = [
  ["24h", "24 hours", "both sign for a day, so that the receiver can change over in its own time"],
  ["1h", "1 hour", "both sign for an hour"],
  ["7d", "7 days", "both sign for a week, which is the longest"],
  ["0s", "not at all", "the old one, and all before it, stop at once: for a secret that has leaked"],
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
    return html`<${Dialog} title="The new secret" onClose=${onClose} testid="rotate">
      <${Secret} secret=${rotated.secret} />
      <p class="dialog-lead" data-testid="rotate-until">${rotated.old_until
        ? `Until ${fullTime(Date.parse(rotated.old_until))}, every request carries two signatures: one of the new secret, one of the old. A receiver that knows either of them goes on working.`
        : "Only the new secret signs from now on. A receiver that still has the old one refuses what comes."}</p>
      <footer><button type="button" class="button primary" onClick=${onClose} data-testid="rotate-done">I have it</button></footer>
    <//>`;
  }
  const earlier = webhook.earlier_secrets_until;
  return html`<${Dialog} title="Make a new secret" onClose=${onClose} testid="rotate">
    <form onSubmit=${rotate}>
      <p class="dialog-lead">The new secret is shown once. How long should the one that is used now sign beside it?</p>
      <fieldset class="choices-list"><legend>Overlap</legend>
        ${overlaps.map(
          ([value, title, about]) => html`<label class="choice" key=${value}><input type="radio" name="overlap" checked=${overlap === value} onChange=${() => setOverlap(value)} data-testid="rotate-${value}" />
            <span><b>${title}</b> <span class="muted">${about}</span></span></label>`,
        )}
      </fieldset>
      ${earlier.length > 0 && html`<p class="hint">An earlier secret still signs until ${fullTime(Date.parse(earlier[0]))}.</p>`}
      <${ProblemNote} problem=${problem} />
      <footer><button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="button primary" disabled=${busy} data-testid="rotate-do"><${Icon} name="key" />Make a new secret</button></footer>
    </form>
  <//>`;
}
