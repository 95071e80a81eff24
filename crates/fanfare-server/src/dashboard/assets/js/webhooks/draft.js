// Converts the settings of a webhook to the texts of form fields, and back.

export const retryDefault = "5s, 5m, 30m, 2h, 5h, 10h, 10h";

// The defaults of a webhook that is registered with only its address.
export function emptyDraft() {
  return {
    webhook_url: "",
    description: "",
    channels: [],
    types: "",
    min_priority: "min",
    text: "",
    payload: "seed",
    // A preset's name or a text, which replaces the payload; empty for none.
    template: "",
    // null keeps the current headers.
    headers: [],
    auth: { kind: "none", username: "", password: "", token: "" },
    concurrency: "16",
    rate_per_second: "",
    ordered: false,
    is_batch: false,
    max_events: "100",
    max_wait: "1s",
    retry: retryDefault,
    v1a: false,
    hub: false,
  };
}

export function draftOf(webhook) {
  const { channels, types, batch, rate_per_second: rate, signatures, auth, header_names: names } = webhook;
  return {
    ...emptyDraft(),
    webhook_url: webhook.webhook_url,
    description: webhook.description ?? "",
    channels: channels.length === 1 && channels[0] === ">" ? [] : channels,
    types: types.join(", "),
    min_priority: webhook.min_priority,
    text: webhook.text ?? "",
    payload: webhook.payload,
    template: webhook.template ?? "",
    headers: names.length ? null : [],
    auth: { kind: auth ? "keep" : "none", username: auth?.username ?? "", password: "", token: "" },
    concurrency: String(webhook.concurrency),
    rate_per_second: String(rate ?? ""),
    ordered: webhook.ordered,
    is_batch: batch !== undefined,
    ...(batch && { max_events: String(batch.max_events), max_wait: batch.max_wait }),
    retry: webhook.retry.join(", ") || "none",
    v1a: signatures.includes("v1a"),
    hub: signatures.includes("hub"),
  };
}

// The body of a registration; `null` means the default. Text that is not a number is sent as it is, so that the
// gateway explains what is wrong with it.
export function bodyOf(draft) {
  const body = {
    webhook_url: draft.webhook_url.trim(),
    description: draft.description.trim() || null,
    channels: draft.channels,
    types: words(draft.types),
    min_priority: draft.min_priority,
    text: draft.text || null,
    payload: draft.payload,
    template: draft.template || null,
    concurrency: number(draft.concurrency),
    rate_per_second: number(draft.rate_per_second),
    ordered: draft.ordered,
    batch: draft.is_batch ? { max_events: number(draft.max_events), max_wait: draft.max_wait.trim() || null } : null,
    retry: delays(draft.retry),
    signatures: ["v1", ...(draft.v1a ? ["v1a"] : []), ...(draft.hub ? ["hub"] : [])],
  };
  if (draft.headers) body.headers = Object.fromEntries(draft.headers.filter(([name]) => name.trim()).map(([name, value]) => [name.trim(), value]));
  const auth = authOf(draft.auth);
  if (auth !== undefined) body.auth = auth;
  return body;
}

// The members to change so that the webhook matches the draft.
export function changesOf(webhook, draft) {
  const before = bodyOf(draftOf(webhook));
  const changes = Object.entries(bodyOf(draft)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]));
  return Object.fromEntries(changes);
}

function authOf({ kind, username, password, token }) {
  if (kind === "keep") return undefined;
  if (kind === "basic") return { kind, username, password };
  return kind === "bearer" ? { kind, token } : null;
}

function delays(text) {
  const list = words(text);
  if (list.length === 0) return null;
  return list.length === 1 && list[0] === "none" ? [] : list;
}

function words(text) {
  return text.split(/[\s,]+/).filter(Boolean);
}

function number(text) {
  if (text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}
