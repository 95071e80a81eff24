// Replays deliveries: counts them first, then sends them.
import { html, useState } from "../../vendor/preact.js";
import { send } from "../api.js";
import { count, plural } from "../format.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Dialog } from "../ui/dialog.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { Field } from "./field.js";
import { PatternField } from "./pattern_field.js";

export function Replay({ which: asked = "log", webhook, base, onClose }) {
  const [which, setWhich] = useState(asked);
  const [since, setSince] = useState(asked === "failed" ? "" : "1h");
  const [until, setUntil] = useState("");
  const [channels, setChannels] = useState([]);
  // The result of counting, `{ count, waiting, next_cursor }`; reset when the selection changes.
  const [counted, setCounted] = useState(null);
  // Progress over several calls, because one call has a limit.
  const [done, setDone] = useState({ count: 0, cursor: null });
  const { busy, problem, run } = useAction();
  const choosing = (set) => (value) => {
    set(value);
    setCounted(null);
    setDone({ count: 0, cursor: null });
  };
  const selection = () => {
    const body = { channels };
    if (which === "failed") body.state = "failed";
    if (since.trim()) body.since = since.trim();
    if (until.trim()) body.until = until.trim();
    if (done.cursor) body.cursor = done.cursor;
    return body;
  };
  const isAnything = which === "failed" || since.trim() || until.trim() || channels.length > 0;
  const dryRun = async (submitted) => {
    submitted.preventDefault();
    const answer = await run(() => send("POST", `${base}/replay`, { ...selection(), dry_run: true }));
    if (answer) setCounted(answer);
  };
  const replay = async () => {
    const answer = await run(() => send("POST", `${base}/replay`, { ...selection(), dry_run: false }));
    if (!answer) return;
    toast(`Replaying ${plural(answer.count, "delivery", "deliveries")}`);
    if (answer.next_cursor) {
      setDone({ count: done.count + answer.count, cursor: answer.next_cursor });
      setCounted(null);
    } else {
      onClose();
    }
  };
  return html`<${Dialog} title="Replay" onClose=${onClose} testid="replay">
    <form onSubmit=${dryRun}>
      <p class="dialog-lead">Events are sent to this webhook again, each with its original <code>webhook-id</code>. They are counted before anything is sent.</p>
      <fieldset class="choices-list"><legend>What to replay</legend>
        <${Choice} name="log" value=${which} onPick=${choosing(setWhich)} title="Matching events in the log" about="whether or not they were delivered" />
        <${Choice} name="failed" value=${which} onPick=${choosing(setWhich)} title="Failed deliveries" about=${plural(webhook.failed, "failed delivery", "failed deliveries")} />
      </fieldset>
      <div class="field-pair">
        <${Field} id="replay-since" label="Since" hint=${which === "failed" ? "optional" : "1h, or a time"} value=${since} onInput=${choosing(setSince)} at="/since" problem=${problem} placeholder="10m, 2d, 2026-11-21T08:00:00Z" />
        <${Field} id="replay-until" label="Until" hint="optional" value=${until} onInput=${choosing(setUntil)} at="/until" problem=${problem} placeholder="now" />
      </div>
      <${PatternField} id="replay-channels" label="Channels" hint="optional: only these" patterns=${channels} onChange=${choosing(setChannels)} />
      <${ProblemNote} problem=${problem} testid="replay-problem" />
      <p class="dialog-count" role="status" data-testid="replay-count" data-count=${counted?.count}>${said(counted, done)}</p>
      <footer>
        <button type="submit" class="button ${counted ? "" : "primary"}" disabled=${busy || !isAnything} data-testid="replay-dry-run"><${Icon} name="search" />${done.cursor ? "Count the rest" : "Count"}</button>
        <button type="button" class="button ${counted?.count ? "primary" : ""}" disabled=${busy || !counted?.count} onClick=${replay} data-testid="replay-do"><${Icon} name="replay" />${counted?.count ? `Replay ${count(counted.count)}` : "Replay"}</button>
      </footer>
    </form>
  <//>`;
}

function said(counted, done) {
  const before = done.count ? `${plural(done.count, "delivery is", "deliveries are")} in progress, and more follow. ` : "";
  if (!counted) return before;
  if (counted.count === 0) return `${before}No deliveries match.`;
  const waiting = counted.waiting ? `, ${count(counted.waiting)} of which are already waiting and will only be sent sooner` : "";
  return `${before}${plural(counted.count, "delivery", "deliveries")} would be replayed${waiting}${counted.next_cursor ? "; more follow" : ""}.`;
}

function Choice({ name, value, onPick, title, about }) {
  return html`<label class="choice"><input type="radio" name="replay-which" checked=${value === name} onChange=${() => onPick(name)} data-testid="replay-${name}" />
    <span><b>${title}</b> <span class="muted">${about}</span></span></label>`;
}
