// Buttons that copy, and commands that can be copied.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { Icon } from "./icon.js";
import { toast } from "./toast.js";

export async function copy(text, what = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
    toast(what);
    return true;
  } catch {
    // Browsers offer no clipboard over plain http on other addresses; the user can still select the text.
    toast("Copying was blocked by the browser", "warning");
    return false;
  }
}

export function CopyButton({ text, label, icon = "copy", testid }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const click = async () => setCopied(await copy(text(), `${label} copied`));
  return html`<button type="button" class="button" onClick=${click} data-testid=${testid}>
    <${Icon} name=${copied ? "done" : icon} />${label}
  </button>`;
}

export function Command({ text }) {
  return html`<div class="command">
    <code tabindex="0">${text}</code>
    <button type="button" class="icon-button" aria-label="Copy: ${text}" title="Copy" onClick=${() => copy(text, "Command copied")}>
      <${Icon} name="copy" />
    </button>
  </div>`;
}
