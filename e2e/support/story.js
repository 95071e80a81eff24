// A test with its own gateway and tab, which are put away whatever happens.
import { after, before, test } from "node:test";
import { launch, Tab } from "./browser.js";
import { Gateway } from "./gateway.js";

export function stories() {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  return function story(name, options, tell) {
    test(name, { timeout: 60_000 }, async () => {
      const gateway = await Gateway.start(options);
      const tabs = [];
      const open = async (path = "/", tabOptions = {}) => {
        const url = new URL(path, gateway.url).href;
        const tab = await Tab.open(browser, url, { ...options.tab, ...tabOptions });
        tabs.push(tab);
        return tab;
      };
      try {
        await tell({ gateway, open });
        for (const tab of tabs) await tab.close();
      } finally {
        for (const tab of tabs) await tab.context.close();
        await gateway.end();
      }
    });
  };
}
