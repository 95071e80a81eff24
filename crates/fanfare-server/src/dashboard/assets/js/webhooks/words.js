// What a webhook is called, how it fares, and what an attempt came to, in words.
import { until } from "../format.js";

export function titleOf({ description, webhook_url: url }) {
  return description ?? placeOf(url);
}

// Without the scheme, and without a path that says nothing: `localhost:3000/hook`.
export function placeOf(url) {
  const { host, pathname, search } = new URL(url);
  return `${host}${pathname === "/" ? "" : pathname}${search}`;
}

export function hostOf(url) {
  return new URL(url).host;
}

// `{ kind, icon, word, detail }`: the word stands beside the icon, the detail where there is room.
export function stateOf(webhook, nowMs) {
  const { health, reason, explained, failures, held_until: heldUntil, last_success: success, last_failure: failure } = webhook;
  const inRow = failures > 0 ? `${failures} failed in a row` : null;
  if (health === "paused" && reason === "by_hand") return { kind: "paused", icon: "pause", word: "paused", detail: explained };
  if (health === "paused") return { kind: "stopped", icon: "closing", word: "disabled", detail: explained };
  if (health === "held") {
    const left = heldUntil ? until(Date.parse(heldUntil), nowMs) : null;
    return { kind: "held", icon: "stalled", word: left ? `held, tries in ${left}` : "held, trying", detail: inRow };
  }
  if (health === "failing") return { kind: "failing", icon: "warning", word: "failing", detail: inRow };
  if (!success && !failure) return { kind: "new", icon: "info", word: "ready", detail: "nothing was sent yet" };
  return { kind: "healthy", icon: "success", word: "healthy", detail: null };
}

// What an attempt came to: a word, and what there is to do.
const categories = {
  broken_off: ["hung up", "The connection ended before the answer did. Look at what the receiver logged at that moment."],
  connection_refused: ["nothing listens", "Nothing listens at that address. Start the receiver, or correct the port."],
  delivered: ["delivered", null],
  dns_error: ["unknown host", "The name has no address. Correct the host."],
  expired: ["expired", "The event expired before it could be sent again."],
  http_3xx: ["redirected", "Redirects are not followed. Register the address that this one leads to."],
  http_4xx: ["refused", "The receiver refused it, and its answer may say why."],
  http_5xx: ["server error", "The receiver failed while it handled the request. Its own log says why."],
  protocol_error: ["not HTTP", "What answers there does not speak HTTP. Check the port, and http or https."],
  target_refused: ["not allowed", "Webhooks may not go to this address. The operator can allow it with --allow-target."],
  timeout: ["too slow", "The whole attempt has ten seconds. Answer first, and do the work afterwards."],
  tls_error: ["TLS failed", "The certificate is not one that this name should have, or nobody trusts it."],
};

const statuses = {
  401: "The receiver does not accept who is calling: check the secret, or the credentials in the settings.",
  403: "The receiver does not accept who is calling: check the secret, or the credentials in the settings.",
  404: "There is nothing at that path. Correct the address.",
  405: "That path takes no POST. Correct the address.",
  410: "The receiver says that it wants nothing any more. It is not sent anything until somebody resumes it.",
  413: "It is too large for the receiver, and would be as large the next time: it is not tried again.",
  429: "The receiver wants it slower: set a rate in the settings.",
};

export function wordOf(category) {
  return categories[category]?.[0] ?? category;
}

export function adviceOn({ category, status }) {
  return statuses[status] ?? categories[category]?.[1] ?? null;
}

export const kinds = {
  delivery: null,
  edited: "edited",
  resend: "resent",
  test: "test",
};
