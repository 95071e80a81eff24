// What is said on every screen while the gateway does not answer.
import { html } from "../vendor/preact.js";
import { now } from "./clock.js";
import { doctorCommand } from "./commands.js";
import { connection, lostAt, retryNow } from "./feed/connection.js";
import { timeOfDay } from "./format.js";
import { Command } from "./ui/copy.js";
import { Icon } from "./ui/icon.js";

// A restart takes less, and is not worth a word.
const GRACE_MS = 3000;

export function isGone() {
  return lostAt.value !== null && now.value - lostAt.value >= GRACE_MS;
}

export function Gone() {
  const { state, until } = connection.value;
  const seconds = Math.max(1, Math.ceil((until - now.value) / 1000));
  return html`<section class="gone" aria-labelledby="gone-title" data-testid="gone">
    <${Icon} name="reset" />
    <div class="gone-text">
      <h2 id="gone-title">The gateway has not answered since ${timeOfDay(lostAt.value).slice(0, 8)}</h2>
      <p>What you see is from then. ${state === "reconnecting" ? `The page retries in ${seconds} s` : "The page retries now"}, and reads what it missed.
        To see what is wrong, run this where the gateway runs:</p>
      <${Command} text=${doctorCommand()} />
    </div>
    <button type="button" class="button" onClick=${retryNow} disabled=${state !== "reconnecting"}>Retry now</button>
  </section>`;
}
