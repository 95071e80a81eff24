// Keys that work on every screen. A screen adds its own while it is shown.
import { navigate } from "./router.js";
import { sheetOpen } from "./ui/sheet.js";
import { nextTheme } from "./ui/theme_switch.js";

const goTo = { l: "/", w: "/webhooks", s: "/sources", c: "/clients", h: "/channels", d: "/readers", m: "/mcp_sse_example.html", r: "/reference" };
const G_WAIT_MS = 1200;

// The keys of the current screen: `{ key: action }`; an action gets the event.
let screenKeys = {};
let gAt = -Infinity;

export function setScreenKeys(keys) {
  screenKeys = keys;
  return () => {
    if (screenKeys === keys) screenKeys = {};
  };
}

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    // Checks the element, not the signal: `close` fires a moment after the dialog has closed.
    if (document.querySelector("dialog[open]")) {
      if (event.key === "?") sheetOpen.value = false;
      return;
    }
    const action = actionFor(event);
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

function actionFor(event) {
  const { key } = event;
  if (event.timeStamp - gAt < G_WAIT_MS && goTo[key]) {
    gAt = -Infinity;
    return () => navigate(goTo[key]);
  }
  if (key === "g") return () => (gAt = event.timeStamp);
  if (key === "?") return () => (sheetOpen.value = true);
  if (key === "t") return nextTheme;
  // Enter and Space must still press a focused button or link.
  if ((key === "Enter" || key === " ") && event.target.closest("button, summary, select, a:not([data-row])")) return null;
  return screenKeys[key] ?? (key === "/" ? () => navigate("/?focus=filter") : null);
}

function isTyping(target) {
  return Boolean(target.closest?.("input, textarea, select, [contenteditable]"));
}
