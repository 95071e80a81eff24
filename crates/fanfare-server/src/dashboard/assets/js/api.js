// The gateway's HTTP API, used like any other client would.

import { at } from "./base.js";

// The content of an `application/problem+json` response; `fix` says what to do.
export class Problem extends Error {
  constructor({ detail, title, status, code, at, fix }) {
    super(detail ?? title ?? `the gateway responded with ${status}`);
    this.status = status;
    this.code = code ?? null;
    this.at = at ?? null;
    this.fix = fix ?? null;
  }
}

async function request(url, options, parse = JSON.parse) {
  let response;
  try {
    response = await fetch(at(url), options);
  } catch {
    throw new Problem({ detail: "the gateway is not responding", status: 0, fix: "check that `fanfare serve` is running" });
  }
  const body = await response.text().then(parse).catch(() => null);
  if (!response.ok) throw new Problem({ ...body, status: response.status });
  if (body === null) throw new Problem({ detail: "the response is not JSON", status: response.status });
  return body;
}

const accept = { accept: "application/json" };

export function get(url) {
  return request(url, { headers: accept });
}

// Maximum pages of a list: the gateway has fewer rows of each kind.
const PAGES_MAX = 100;

// Every page of a list as one; `rows` is the member that has the rows.
export async function getAll(url, rows) {
  const first = `${url}${url.includes("?") ? "&" : "?"}limit=1000`;
  const { next_cursor: next, ...whole } = await get(first);
  for (let cursor = next, pages = 1; cursor && pages < PAGES_MAX; pages += 1) {
    const page = await get(`${first}&cursor=${encodeURIComponent(cursor)}`);
    whole[rows].push(...page[rows]);
    cursor = page.next_cursor;
  }
  return whole;
}

// For JSON that is edited and sent again: large numbers keep their digits, if the browser supports that.
export function getToEdit(url) {
  return request(url, { headers: accept }, parseExactly);
}

export function parseExactly(text) {
  if (!JSON.rawJSON) return JSON.parse(text);
  const exact = (name, value, { source }) => (typeof value === "number" && String(value) !== source ? JSON.rawJSON(source) : value);
  return JSON.parse(text, exact);
}

// `body` is a value, or a string that already is JSON.
export function send(method, url, body = {}) {
  return request(url, {
    method,
    headers: { "content-type": "application/json", ...accept },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

export function push(event) {
  return send("POST", "/api/push", event);
}
