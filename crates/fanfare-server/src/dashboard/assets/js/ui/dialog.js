// A modal dialog.
import { html, useEffect, useMemo, useRef } from "../../vendor/preact.js";
import { Icon } from "./icon.js";

let instances = 0;

export function Dialog({ title, onClose, wide = false, testid, children }) {
  const box = useRef(null);
  const id = useMemo(() => `dialog-${(instances += 1)}`, []);
  useEffect(() => {
    const { current } = box;
    current.showModal();
    // Closing returns the focus to the element that had it.
    return () => current.close();
  }, []);
  return html`<dialog class="sheet dialog ${wide ? "wide" : ""}" ref=${box} aria-labelledby=${id} onClose=${onClose} data-testid=${testid}>
    <div class="sheet-body">
      <header><h2 id=${id}>${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      ${children}
    </div>
  </dialog>`;
}
