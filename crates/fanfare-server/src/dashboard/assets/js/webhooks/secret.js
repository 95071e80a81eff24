// A secret, which is shown only once.
import { html } from "../../vendor/preact.js";
import { copy } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";

const BYTES = 24;

// Creates a secret like the gateway does: `whsec_` and the base64 of random bytes.
export function newSecret() {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}

export function Secret({ secret }) {
  return html`<div class="wh-secret">
    <div class="command"><code tabindex="0" aria-label="Signing secret" data-testid="secret">${secret}</code>
      <button type="button" class="button" onClick=${() => copy(secret, "Secret copied")} data-testid="secret-copy"><${Icon} name="copy" />Copy</button></div>
    <p class="hint"><${Icon} name="warning" />Copy it now; it won't be shown again. The receiver needs it to verify signatures.</p>
  </div>`;
}
