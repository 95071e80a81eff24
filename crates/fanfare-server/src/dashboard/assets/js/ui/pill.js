// The state of the stream, as a word with an icon.
import { html } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { connection, retryNow } from "../feed/connection.js";
import { paused, waiting } from "../feed/feed.js";
import { goLive } from "../feed/past.js";
import { isPast } from "../feed/span.js";
import { count } from "../format.js";
import { Icon } from "./icon.js";

export function Pill() {
  const { state, until } = connection.value;
  if (state === "reconnecting") {
    const seconds = Math.max(1, Math.ceil((until - now.value) / 1000));
    return html`<${Button} status="reconnecting" icon="reset" onClick=${retryNow} title="Reconnect now">reconnecting in ${seconds} s<//>`;
  }
  if (state === "connecting") {
    return html`<span class="pill" data-testid="connection" data-status="connecting"><i class="dot" />connecting</span>`;
  }
  if (isPast.value) {
    return html`<${Button} status="past" icon="stalled" onClick=${goLive} title="Return to live events (End)">past<//>`;
  }
  if (paused.value) {
    return html`<${Button} status="paused" icon="pause" onClick=${goLive} title="Resume">paused · ${count(waiting.value)} new<//>`;
  }
  return html`<span class="pill is-live" data-testid="connection" data-status="live"><i class="dot" />live</span>`;
}

function Button({ status, icon, children, ...rest }) {
  return html`<button type="button" class="pill is-${status}" data-testid="connection" data-status=${status} ...${rest}>
    <${Icon} name=${icon} />${children}
  </button>`;
}
