// Ends the connection of a client, and keeps it away for a while if that is wanted.
import { html, useState } from "../vendor/preact.js";
import { send } from "./api.js";
import { ProblemNote, useAction } from "./ui/action.js";
import { Dialog } from "./ui/dialog.js";
import { Icon } from "./ui/icon.js";
import { toast } from "./ui/toast.js";

const choices = [
  ["", "Now", "Most clients return by themselves."],
  ["10m", "For 10 minutes", "The same client is refused until then. A browser's EventSource stops for good."],
  ["24h", "For 24 hours", "The longest that a client can be kept away."],
];

export function Disconnect({ client, onClose }) {
  const [time, setTime] = useState("");
  const { busy, problem, run } = useAction();
  const disconnect = async (submitted) => {
    submitted.preventDefault();
    const path = `/api/clients/${encodeURIComponent(client.id)}${time && `?deny_for=${time}`}`;
    if (!(await run(async () => (await send("DELETE", path)) ?? {}))) return;
    toast(`${client.id} disconnected`);
    onClose();
  };
  return html`<${Dialog} title="Disconnect ${client.id}" onClose=${onClose} testid="disconnect">
    <form onSubmit=${disconnect}>
      <p class="dialog-lead">${client.address ?? "This machine"}${client.agent ? `, ${client.agent}` : ""}. The client learns why its connection ends.</p>
      <fieldset class="choices-list"><legend>For how long</legend>
        ${choices.map(
          ([value, title, what]) => html`<label key=${title} class="choice"><input type="radio" name="time" value=${value} checked=${time === value} onChange=${() => setTime(value)} data-testid="disconnect-${value || "now"}" />
            <span><b>${title}</b> <span class="muted">${what}</span></span></label>`,
        )}
      </fieldset>
      <${ProblemNote} problem=${problem} />
      <footer><button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class="button danger" disabled=${busy} data-testid="disconnect-do"><${Icon} name="closing" />Disconnect</button></footer>
    </form>
  <//>`;
}
