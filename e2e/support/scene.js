// A gateway with webhooks in every state there is, for the screens to show.
export async function setWebhooks(gateway, receive) {
  const [good, ci, busy, down, gone] = await Promise.all([receive(), receive(), receive(), receive(), receive()]);
  const at = (receiver, path) => ({ url: () => receiver.url(path) });
  const healthy = await gateway.register(at(good, "/hooks/ci"), { description: "CI notifier", channels: ["builds.*", "deploy"], signatures: ["v1", "v1a"] });
  const failing = await gateway.register(at(ci, "/v2/events"), { description: "Incident bot", channels: ["alerts.>"], types: ["error", "warning"], min_priority: "default", headers: { "X-Team": "infra" }, auth: { kind: "bearer", token: "t0ken" } });
  const held = await gateway.register(at(down, "/in"), { description: "Billing (staging)", channels: ["builds.*", "agents.*", "chat"], retry: ["30s", "1h"] });
  const paused = await gateway.register(at(busy, "/archive"), { payload: "cloudevents", batch: { max_events: 50, max_wait: "500ms" }, ordered: true });
  const disabled = await gateway.register(at(gone, "/old"), { description: "Old chat bridge", channels: ["chat"] });
  await gateway.register({ url: () => "https://hooks.invalid/fanfare" }, { description: "Status page", channels: ["deploy"], types: ["outage"] });
  await gateway.post(`${paused.api}/pause`);

  good.answers(200, { headers: { "content-type": "application/json" }, body: '{"ok":true,"queued":1}' });
  gone.answers(410, { body: "this bridge was taken down" });
  ci.answers(503, { headers: { "content-type": "application/json" }, body: '{"error":"the queue is full","retry":true}' });
  down.end();
  for (let i = 0; i < 6; i += 1) {
    await gateway.push([
      { channel: "builds.web", type: "success", message: `web built in ${40 + i} s`, data: { sha: "ab12f09", cached: false } },
      { channel: "builds.api", type: "error", priority: "high", message: "tests failed: 3 of 412", data: { failed: ["expired_token", "torn_wal"] } },
    ]);
  }
  await gateway.push({ channel: "chat", message: "is the release train still leaving at ten?" });
  await gateway.push({ channel: "alerts.disk", type: "warning", message: "disk at 81 % on db-2", data: { host: "db-2", used: 0.81 } });
  await gateway.push({ channel: "alerts.latency", type: "error", priority: "max", message: "p99 of /checkout over 2 s for 5 minutes", data: { p99_ms: 2311 } });
  await gateway.post(`${healthy.api}/test`);
  return { healthy, failing, held, paused, disabled, good };
}
