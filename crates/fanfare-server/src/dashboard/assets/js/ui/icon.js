import { html } from "../../vendor/preact.js";

// An icon of the sprite, which is part of the page: an icon that is first shown when the gateway is gone is there too.
// Beside a text that says the same it is hidden from screen readers; alone, it needs a label.
export function Icon({ name, label, class: className = "" }) {
  const href = `#${name}`;
  return label
    ? html`<svg class="icon ${className}" role="img" aria-label=${label}><use href=${href} /></svg>`
    : html`<svg class="icon ${className}" aria-hidden="true"><use href=${href} /></svg>`;
}

const ofType = { error: "error", info: "info", success: "success", warning: "warning" };

export function isKnownType(type) {
  return Object.hasOwn(ofType, type);
}

// Custom types share one icon; the label tells them apart.
export function TypeIcon({ type }) {
  return html`<${Icon} name=${ofType[type] ?? "other"} label=${type} class="type-${ofType[type] ?? "other"}" />`;
}
