// The programs that the dashboard offers for checking signatures, run against a real request.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stories } from "./support/story.js";

const story = stories();

// Each prints `true` for a request that is genuine; the arguments are in `request.json`.
const programs = {
  node: ["check.mjs", (text) => `${text}
import { readFileSync } from "node:fs";
const { headers, secret } = JSON.parse(readFileSync("request.json"));
console.log(isGenuine(headers, readFileSync("body.json"), secret));`, "node"],
  python: ["check.py", (text) => `${text}
import json
request = json.load(open("request.json"))
print(str(is_genuine(request["headers"], open("body.json", "rb").read(), request["secret"])).lower())`, "python3"],
  shell: ["check.sh", (text) => text.replaceAll("exit 1", "exit 0").replace("echo genuine", "echo true").replace("echo forged", "echo false"), "sh"],
};

async function run(command, args, cwd, env) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"], timeout: 10_000 });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  await once(child, "close");
  return said.trim();
}

story("the snippets tell what is genuine", {}, async ({ gateway, open, receive }) => {
  const receiver = await receive();
  const webhook = await gateway.register(receiver);
  await gateway.push({ message: "genuine", data: { text: "ä €\n" } });
  const { headers, body } = await receiver.gets(1);
  const tab = await open(`${webhook.screen}?tab=verify`);
  const directory = await mkdtemp(join(tmpdir(), "fanfare-snippets-"));
  try {
    for (const [language, [file, program, command]] of Object.entries(programs)) {
      await tab.one(`verify-${language}`).click();
      await writeFile(join(directory, file), program(await tab.one("snippet").textContent()));
      const asked = async (secret, bytes) => {
        await writeFile(join(directory, "request.json"), JSON.stringify({ headers, secret }));
        await writeFile(join(directory, "body.json"), bytes);
        const env = { secret, webhook_id: headers["webhook-id"], webhook_timestamp: headers["webhook-timestamp"], webhook_signature: headers["webhook-signature"] };
        return run(command, [file], directory, env);
      };
      assert.equal(await asked(webhook.secret, body), "true", language);
      assert.equal(await asked(webhook.secret, Buffer.from(`${body} `)), "false", `${language}: another body`);
      assert.equal(await asked(`whsec_${Buffer.alloc(24, 7).toString("base64")}`, body), "false", `${language}: another secret`);
    }
    await tab.one("verify-rust").click();
    await tab.says("snippet", "pub fn is_genuine");
  } finally {
    await rm(directory, { recursive: true });
  }
});
