// Names of webhooks, and texts for their states and the results of attempts.
import { until } from "../format.js";

export function titleOf({ name, description, webhook_url: url }) {
  return [name, description].filter(Boolean).join(" · ") || placeOf(url);
}

// The address without the scheme and without a trivial path: `localhost:3000/hook`.
export function placeOf(url) {
  const { host, pathname, search } = new URL(url);
  return `${host}${pathname === "/" ? "" : pathname}${search}`;
}

export function hostOf(url) {
  return new URL(url).host;
}

// `{ look, icon, word }`: the look is the colour, the word is beside the icon.
export function stateOf(webhook, nowMs) {
  const { state, paused_reason: reason, held_until: heldUntil } = webhook;
  if (state === "paused" && reason === "by_hand") return { look: "paused", icon: "pause", word: "paused" };
  if (state === "paused") return { look: "wrong", icon: "closing", word: `paused: ${reason}` };
  if (state === "held") {
    const left = heldUntil ? until(Date.parse(heldUntil), nowMs) : null;
    return { look: "held", icon: "stalled", word: left ? `held, retry in ${left}` : "held, retrying" };
  }
  if (state === "failing") return { look: "failing", icon: "warning", word: "failing" };
  if (state === "active") return { look: "active", icon: "success", word: "active" };
  return { look: "paused", icon: "info", word: state };
}

// For each outcome of an attempt, a short text and advice.
const outcomes = {
  broken_off: ["connection closed", "The connection closed before the response was complete. Check the receiver's log for that moment."],
  connection_refused: ["connection refused", "Nothing is listening at that address. Start the receiver or check the port."],
  delivered: ["delivered", null],
  dns_error: ["unknown host", "The host name has no address. Check the host."],
  expired: ["expired", "The event expired before it could be sent again."],
  http_3xx: ["redirected", "Redirects are not followed. Register the address it redirects to."],
  http_4xx: ["rejected", "The receiver rejected the request. Its response may say why."],
  http_5xx: ["server error", "The receiver failed while handling the request. Check its log."],
  protocol_error: ["not HTTP", "The server at that address does not speak HTTP. Check the port and the scheme."],
  target_refused: ["not allowed", "The gateway does not send webhooks to this address. The operator can allow it with --allow-target."],
  no_original: ["not sent", "The request that brought this event is not kept any more."],
  template_error: ["not sent", "The webhook's template makes no body of this event. Preview it in Settings."],
  timeout: ["timed out", "An attempt has ten seconds in total. Respond first, then do the work."],
  tls_error: ["TLS failed", "The certificate is not valid for this host name, or is not trusted."],
};

const statuses = {
  401: "The receiver rejected the sender. Check the secret, or the credentials in Settings.",
  403: "The receiver rejected the sender. Check the secret, or the credentials in Settings.",
  404: "Nothing was found at that path. Check the address.",
  405: "That path does not accept POST. Check the address.",
  410: "The receiver says it is gone. The webhook is paused until someone resumes it.",
  413: "The request is too large for the receiver. It would be the same size next time, so it is not retried.",
  429: "The receiver is limiting the rate. Set a lower rate in Settings.",
};

export function wordOf(outcome) {
  return outcomes[outcome]?.[0] ?? outcome;
}

export function adviceOn({ outcome, status_code: status }) {
  return statuses[status] ?? outcomes[outcome]?.[1] ?? null;
}

export const kinds = {
  delivery: null,
  edited: "edited",
  resend: "resent",
  test: "test",
};
