import { html } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { Icon } from "../ui/icon.js";
import { stateOf } from "./words.js";

// The state of a webhook, as a word with an icon.
export function State({ webhook }) {
  const { kind, icon, word, detail } = stateOf(webhook, now.value);
  return html`<span class="state wh-${kind}" title=${detail} data-testid="webhook-state" data-status=${kind}><${Icon} name=${icon} />${word}</span>`;
}
