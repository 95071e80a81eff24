// The shell: the rail (a bar at the bottom on a phone), the top bar, and the screen.
import { html, useLayoutEffect } from "../vendor/preact.js";
import { Channels } from "./channels.js";
import { Clients } from "./clients.js";
import { connection } from "./feed/connection.js";
import { paused } from "./feed/feed.js";
import { duration } from "./format.js";
import { Gone, isGone } from "./gone.js";
import { Live } from "./live/live.js";
import { Lost } from "./lost.js";
import { Mcp } from "./mcp/mcp.js";
import { NotifySwitch, screenTitle } from "./notices.js";
import { usePolled } from "./poll.js";
import { Reference } from "./reference/reference.js";
import { Readers } from "./readers.js";
import { isScreen, path } from "./router.js";
import { Sources } from "./sources.js";
import { Icon } from "./ui/icon.js";
import { Pill } from "./ui/pill.js";
import { Sheet, sheetOpen } from "./ui/sheet.js";
import { ThemeSwitch } from "./ui/theme_switch.js";
import { Toasts } from "./ui/toast.js";
import { Webhooks } from "./webhooks/webhooks.js";

const places = [
  { path: "/", title: "Live", icon: "live", keys: "g l", Screen: Live },
  { path: "/webhooks", title: "Webhooks", icon: "webhooks", keys: "g w", Screen: Webhooks },
  { path: "/sources", title: "Sources", icon: "sources", keys: "g s", Screen: Sources },
  { path: "/clients", title: "Clients", icon: "clients", keys: "g c", Screen: Clients },
  { path: "/channels", title: "Channels", icon: "channels", keys: "g h", Screen: Channels },
  { path: "/readers", title: "Readers", icon: "readers", keys: "g d", Screen: Readers },
  { path: "/mcp_sse_example.html", title: "MCP", icon: "mcp", keys: "g m", Screen: Mcp, hasOwnState: true },
  { path: "/reference", title: "Reference", icon: "reference", keys: "g r", Screen: Reference },
];

const lost = { title: "Not found", Screen: () => html`<${Lost} places=${places} />` };

export function App() {
  const [, first] = path.value.split("/");
  const place = (isScreen(path.value) && places.find((one) => one.path === `/${first}`)) || lost;
  const { Screen } = place;
  const gone = isGone();
  useLayoutEffect(() => {
    screenTitle.value = place.title;
  }, [place]);
  return html`
    <a class="skip" href="#main">Skip to content</a>
    <${Rail} current=${place} />
    <div class="page">
      <header class="topbar">
        <span class="topbar-logo"><${Icon} name="logo" /></span>
        <h1>${place.title}</h1>
        ${!place.hasOwnState && html`<${Pill} />`}
        <span class="visually-hidden" role="status">${spoken()}</span>
        <span class="grow" />
        <button type="button" class="icon-button wide-only" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick=${() => (sheetOpen.value = true)}>
          <${Icon} name="keyboard" />
        </button>
        <${NotifySwitch} />
        <${ThemeSwitch} />
      </header>
      ${gone && html`<${Gone} />`}
      <main id="main" class="screen ${gone ? "is-stale" : ""}" tabindex="-1" data-testid="screen" data-screen=${place.title.toLowerCase()}><${Screen} /></main>
    </div>
    <${Sheet} />
    <${Toasts} />
  `;
}

// The state of the stream for screen readers, without the countdown, which would be announced every second.
function spoken() {
  if (connection.value.state === "live") return paused.value ? "The feed is paused" : "The feed is live";
  return connection.value.state === "reconnecting" ? "Connection lost. Reconnecting." : "Connecting";
}

function Rail({ current }) {
  return html`<nav class="rail" aria-label="Screens">
    <a class="wordmark" href="/" aria-label="Fanfare: Live"><${Icon} name="logo" /><span>Fanfare</span></a>
    <ul>
      ${places.map(
        (place) => html`<li key=${place.path}>
          <a href=${place.path} aria-current=${place === current ? "page" : undefined} title="${place.title} (${place.keys})">
            <${Icon} name=${place.icon} /><span>${place.title}</span>
          </a>
        </li>`,
      )}
    </ul>
    <${About} />
  </nav>`;
}

function About() {
  const { data } = usePolled("/api/status", 5000).value;
  if (!data) return null;
  return html`<div class="about" data-testid="about">
    <span>${data.name} ${data.version}</span>
    <span title="Where events are stored">${data.store === "memory" ? "in memory" : `${data.store} store`}</span>
    <span>up ${duration(data.uptime_seconds)}</span>
  </div>`;
}
