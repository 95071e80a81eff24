// Purges a channel. This cannot be undone, so the dialog says what goes, and a large channel must be named.
import { html, useState } from "../../vendor/preact.js";
import { send } from "../api.js";
import { plural } from "../format.js";
import { usePolled } from "../poll.js";
import { navigate } from "../router.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Dialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { summaryOf } from "./hearers.js";

const NAMED_FROM = 1000;

export function Purge({ channel: { name, events }, onClose }) {
  const [typed, setTyped] = useState("");
  const { busy, problem, run } = useAction();
  const readers = usePolled("/api/readers", 5000, "readers").value.data?.readers ?? [];
  const mustName = events > NAMED_FROM;
  const isMeant = !mustName || typed.trim() === name;
  const purge = async (submitted) => {
    submitted.preventDefault();
    if (!isMeant) return;
    const purged = await run(() => send("DELETE", `/api/channels/${encodeURIComponent(name)}`));
    if (!purged) return;
    toast(`${plural(purged.events, "event", "events")} purged from ${name}`);
    navigate("/channels");
  };
  return html`<${Dialog} title="Purge ${name}" onClose=${onClose} testid="purge">
    <form onSubmit=${purge}>
      <p class="dialog-lead">Every event of this channel loses its content for good, also on the disk, with its waiting deliveries and recorded attempts. Up to ${plural(events, "event", "events")}. ${summaryOf(readers, name)}</p>
      ${mustName && html`<label class="field">Type <code>${name}</code> to confirm
        <input class="input code" value=${typed} autocomplete="off" spellcheck="false" autocapitalize="off" autofocus onInput=${(input) => setTyped(input.target.value)} data-testid="purge-typed" /></label>`}
      <${ProblemNote} problem=${problem} />
      <footer><button type="button" class="button" onClick=${onClose} autofocus=${!mustName}>Cancel</button>
        <button type="submit" class="button danger" disabled=${busy || !isMeant} data-testid="purge-do"><${Icon} name="remove" />Purge channel</button></footer>
    </form>
  <//>`;
}
