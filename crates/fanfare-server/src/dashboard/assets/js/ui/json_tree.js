// Any JSON as a tree. Long lists and texts are shown in parts, because data can have 256 KiB.
import { html, useState } from "../../vendor/preact.js";
import { Icon } from "./icon.js";

const STEP = 100;
const TEXT_MAX = 2000;
const OPEN_DEPTH = 2;

export function JsonTree({ value, name = null, depth = 0 }) {
  if (value === null || typeof value !== "object") {
    return html`<div class="json-leaf"><${Name} name=${name} /><${Scalar} value=${value} /></div>`;
  }
  return html`<${Branch} value=${value} name=${name} depth=${depth} />`;
}

function Name({ name }) {
  return name === null ? null : html`<span class="json-name">${name}</span>`;
}

function Branch({ value, name, depth }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  const [limit, setLimit] = useState(STEP);
  const list = Array.isArray(value);
  const entries = list ? value.map((item, i) => [String(i), item]) : Object.entries(value);
  const size = list ? `[ ${entries.length} ]` : `{ ${entries.length} }`;
  if (entries.length === 0) {
    return html`<div class="json-leaf"><${Name} name=${name} /><span class="json-size">${list ? "[ ]" : "{ }"}</span></div>`;
  }
  return html`<div class="json-branch">
    <button type="button" class="json-toggle" aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <${Icon} name="chevron" class=${open ? "turned" : ""} /><${Name} name=${name} /><span class="json-size">${size}</span>
    </button>
    ${open &&
    html`<div class="json-children">
      ${entries.slice(0, limit).map(([key, item]) => html`<${JsonTree} key=${key} value=${item} name=${key} depth=${depth + 1} />`)}
      ${entries.length > limit &&
      html`<button type="button" class="link-button" onClick=${() => setLimit(limit + STEP)}>${entries.length - limit} more</button>`}
    </div>`}
  </div>`;
}

function Scalar({ value }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return html`<span class="json-${value === null ? "null" : typeof value}">${String(value)}</span>`;
  const cut = value.length > TEXT_MAX && !whole;
  return html`<span class="json-string">${JSON.stringify(cut ? value.slice(0, TEXT_MAX) : value)}</span>
    ${cut && html`<button type="button" class="link-button" onClick=${() => setWhole(true)}>show all</button>`}`;
}
