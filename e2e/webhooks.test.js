// The webhooks screens, with receivers that fail on command.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { promisify } from "node:util";
import { stories } from "./support/story.js";

const run = promisify(execFile);
const story = stories();
const refused = { tab: { expected: [/status of 4\d\d/] } };

function isSignedWith({ headers, body }, secret) {
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  const wanted = createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64")).update(signed).digest("base64");
  return headers["webhook-signature"].split(" ").includes(`v1,${wanted}`);
}

const state = (tab, word) => tab.one("webhook-state", { state: word }).first().waitFor();

story("a webhook is tried until it works, and only then saved", refused, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const closed = await receive();
  closed.end();
  const tab = await open("/webhooks");
  await tab.one("webhooks-empty").waitFor();
  await tab.one("webhook-add").click();
  const attempt = async (url) => {
    await tab.one("webhook-url").fill(url);
    await tab.one("wizard-test").click();
  };

  // Each time the page says what is wrong and what to do.
  await attempt("http://169.254.169.254/latest");
  await tab.page.getByText("169.254.169.254").last().waitFor();
  assert.equal(await tab.one("webhook-url").getAttribute("aria-invalid"), "true");
  await attempt(closed.url());
  await tab.one("wizard-result", { outcome: "connection_refused" }).filter({ hasText: "Start the receiver" }).waitFor();
  assert.equal(await tab.one("webhook-url").getAttribute("aria-invalid"), "false");
  receiver.answers(500);
  await attempt(receiver.url());
  await tab.one("wizard-result", { outcome: "http_5xx" }).filter({ hasText: "Responded 500" }).waitFor();
  await tab.page.getByRole("button", { name: "Save without a passing test" }).waitFor();
  receiver.answers(200);
  await tab.one("wizard-test").click();
  await tab.one("wizard-result", { outcome: "delivered" }).waitFor();
  assert.equal((await gateway.get("/api/webhooks")).total, 0);

  // The test was signed with the secret that the webhook gets.
  const secret = await tab.one("wizard-secret").textContent();
  assert.ok(isSignedWith(receiver.got.at(-1), secret));
  await tab.one("webhook-channels").fill("builds.*");
  await tab.one("webhook-channels").press("Enter");
  // Typed and not picked: counts as well.
  await tab.one("webhook-channels").fill("deploy");
  await tab.one("webhook-description").fill("CI notifier");
  await tab.one("wizard-save").click();
  await tab.one("wizard-saved").waitFor();
  assert.equal(await tab.one("secret").textContent(), secret);
  await tab.one("secret-copy").click();
  await tab.says("toasts", "copied");
  assert.equal(await tab.page.evaluate(() => navigator.clipboard.readText()), secret);
  const { items: [webhook] } = await gateway.get("/api/webhooks?details=true");
  assert.deepEqual([webhook.webhook_url, webhook.description, webhook.channels], [receiver.url(), "CI notifier", ["builds.*", "deploy"]]);

  // What is delivered appears while the page is open.
  await tab.one("wizard-open").click();
  await tab.one("attempts-none").waitFor();
  const { id } = await gateway.push({ channel: "builds.web", message: "built" });
  await tab.one("attempt-row", { outcome: "delivered" }).filter({ hasText: "built" }).waitFor();
  await state(tab, "active");
  const got = await receiver.gets(3);
  assert.deepEqual([got.headers["webhook-id"], got.json().message, isSignedWith(got, secret)], [id, "built", true]);

  // The address again: the wizard says that it is known, and does not change the webhook that has it.
  const again = await open("/webhooks/new");
  await again.one("webhook-url").fill(receiver.url());
  await again.says("wizard-known", "CI notifier");
  await again.one("wizard-save").click();
  await again.says("wizard-problem", "already uses this URL");
  assert.deepEqual((await gateway.get(`/api/webhooks/${webhook.id}`)).channels, ["builds.*", "deploy"]);
});

story("a body is previewed before the webhook is saved, and after", refused, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const tab = await open("/webhooks/new");
  await tab.one("webhook-url").fill(receiver.url("/services/T0/B0/s3cr3t"));
  await tab.one("wizard-more").locator("summary").click();
  await tab.one("webhook-payload").selectOption("slack");
  await tab.one("webhook-preview").click();
  await tab.says("webhook-preview-body", "This is a test");
  await tab.one("webhook-payload").selectOption("own");
  await tab.gone("webhook-preview-body");
  await tab.one("webhook-template").fill('{"text": {{ mesage }}}');
  await tab.one("webhook-preview").click();
  await tab.says("webhook-preview-problem", "line 1: the name `mesage` is unknown");
  await tab.one("webhook-template").fill('{"text": {{ type ~ "/" ~ message }}}');
  await tab.one("webhook-preview").click();
  await tab.says("webhook-preview-body", "fanfare.test/This is a test");
  await tab.one("wizard-save").click();
  await tab.one("wizard-saved").filter({ hasText: "/services/T0/B0/***" }).waitFor();
  await gateway.push("hello");
  assert.deepEqual((await receiver.gets(1)).json(), { text: "info/hello" });

  // The settings keep the address, which is shown masked.
  await tab.one("wizard-open").click();
  await tab.page.goto(`${tab.page.url().split("?")[0]}?tab=settings`);
  await tab.one("webhook-payload").selectOption("discord");
  await tab.one("webhook-preview").click();
  await tab.says("webhook-preview-body", "allowed_mentions");
  await tab.one("settings-save").click();
  await tab.says("toasts", "Saved");
  await gateway.push("again");
  const got = await receiver.gets(2);
  assert.deepEqual([got.path, got.json().content], ["/services/T0/B0/s3cr3t", "**default** · info\nagain"]);
});

story("a receiver that the empty screen offers registers itself", {}, async ({ gateway, open }) => {
  const tab = await open("/webhooks");
  const command = await tab.one("webhooks-empty").locator("code").last().textContent();
  assert.match(command, /^fanfare receive .*--register$/);
  // On a port of its own: the usual one may be taken.
  const receiving = run("sh", ["-c", `fanfare() { exec "$FANFARE_BIN" "$@"; }\n${command} --port 0 --once -o json`], { timeout: 30_000 });
  await tab.one("webhook-row").waitFor();
  await gateway.push("hello");
  const { stdout } = await receiving;
  assert.match(stdout, /hello/);
  // It is gone when the command ends.
  await tab.one("webhooks-empty").waitFor();
});

story("a delivery that fails is seen waiting, and arriving", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver, { retry: ["3s", "3s", "3s", "3s", "1h"] });
  receiver.answers(503);
  const tab = await open(webhook.screen);
  await tab.one("attempts-none").waitFor();
  await gateway.push("one");
  await tab.one("attempt-row", { outcome: "http_5xx" }).first().waitFor();
  await state(tab, "failing");
  await tab.says("trouble", "server error");
  await tab.one("next-attempt").waitFor();
  receiver.answers(204);
  await tab.one("attempt-row", { outcome: "delivered" }).filter({ hasText: /attempt [2345]/ }).waitFor();
  await state(tab, "active");
  await tab.gone("next-attempt");
  await tab.gone("trouble");
  await tab.one("attempts-failed").click();
  await tab.one("attempt-row", { outcome: "delivered" }).waitFor({ state: "detached" });
  await tab.one("attempt-row", { outcome: "http_5xx" }).first().waitFor();
});

story("a receiver that is down is held, and tried at once when somebody says so", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver, { retry: ["1h"] });
  receiver.answers(500);
  for (let i = 0; i < 5; i += 1) await gateway.push(`event ${i}`);
  const list = await open("/webhooks");
  await list.one("webhook-state", { state: "held" }).filter({ hasText: /held, retry in \d+s/ }).waitFor();
  const [held] = (await gateway.get("/api/webhooks?details=true")).items;
  assert.equal(await list.one("held-until").getAttribute("datetime"), held.held_until);
  receiver.answers(200);
  await list.page.getByRole("row").filter({ hasText: "held" }).getByRole("link").first().click();
  await list.says("trouble", /nothing is sent for|One attempt will check/);
  await list.one("trouble-resume").click();
  await state(list, "active");
  // Nothing was left to send but what waits: the first of it.
  assert.equal((await receiver.gets(6)).json().message, "event 0");
  await list.one("figure-waiting").filter({ hasText: /^4$/ }).waitFor();
  assert.equal((await gateway.get(webhook.api)).state, "active");
});

story("what was given up is sent again, changed, or let go", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver, { retry: [] });
  receiver.answers(500);
  const ids = [];
  for (const message of ["first", "second", "third"]) ids.push((await gateway.push({ message })).id);
  // Written as text: a number in JavaScript would not hold it.
  const response = await fetch(`${gateway.url}/api/push`, { method: "POST", headers: { "content-type": "application/json" }, body: '{"message":"exact","data":{"n":12345678901234567890}}' });
  ids.push((await response.json()).id);
  receiver.answers(200);
  const tab = await open(`${webhook.screen}?tab=undelivered`);
  const row = (i) => tab.one("delivery-row", { event: ids[i] });
  await row(3).waitFor();
  assert.equal(await tab.one("delivery-row", { state: "failed" }).count(), 4);

  await row(0).getByTestId("delivery-resend").click();
  await row(0).waitFor({ state: "detached" });
  const again = await receiver.gets(5);
  assert.deepEqual([again.headers["webhook-id"], again.json().message], [ids[0], "first"]);

  await row(3).getByTestId("delivery-edit").click();
  await tab.page.waitForFunction(() => document.querySelector("[data-testid=edited-body]").value.includes("exact"));
  const text = await tab.one("edited-body").inputValue();
  assert.match(text, /"n": 12345678901234567890\b/);
  await tab.one("edited-body").fill("{");
  assert.ok(await tab.one("edited-send").isDisabled());
  await tab.one("edited-body").fill(text.replace("exact", "changed by hand"));
  await tab.one("edited-send").click();
  await tab.one("edited-result", { outcome: "delivered" }).waitFor();
  const edited = await receiver.gets(6);
  assert.equal(edited.json().message, "changed by hand");
  assert.match(edited.body.toString(), /12345678901234567890/);
  assert.notEqual(edited.headers["webhook-id"], ids[3]);
  assert.ok(isSignedWith(edited, webhook.secret));
  await tab.one("edited-look").click();
  await tab.one("attempt").filter({ hasText: "edited" }).waitFor();
  await tab.says("request-body", "changed by hand");

  // For the receiver it was something else: the delivery itself stays given up, until it is let go.
  await tab.one("attempt-close").click();
  await tab.one("tab-undelivered").click();
  await row(1).getByTestId("delivery-discard").click();
  await row(1).waitFor({ state: "detached" });
  await tab.one("delivery-row").nth(1).waitFor();
  assert.equal((await gateway.get(webhook.api)).failed, 2);
});

story("an attempt shows what went out and what came back", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver, { headers: { "X-Key": "hush" }, retry: ["1h"] });
  await gateway.push({ channel: "builds.web", message: "one" });
  receiver.answers(422, { headers: { "content-type": "text/plain", "x-reason": "no such build" }, body: "x".repeat(20_000) });
  const { id } = await gateway.push({ channel: "builds.api", message: "two" });
  const tab = await open(webhook.screen);
  await tab.one("attempt-row", { outcome: "http_4xx" }).click();
  await tab.says("attempt-result", "422, rejected");
  const drawer = tab.one("attempt");
  for (const text of ["no such build", "x-key", "(hidden)", id, "Only the first 16 KiB are shown", "waiting for response"]) await drawer.filter({ hasText: text }).waitFor();
  assert.equal((await tab.one("answer-body").textContent()).length, 16 * 1024);
  await tab.says("request-body", "two");
  assert.ok(!(await drawer.textContent()).includes("hush"));

  // By keys from one to the next, and out.
  await tab.page.keyboard.press("j");
  await tab.says("attempt-result", "200, delivered");
  await tab.page.keyboard.press("k");
  await tab.says("attempt-result", "422, rejected");
  receiver.answers(200);
  await tab.one("attempt-resend").click();
  await tab.says("attempt-result", "200, delivered");
  await tab.one("attempt-row", { kind: "resend" }).waitFor();
  assert.equal((await receiver.gets(3)).headers["webhook-id"], id);

  // Once more from a shell: what is copied is the request as it was, with what is hidden left hidden.
  await tab.one("attempt").filter({ hasText: "resent" }).waitFor();
  await tab.one("attempt-curl").click();
  await tab.says("toasts", "curl copied");
  await run("sh", ["-c", await tab.page.evaluate(() => navigator.clipboard.readText())], { timeout: 10_000 });
  const [sent, copied] = [await receiver.gets(3), await receiver.gets(4)];
  assert.deepEqual([copied.body.toString(), copied.headers["webhook-signature"]], [sent.body.toString(), sent.headers["webhook-signature"]]);
  assert.deepEqual([sent.headers["x-key"], copied.headers["x-key"]], ["hush", "(hidden)"]);
  await tab.page.keyboard.press("Escape");
  await tab.gone("attempt");

  // A test is an attempt, too, and belongs to no event.
  await tab.one("webhook-test").click();
  await tab.one("attempt").filter({ hasText: "test event, not in the log" }).waitFor();
  assert.equal((await receiver.gets(5)).json().type, "fanfare.test");
});

story("earlier attempts are read on, page by page", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver);
  receiver.answers(500);
  for (let i = 0; i < 60; i += 1) await gateway.post(`${webhook.api}/test`);
  const tab = await open(webhook.screen);
  await tab.one("attempt-row").nth(49).waitFor();
  assert.equal(await tab.one("attempt-row").count(), 50);
  await tab.one("attempts-more").click();
  await tab.one("attempt-row").nth(59).waitFor();
  await tab.gone("attempts-more");
  // What the store has is shown without the bytes that were sent, which only memory has.
  await tab.one("attempt-row").nth(59).click();
  await tab.one("attempt").filter({ hasText: "kept for the newest 50 attempts" }).waitFor();
  await tab.gone("attempt-curl");
});

story("a new secret signs beside the old one for as long as was said", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver);
  const tab = await open(`${webhook.screen}?tab=settings`);
  const rotate = async (overlap) => {
    await tab.one("settings-rotate").click();
    await tab.one(`rotate-${overlap}`).click();
    await tab.one("rotate-do").click();
    const secret = await tab.one("secret").textContent();
    await tab.one("rotate-until").waitFor();
    return secret;
  };
  const second = await rotate("1h");
  await tab.says("rotate-until", "two signatures");
  await tab.one("rotate-done").click();
  await gateway.push("both sign");
  const both = await receiver.gets(1);
  assert.ok(isSignedWith(both, webhook.secret) && isSignedWith(both, second));

  const third = await rotate("0s");
  await tab.says("rotate-until", "Only the new secret");
  await tab.one("rotate-done").click();
  await tab.gone("secret");
  await gateway.push("one signs");
  const one = await receiver.gets(2);
  assert.deepEqual([webhook.secret, second, third].map((secret) => isSignedWith(one, secret)), [false, false, true]);
});

story("a webhook that is paused gets what it missed when it is resumed", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver);
  const tab = await open(webhook.screen);
  await tab.one("webhook-toggle").click();
  await state(tab, "paused");
  await tab.says("trouble", "wait in the log");
  await gateway.push("missed");
  await tab.one("figure-lag").filter({ hasText: /^1$/ }).waitFor();
  assert.equal(receiver.got.length, 0);
  await tab.one("webhook-toggle").click();
  await tab.one("attempt-row", { outcome: "delivered" }).waitFor();
  await state(tab, "active");
  assert.equal((await receiver.gets(1)).json().message, "missed");
});

story("a replay is counted before it is made", refused, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver, { retry: [] });
  for (const channel of ["builds.web", "chat", "builds.api", "chat"]) await gateway.push({ channel, message: `to ${channel}` });
  const tab = await open(webhook.screen);
  await tab.one("webhook-replay").click();
  await tab.one("replay-since").fill("yesterday");
  await tab.one("replay-dry-run").click();
  await tab.says("replay-problem", "yesterday");
  await tab.one("replay-since").fill("1h");
  await tab.one("replay-dry-run").click();
  await tab.one("replay-count", { count: "4" }).waitFor();
  // What was counted holds only for what was chosen.
  await tab.one("replay-channels").fill("chat");
  await tab.one("replay-channels").press("Enter");
  assert.ok(await tab.one("replay-do").isDisabled());
  await tab.one("replay-dry-run").click();
  await tab.says("replay-count", "2 deliveries would be replayed");
  assert.equal(receiver.got.length, 4);
  await tab.one("replay-do").click();
  await tab.gone("replay");
  await receiver.gets(6);
  assert.deepEqual(receiver.got.slice(4).map((got) => got.json().channel), ["chat", "chat"]);

  receiver.answers(500);
  await gateway.push("given up");
  await tab.says("figure-failed", "1");
  receiver.answers(200);
  await tab.one("trouble-replay").click();
  await tab.one("replay-dry-run").click();
  await tab.one("replay-count", { count: "1" }).waitFor();
  await tab.one("replay-do").click();
  await tab.one("figure-failed").filter({ hasText: /^0$/ }).waitFor();
  assert.equal((await receiver.gets(8)).json().message, "given up");
});

story("the settings are changed one by one, and what is refused says where", refused, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver, { channels: ["builds.*"], auth: { kind: "basic", username: "ada", password: "hush" } });
  const tab = await open(`${webhook.screen}?tab=settings`);
  await tab.one("settings").waitFor();
  assert.ok(await tab.one("settings-save").isDisabled());
  await tab.one("webhook-retry").fill("soon");
  await tab.one("settings-save").click();
  await tab.one("settings-problem").waitFor();
  assert.equal(await tab.one("webhook-retry").getAttribute("aria-invalid"), "true");
  await tab.one("webhook-retry").fill("1m,1h");
  await tab.one("webhook-channels").fill("deploy");
  await tab.one("webhook-channels").press("Enter");
  await tab.one("webhook-ordered").check();
  await tab.one("webhook-header-add").click();
  await tab.one("webhook-header-name").fill("X-Team");
  await tab.one("webhook-header-value").fill("infra");
  await tab.one("settings-save").click();
  await tab.says("toasts", "Saved");
  const changed = await gateway.get(webhook.api);
  assert.deepEqual([changed.retry, changed.channels, changed.ordered, changed.header_names, changed.auth], [["1m", "1h"], ["builds.*", "deploy"], true, ["X-Team"], { kind: "basic", username: "ada" }]);
  await gateway.push({ channel: "deploy", message: "live" });
  const got = await receiver.gets(1);
  assert.deepEqual([got.headers["x-team"], got.headers.authorization], ["infra", `Basic ${btoa("ada:hush")}`]);
});

story("a webhook is removed by who types its host", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver);
  const tab = await open(`${webhook.screen}?tab=settings`);
  await tab.one("settings-remove").click();
  await tab.page.locator("[data-testid=remove-typed]:focus").waitFor();
  assert.ok(await tab.one("remove-do").isDisabled());
  await tab.one("remove-typed").fill("127.0.0.1:1");
  assert.ok(await tab.one("remove-do").isDisabled());
  await tab.one("remove-typed").fill(`127.0.0.1:${receiver.port}`);
  await tab.one("remove-typed").press("Enter");
  await tab.one("webhooks-empty").waitFor();
  assert.equal((await gateway.get("/api/webhooks")).total, 0);
});

story("an event shows how it fared with each webhook", {}, async ({ gateway, open, receive }) => {
  const [good, bad] = [await receive(), await receive()];
  await gateway.register(good);
  const webhook = await gateway.register(bad, { retry: [] });
  bad.answers(500);
  const { id } = await gateway.push("one");
  const tab = await open(`/?event=${id}`);
  await tab.one("receipt", { state: "delivered" }).waitFor();
  await tab.one("receipt", { state: "failed" }).filter({ hasText: "server error" }).waitFor();
  await tab.says("receipts", "1 of 2 webhooks");
  await tab.one("receipt", { state: "failed" }).getByRole("link").click();
  await tab.page.waitForURL(new RegExp(`${webhook.id}\\?event=${id}`));
  await tab.one("attempt-row", { outcome: "http_5xx" }).waitFor();
  assert.equal(await tab.one("attempt-row").count(), 1);
});

story("the attempts of a day are a chart and a table, which narrow the list", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver);
  for (let i = 0; i < 3; i += 1) await gateway.push(`event ${i}`);
  await receiver.gets(3);
  const tab = await open(webhook.screen);
  await tab.page.locator('[data-testid="webhook-history"][data-bars="24"]').getByRole("img", { name: "Attempts of the last 24 hours: 3 delivered, 0 failed" }).waitFor();
  const labels = await tab.page.locator(".wh-chart text").allTextContents();
  assert.equal(labels[0], "3");
  assert.equal(labels.at(-1), "now");
  assert.ok(labels.slice(1, -1).every((label) => /^(00|06|12|18):00$/.test(label)) && labels.length >= 5, labels.join());
  const { p50_us: p50, p95_us: p95 } = await gateway.get(`${webhook.api}/stats`);
  assert.ok(p50 <= p95);
  for (const name of ["figure-p50", "figure-p95"]) assert.match(await tab.one(name).textContent(), /^[\d.]+ m?s$/);

  // With the keyboard, from the table.
  await tab.page.locator(".wh-history summary").press("Enter");
  await tab.page.locator(".wh-history-table button").first().press("Enter");
  await tab.one("attempts-span").waitFor();
  await tab.one("attempt-row").nth(2).waitFor();
  const { searchParams } = new URL(tab.page.url());
  assert.equal(Date.parse(searchParams.get("until")) - Date.parse(searchParams.get("since")), 3_600_000);
  // An hour in which nothing was sent.
  await tab.page.locator('[data-testid="history-bar"]').first().click();
  await tab.one("attempts-none").waitFor();
  await tab.one("attempts-span").click();
  await tab.one("attempt-row").first().waitFor();
  await tab.one("range-hour").click();
  await tab.page.locator('[data-testid="webhook-history"][data-bars="60"]').waitFor();
});
