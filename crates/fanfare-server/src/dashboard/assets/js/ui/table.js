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

// `phone` is the line of a card that shows the cell: `top`, at its right, or `under`. In a row of the class `two-lines`,
// cards have these two lines, and the page of the thing has the rest.
export function Cell({ name, number = false, phone = null, children }) {
  return html`<td role="cell" class="${number ? "number" : ""} ${phone ? `phone-${phone}` : ""}" data-name=${name}><div class="cell">${children}</div></td>`;
}
