// What a program does with the types that openapi-typescript makes of /openapi.json. `tsc --strict` compiles it, and
// generated_types.test.mjs runs the result.

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];

// An answer, or the problem that the gateway answered with instead.
function answered<T>(answer: { data?: T; error?: Schemas["Problem"] }): T {
  if (answer.data === undefined) throw new Error(`${answer.error?.code}: ${answer.error?.detail}`);
  return answer.data;
}

export interface Seen {
  webhook: Schemas["Webhook"];
  changed: Schemas["Webhook"];
  first: Schemas["Pushed"];
  batch: Schemas["PushedBatch"];
  events: Schemas["Event"][];
  late: Schemas["Problem"] | undefined;
  refusal: Schemas["Problem"] | undefined;
}

export async function play(gatewayUrl: string, webhookUrl: string): Promise<Seen> {
  const api = createClient<paths>({ baseUrl: gatewayUrl });

  const registration: Schemas["Registration"] = {
    webhook_url: webhookUrl,
    channels: ["builds.*"],
    types: ["error"],
    min_priority: "high",
    text: "failed",
    retry: ["1s", "5s"],
    concurrency: 2,
  };
  const registered = answered(await api.POST("/api/register", { body: registration }));
  if (registered.id === undefined) throw new Error("a new webhook has an id");

  const list = answered(await api.GET("/api/webhooks", { params: { query: { details: true } } }));
  const webhook = list.items?.[0];
  if (webhook === undefined) throw new Error("the list has no details");

  const change: Schemas["Change"] = { min_priority: null, channels: ["builds.>"], batch: { max_events: 2, max_wait: "1s" } };
  const path = { id: registered.id };
  const tag = (await api.GET("/api/webhooks/{id}", { params: { path } })).response.headers.get("etag") ?? "";
  const params = { path, header: { "If-Match": tag } };
  const changed = answered(await api.PATCH("/api/webhooks/{id}", { params, body: change }));
  // The tag is of the state before.
  const late = await api.PATCH("/api/webhooks/{id}", { params, body: { description: "late" } });

  const event: Schemas["NewEvent"] = { message: "one", channel: "builds.web", expires_in: 90, data: { ms: [41, null] } };
  const first = answered(await api.POST("/api/push", { body: event }));
  if (!("id" in first)) throw new Error("an event is answered with its id");
  const several: Schemas["NewEvent"][] = [{ message: "two", expires_in: "10m" }, { message: "three", priority: "low" }];
  const batch = answered(await api.POST("/api/push", { body: several }));
  if (!("ids" in batch)) throw new Error("a batch is answered with its ids");

  const history = { channel: ["builds.web", "default"], order: "oldest" as const, limit: 2 };
  const page = answered(await api.GET("/api/events", { params: { query: history } }));
  if (typeof page === "string") throw new Error("lines come only if they are asked for");
  const refused = await api.POST("/api/push", { body: { message: "x", channel: "a..b" } });

  return { webhook, changed, late: late.error, first, batch, events: page.events, refusal: refused.error };
}
