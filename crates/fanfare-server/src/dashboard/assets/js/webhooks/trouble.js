// Problems of a webhook, each with an action.
import { html } from "../../vendor/preact.js";
import { get, send } from "../api.js";
import { now } from "../clock.js";
import { ago, capital, count, plural, seqOf, until } from "../format.js";
import { ProblemNote, useAction } from "../ui/action.js";
import { Icon } from "../ui/icon.js";
import { toast } from "../ui/toast.js";
import { adviceOn, wordOf } from "./words.js";

export function Trouble({ webhook, base, ask }) {
  const { busy, problem, run } = useAction();
  const { state, paused_reason: reason, explanation, paused_since: pausedSince, lost_up_to: lostUpTo, failed } = webhook;
  const resume = () =>
    run(async () => {
      await send("POST", `${base}/resume`);
      toast("Deliveries resumed");
    });
  // Waiting deliveries would keep waiting, so one of them is sent to check whether the receiver is back.
  const tryNow = () =>
    run(async () => {
      await send("POST", `${base}/resume`);
      const { deliveries } = await get(`${base}/deliveries?state=waiting&limit=1`);
      if (deliveries.length > 0) await send("POST", `${base}/replay`, { event_ids: [deliveries[0].event_id], dry_run: false });
      toast("Retrying now");
    });
  const button = (text, onClick) => html`<button type="button" class="button" onClick=${onClick} disabled=${busy} data-testid="trouble-resume"><${Icon} name="play" />${text}</button>`;
  const since = pausedSince && ago(Date.parse(pausedSince), now.value);
  return html`
    ${state === "paused" &&
    html`<${Note} kind=${reason === "by_hand" ? "quiet" : "wrong"} icon=${reason === "by_hand" ? "pause" : "closing"} title=${`Paused ${since}.`}
      text=${`${reason === "by_hand" ? "" : `${capital(explanation)}. `}Missed events wait in the log until retention removes them.`} action=${button("Resume", resume)} />`}
    ${(state === "held" || state === "failing") && webhook.failures > 0 && html`<${Failing} webhook=${webhook} action=${state === "held" ? button("Retry now", tryNow) : null} />`}
    ${failed > 0 &&
    html`<${Note} kind="wrong" icon="error" title=${`${plural(failed, "failed delivery", "failed deliveries")}.`} text="Failed deliveries are kept for 30 days and can be replayed."
      action=${html`<button type="button" class="button" onClick=${() => ask({ kind: "replay", which: "failed" })} data-testid="trouble-replay"><${Icon} name="replay" />Replay…</button>`} />`}
    ${lostUpTo && html`<${Note} kind="wrong" icon="gap" title="Some events were never sent." text=${`Events up to ${seqOf(lostUpTo)} were gone before they were sent: removed by retention, purged, or damaged.`} />`}
    <${ProblemNote} problem=${problem} />
  `;
}

function Failing({ webhook, action }) {
  const { failures, failing_since: since, held_until: heldUntil, last_failure_outcome: outcome, state } = webhook;
  const left = heldUntil && until(Date.parse(heldUntil), now.value);
  const next = state !== "held" ? "" : left ? ` To avoid overloading it, nothing is sent for ${left}; then one attempt checks whether it is back.` : " One attempt will check whether it is back.";
  const title = `${failures === 1 ? "The last attempt" : `The last ${count(failures)} attempts`} failed: ${wordOf(outcome)}.`;
  return html`<${Note} kind="warn" icon=${state === "held" ? "stalled" : "warning"} title=${title}
    text=${`${adviceOn({ outcome }) ?? ""} Started failing ${ago(Date.parse(since), now.value)}.${next}`} action=${action} />`;
}

function Note({ kind, icon, title, text, action }) {
  return html`<div class="wh-note ${kind}" role="note" data-testid="trouble" data-kind=${kind}>
    <${Icon} name=${icon} /><p><strong>${title}</strong> ${text}</p>${action}
  </div>`;
}
