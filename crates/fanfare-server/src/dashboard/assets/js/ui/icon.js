import { html } from "../../vendor/preact.js";

// A picture beside a text that says the same; alone, it gets a label.
export function Icon({ name, label, class: className = "" }) {
  const href = `/assets/icons.svg#${name}`;
  return label
    ? html`<svg class="icon ${className}" role="img" aria-label=${label}><use href=${href} /></svg>`
    : html`<svg class="icon ${className}" aria-hidden="true"><use href=${href} /></svg>`;
}

const ofType = { error: "error", info: "info", success: "success", warning: "warning" };

// Types of others' making have one picture; their name tells them apart.
export function TypeIcon({ type }) {
  return html`<${Icon} name=${ofType[type] ?? "other"} label=${type} class="type-${ofType[type] ?? "other"}" />`;
}
