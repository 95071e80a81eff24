// Our own HTTP interface, as any other client would use it.

// What a `application/problem+json` answer says; `fix` tells the reader what to do.
export class Problem extends Error {
  constructor({ detail, title, status, code, at, fix }) {
    super(detail ?? title ?? `the server answered ${status}`);
    this.status = status;
    this.code = code ?? null;
    this.at = at ?? null;
    this.fix = fix ?? null;
  }
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Problem({ detail: "the gateway does not answer", status: 0, fix: "check that `fanfare serve` runs" });
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Problem({ ...body, status: response.status });
  if (body === null) throw new Problem({ detail: "the answer is not JSON", status: response.status });
  return body;
}

export function get(url) {
  return request(url, { headers: { accept: "application/json" } });
}

export function push(event) {
  return request("/api/push", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(event),
  });
}
