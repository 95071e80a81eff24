// How long a slow link delays the first paint: `FANFARE_BIN=… node first_paint.mjs [RUNS]`. Not a test: figures for
// docs/benchmarks.md.
import { launch } from "./support/browser.js";
import { Gateway } from "./support/gateway.js";

// 400 ms for each request, 1.6 Mbit/s: a phone with a poor connection.
const LINK = { offline: false, latency: 400, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };

const runs = Number(process.argv[2] ?? 5);

// The page and what it loads, rather than what its screen shows.
function isOfThePage(url) {
  return !/^\/(api\/|stream$)/.test(new URL(url).pathname);
}

async function visit(page, url) {
  let requests = 0;
  let bytes = 0;
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  await network.send("Network.emulateNetworkConditions", LINK);
  network.on("Network.requestWillBeSent", ({ request }) => (requests += isOfThePage(request.url) ? 1 : 0));
  network.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(url);
  const firstPaint = await page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list) => {
          const [paint] = list.getEntriesByName("first-contentful-paint");
          if (paint) resolve(paint.startTime);
        }).observe({ type: "paint", buffered: true });
      }),
  );
  await page.locator('[data-testid="row"], [data-testid="webhooks-empty"]').first().waitFor();
  const usable = await page.evaluate(() => performance.now());
  await network.detach();
  return { firstPaint, usable, requests, kilobytes: bytes / 1000 };
}

function shown(values) {
  const sorted = values.toSorted((a, b) => a - b).map(Math.round);
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]}–${sorted.at(-1)})`;
}

const browser = await launch();
const gateway = await Gateway.start();
try {
  for (let i = 0; i < 5; i += 1) await gateway.push({ channel: "builds.web", message: `web built in ${40 + i} s` });
  for (const path of ["/", "/webhooks"]) {
    const visits = { "empty cache": [], "second visit": [] };
    for (let run = 0; run < runs; run += 1) {
      const context = await browser.newContext();
      for (const visited of Object.values(visits)) {
        const page = await context.newPage();
        visited.push(await visit(page, gateway.url + path));
        await page.close();
      }
      await context.close();
    }
    for (const [name, all] of Object.entries(visits)) {
      const column = (key) => shown(all.map((one) => one[key]));
      console.log(`${path}, ${name}: first paint ${column("firstPaint")} ms, content ${column("usable")} ms, ${column("requests")} requests, ${column("kilobytes")} kB`);
    }
  }
} finally {
  await browser.close();
  await gateway.end();
}
