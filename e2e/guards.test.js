// The tests about the tests: what every page is watched for is really seen.
import assert from "node:assert/strict";
import { stories } from "./support/story.js";

const story = stories();

story("a page that breaks the rules is caught", {}, async ({ open }) => {
  const tab = await open();
  await tab.live();
  const seen = async (pattern, act) => {
    await act();
    const deadline = Date.now() + 5_000;
    while (!tab.faults.some((fault) => pattern.test(fault))) {
      assert.ok(Date.now() < deadline, `${pattern} was not seen: ${JSON.stringify(tab.faults)}`);
      await tab.page.evaluate(() => new Promise(requestAnimationFrame));
    }
  };
  await seen(/^broken \(/, () => tab.page.evaluate(() => console.error("broken")));
  await seen(/policy violation: connect-src http:\/\/192\.0\.2\.1/, () => tab.page.evaluate(() => fetch("http://192.0.2.1/").catch(() => {})));
  await seen(/policy violation: require-trusted-types-for/, () =>
    tab.page.evaluate(() => {
      try {
        document.body.insertAdjacentHTML("beforeend", "<p>text as markup</p>");
      } catch {
        // Refused, as it should be.
      }
    }),
  );
  await seen(/policy violation: script-src/, () =>
    tab.page.evaluate(() => import("data:text/javascript,window.ran = true").catch(() => {})),
  );
  assert.equal(await tab.page.evaluate(() => window.ran), undefined);
  await seen(/request to http:\/\/192\.0\.2\.1/, () => tab.page.goto("http://192.0.2.1/").catch(() => {}));
  tab.faults = [];
});
