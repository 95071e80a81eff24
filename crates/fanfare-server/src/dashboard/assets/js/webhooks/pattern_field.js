// Channels and patterns, as chips.
import { html, useState } from "../../vendor/preact.js";
import { usePolled } from "../poll.js";
import { Combobox } from "../ui/combobox.js";
import { Icon } from "../ui/icon.js";
import { Hint } from "./field.js";

const EVERY_MS = 10_000;

export function PatternField({ id, label, hint, patterns, onChange, problem, at }) {
  const [text, setText] = useState("");
  const known = usePolled("/api/channels", EVERY_MS, "channels").value.data?.channels.map(({ name }) => name).sort() ?? [];
  const add = (pattern) => {
    setText("");
    if (pattern && !patterns.includes(pattern)) onChange([...patterns, pattern]);
  };
  // Typed text counts even if the user did not pick a suggestion.
  const left = ({ currentTarget, relatedTarget }) => !currentTarget.contains(relatedTarget) && add(text.trim());
  return html`<div class="field" role="group" aria-label=${label}><span class="label">${label}</span>
    <div class="wh-patterns" onFocusOut=${left}>
      ${patterns.map(
        (pattern) => html`<button key=${pattern} type="button" class="chip on" onClick=${() => onChange(patterns.filter((one) => one !== pattern))} aria-label="Remove ${pattern}" data-testid="${id}-chip">${pattern}<${Icon} name="close" /></button>`,
      )}
      <${Combobox} value=${text} onInput=${setText} onPick=${add} options=${known.filter((channel) => !patterns.includes(channel))} label="Add a channel or pattern" placeholder=${patterns.length ? "add another" : "all channels"} testid=${id} />
    </div>
    <${Hint} id="${id}-hint" hint=${hint} problem=${problem} at=${at} /></div>`;
}
