// Auto follows the system; light and dark are stored in the browser.
import { html, signal } from "../../vendor/preact.js";
import { Icon } from "./icon.js";

const order = ["auto", "light", "dark"];
const theme = signal(document.documentElement.dataset.theme ?? "auto");

export function nextTheme() {
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length];
  const { dataset } = document.documentElement;
  if (theme.value === "auto") delete dataset.theme;
  else dataset.theme = theme.value;
  try {
    localStorage.setItem("fanfare.theme", theme.value);
  } catch {
    // Without storage, the choice lasts until the page is closed.
  }
}

export function ThemeSwitch() {
  return html`<button type="button" class="icon-button" onClick=${nextTheme} aria-label="Theme: ${theme.value}" title="Theme: ${theme.value}"
    data-testid="theme">
    <${Icon} name=${theme.value} />
  </button>`;
}
