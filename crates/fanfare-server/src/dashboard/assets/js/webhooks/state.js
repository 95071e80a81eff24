import { html } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { fullTime, timeOfDay } from "../format.js";
import { Icon } from "../ui/icon.js";
import { stateOf } from "./words.js";

// The state of a webhook, as a word with an icon. If it is held, it says until when.
export function State({ webhook }) {
  const { look, icon, word } = stateOf(webhook, now.value);
  const held = webhook.state === "held" && webhook.held_until ? Date.parse(webhook.held_until) : null;
  return html`<span><span class="state wh-${look}" title=${webhook.explanation} data-testid="webhook-state" data-state=${webhook.state}><${Icon} name=${icon} />${word}</span>
    ${held !== null && html`<time class="wh-until" datetime=${webhook.held_until} title=${fullTime(held)} data-testid="held-until">until ${timeOfDay(held).slice(0, 8)}</time>`}</span>`;
}
