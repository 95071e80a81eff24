// Chromium, and pages that fail the test by themselves: on an error in the console, on a violation of the
// content security policy, on a request that leaves this machine.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";

const quiet = [
  "--headless", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
// Chromium refuses to run its sandbox as root, which is what a container gives us.
const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

export const WAIT_MS = 10_000;

export function launch(more = []) {
  return chromium.launch({ executablePath, args: [...quiet, ...sandbox, ...more] });
}

function isLocal(url) {
  const { protocol, hostname } = new URL(url);
  return ["data:", "blob:", "about:"].includes(protocol) || ["127.0.0.1", "[::1]", "localhost"].includes(hostname);
}

export class Tab {
  // `expected`: console errors that belong to the scenario, as regular expressions.
  static async open(browser, url, { width = 1280, height = 800, colorScheme = "dark", expected = [], before } = {}) {
    const tab = new Tab();
    tab.faults = [];
    tab.context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: "reduce" });
    tab.context.setDefaultTimeout(WAIT_MS);
    await tab.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await tab.context.route(
      (address) => !isLocal(address),
      (route) => {
        tab.faults.push(`request to ${route.request().url()}`);
        return route.abort();
      },
    );
    await tab.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (violation) => {
        console.error(`policy violation: ${violation.violatedDirective} ${violation.blockedURI} ${violation.sample}`);
      });
    });
    const { page } = Object.assign(tab, { page: await tab.context.newPage() });
    page.on("console", (message) => {
      const text = `${message.text()} (${message.location().url})`;
      if (message.type() === "error" && !expected.some((pattern) => pattern.test(text))) tab.faults.push(text);
    });
    page.on("pageerror", (error) => tab.faults.push(error.stack ?? String(error)));
    if (before) await before(page);
    await page.goto(url);
    return tab;
  }

  // An element by its `data-testid`, with attributes to narrow it down.
  one(testid, attributes = {}) {
    const narrowed = Object.entries(attributes).map(([name, value]) => `[data-${name}="${value}"]`);
    return this.page.locator(`[data-testid="${testid}"]${narrowed.join("")}`);
  }

  async live() {
    await this.one("connection", { status: "live" }).waitFor();
  }

  // The messages of the events that are drawn, oldest first.
  messages() {
    return this.page.locator("[data-testid=row] .row-message").allTextContents();
  }

  // Waits until the page shows these messages and no others.
  async shows(messages) {
    try {
      await this.page.waitForFunction(
        (wanted) => {
          const drawn = [...document.querySelectorAll("[data-testid=row] .row-message")].map((one) => one.textContent);
          return JSON.stringify(drawn) === JSON.stringify(wanted);
        },
        messages,
        { timeout: WAIT_MS },
      );
    } catch {
      assert.deepEqual(await this.messages(), messages);
    }
  }

  async says(testid, text) {
    await this.one(testid).filter({ hasText: text }).first().waitFor();
  }

  async gone(testid) {
    await this.one(testid).waitFor({ state: "detached" });
  }

  // Called at the end of every test: what a test does not look at must be in order too.
  async close() {
    await this.context.close();
    assert.deepEqual(this.faults, []);
  }
}
