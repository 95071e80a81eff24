// A text as it is, with a copy button. JSON is shown as a tree.
import { html } from "../../vendor/preact.js";
import { copy } from "./copy.js";
import { Icon } from "./icon.js";
import { JsonTree } from "./json_tree.js";

// Expands every level, because these texts are small.
const WHOLE = -6;
const SMALL = 2000;

export function Code({ text, label, testid }) {
  return html`<div class="code-box"><pre tabindex="0" aria-label=${label} data-testid=${testid}>${text}</pre><${CopyIcon} text=${text} label=${label} /></div>`;
}

export function BodyText({ text, isCut = false, label, testid }) {
  if (text === "") return html`<p class="muted" data-testid=${testid}>Empty.</p>`;
  const value = isCut ? undefined : parsed(text);
  if (value === undefined) return html`<${Code} text=${text} label=${label} testid=${testid} />`;
  return html`<div class="code-box"><div class="json" data-testid=${testid}><${JsonTree} key=${text} value=${value} depth=${text.length < SMALL ? WHOLE : 0} /></div>
    <${CopyIcon} text=${text} label=${label} /></div>`;
}

function CopyIcon({ text, label }) {
  return html`<button type="button" class="icon-button" aria-label="Copy: ${label}" title="Copy" onClick=${() => copy(text, `${label} copied`)}><${Icon} name="copy" /></button>`;
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}
