// A table that becomes a list of cards on a phone. The roles are written out because `display: block`,
// which the cards need, takes a table's meaning away from assistive technology.
import { html } from "../../vendor/preact.js";

export function Table({ label, columns, numbers = [], children }) {
  return html`<div class="table-box"><table role="table" aria-label=${label}>
    <thead role="rowgroup"><tr role="row">
      ${columns.map(
        (name) => html`<th key=${name} role="columnheader" scope="col" class=${numbers.includes(name) ? "number" : ""}>
          ${name || html`<span class="visually-hidden">Actions</span>`}</th>`,
      )}
    </tr></thead>
    <tbody role="rowgroup">${children}</tbody>
  </table></div>`;
}

export function Cell({ name, number = false, children }) {
  return html`<td role="cell" class=${number ? "number" : ""} data-name=${name}><div class="cell">${children}</div></td>`;
}
