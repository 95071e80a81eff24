// A text field with suggestions (the ARIA combobox pattern) that accepts any text.
import { html, useMemo, useState } from "../../vendor/preact.js";

const SUGGESTIONS_MAX = 8;

let instances = 0;

export function Combobox({ value, onInput, onPick, options, label, placeholder, testid, openUp = false, inputClass = "" }) {
  const id = useMemo(() => `combobox-${(instances += 1)}`, []);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const typed = value.trim().toLowerCase();
  const found = options.filter((option) => option.toLowerCase().includes(typed) && option !== value).slice(0, SUGGESTIONS_MAX);
  const expanded = open && found.length > 0;

  const pick = (option) => {
    setOpen(false);
    setActive(-1);
    onPick(option);
  };
  const onKeyDown = (key) => {
    if (key.key === "ArrowDown" || key.key === "ArrowUp") {
      key.preventDefault();
      setOpen(true);
      const step = key.key === "ArrowDown" ? 1 : -1;
      if (found.length) setActive((active + step + found.length + (active < 0 && step < 0 ? 1 : 0)) % found.length);
    } else if (key.key === "Enter") {
      key.preventDefault();
      pick(expanded && active >= 0 ? found[active] : value.trim());
    } else if (key.key === "Escape" && expanded) {
      key.stopPropagation();
      setOpen(false);
    }
  };

  return html`<div class="combobox">
    <input
      class="input ${inputClass}" type="text" role="combobox" autocomplete="off" spellcheck="false" autocapitalize="off"
      aria-label=${label} aria-expanded=${expanded} aria-controls=${id} aria-autocomplete="list"
      aria-activedescendant=${expanded && active >= 0 ? `${id}-${active}` : undefined}
      placeholder=${placeholder} value=${value} data-testid=${testid}
      onInput=${(input) => {
        setOpen(true);
        setActive(-1);
        onInput(input.target.value);
      }}
      onFocus=${() => setOpen(true)} onBlur=${() => setOpen(false)} onKeyDown=${onKeyDown}
    />
    <ul class="suggestions ${openUp ? "upwards" : ""}" id=${id} role="listbox" aria-label="${label}: suggestions" hidden=${!expanded}>
      ${found.map(
        (option, i) => html`<li key=${option} id="${id}-${i}" role="option" aria-selected=${i === active}
          onMouseDown=${(mouse) => {
            // Runs before the field loses focus, which would close the list under the pointer.
            mouse.preventDefault();
            pick(option);
          }}>${option}</li>`,
      )}
    </ul>
  </div>`;
}
