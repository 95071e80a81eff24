// Short messages that disappear after a moment; screen readers announce them politely.
import { html, signal } from "../../vendor/preact.js";
import { Icon } from "./icon.js";

const STAY_MS = 3500;

const toasts = signal([]);
let last = 0;

export function toast(text, icon = "done") {
  last += 1;
  const id = last;
  toasts.value = [...toasts.value, { id, text, icon }].slice(-3);
  setTimeout(() => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  }, STAY_MS);
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite" data-testid="toasts">
    ${toasts.value.map((one) => html`<div class="toast" key=${one.id}><${Icon} name=${one.icon} />${one.text}</div>`)}
  </div>`;
}
