// The result of a test or resend.
import { html } from "../../vendor/preact.js";
import { capital, took } from "../format.js";
import { Icon } from "../ui/icon.js";
import { Phases } from "./phases.js";
import { adviceOn, wordOf } from "./words.js";

export function Result({ attempt, testid }) {
  const { outcome, status_code: status, times } = attempt;
  const delivered = outcome === "delivered";
  const said = status ? `Responded ${status} in ${took(times.total_us)}` : `${capital(wordOf(outcome))} (${took(times.total_us)})`;
  const advice = adviceOn(attempt);
  return html`<div class="wh-trial ${delivered ? "" : "failed"}" role="status" data-testid=${testid} data-outcome=${outcome}>
    <div class="wh-result ${delivered ? "" : "failed"}"><${Icon} name=${delivered ? "success" : "error"} />
      <div><p>${said}</p>${advice && html`<p class="advice">${advice}</p>`}</div></div>
    <${Phases} times=${times} hasSum=${false} />
  </div>`;
}
