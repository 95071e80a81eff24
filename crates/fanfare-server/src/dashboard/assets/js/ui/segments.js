// A choice of one among a few visible options.
import { html } from "../../vendor/preact.js";

export function Segments({ label, options, value, onPick, testid }) {
  return html`<div class="segments" role="group" aria-label=${label}>
    ${options.map(
      ([name, text]) => html`<button type="button" key=${name} aria-pressed=${value === name} onClick=${() => onPick(name)} data-testid="${testid}-${name}">${text}</button>`,
    )}
  </div>`;
}
