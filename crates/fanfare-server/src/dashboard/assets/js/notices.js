// What a page says while nobody looks at it: how many events came, in its title, and a notification of the browser for
// each event of priority `high` or `max`, if the user wants them.
import { effect, html, signal } from "../vendor/preact.js";
import { listenToArrivals } from "./feed/feed.js";
import { matches } from "./feed/filter.js";
import { navigate } from "./router.js";
import { Icon } from "./ui/icon.js";
import { toast } from "./ui/toast.js";

const STORED = "fanfare.notify";
const BODY_MAX = 300;

// Browsers offer notifications to https and to this machine.
const canNotify = "Notification" in window && window.isSecureContext;

const unread = signal(0);
const wanted = signal(canNotify && Notification.permission === "granted" && stored());
export const screenTitle = signal("Live");

effect(() => {
  const count = unread.value > 999 ? "999+" : unread.value;
  document.title = `${count ? `(${count}) ` : ""}${screenTitle.value} · Fanfare`;
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) unread.value = 0;
});

listenToArrivals((entry) => {
  // Events that the filter hides are not new on this page.
  if (document.hidden && matches.peek()(entry)) unread.value += 1;
  if (wanted.peek() && (document.hidden || !document.hasFocus())) notify(entry.event);
});

function notify({ id, channel, message, priority }) {
  if (priority !== "high" && priority !== "max") return;
  const notice = new Notification(`${channel} · ${priority}`, {
    body: message.slice(0, BODY_MAX),
    // The newest of a channel replaces the one before, so that a burst is one notification.
    tag: `fanfare ${channel}`,
    renotify: true,
    requireInteraction: priority === "max",
  });
  notice.onclick = () => {
    window.focus();
    navigate(`/?event=${id}`);
    notice.close();
  };
}

async function toggle() {
  if (!wanted.value && (await Notification.requestPermission()) !== "granted") {
    toast("The browser blocks notifications. Allow them in the settings of this site", "warning");
    return;
  }
  wanted.value = !wanted.value;
  toast(wanted.value ? "You are notified of events with priority high and max" : "Notifications are off");
  try {
    localStorage.setItem(STORED, wanted.value ? "on" : "off");
  } catch {
    // Without storage, the choice lasts until the page is closed.
  }
}

function stored() {
  try {
    return localStorage.getItem(STORED) === "on";
  } catch {
    return false;
  }
}

export function NotifySwitch() {
  if (!canNotify) return null;
  return html`<button type="button" class="icon-button" onClick=${toggle} aria-pressed=${wanted.value} aria-label="Notify of high and max"
    title=${wanted.value ? "Notifications of priority high and max are on" : "Notify of events with priority high and max"} data-testid="notify">
    <${Icon} name=${wanted.value ? "bell" : "bell-off"} />
  </button>`;
}
