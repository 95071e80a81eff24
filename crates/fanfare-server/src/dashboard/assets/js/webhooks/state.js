import { html } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { Icon } from "../ui/icon.js";
import { stateOf } from "./words.js";

// The state of a webhook, as a word with an icon.
export function State({ webhook }) {
  const { look, icon, word } = stateOf(webhook, now.value);
  return html`<span class="state wh-${look}" title=${webhook.explanation} data-testid="webhook-state" data-state=${webhook.state}><${Icon} name=${icon} />${word}</span>`;
}
