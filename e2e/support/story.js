// A test with its own gateway and tab, which are put away whatever happens.
import { after, before, test } from "node:test";
import { launch, Tab } from "./browser.js";
import { Gateway } from "./gateway.js";
import { Receiver } from "./receiver.js";

export function stories() {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  return function story(name, options, tell) {
    test(name, { timeout: 120_000 }, async () => {
      const gateway = await Gateway.start(options);
      const tabs = [];
      const receivers = [];
      const receive = async () => {
        const receiver = await Receiver.start();
        receivers.push(receiver);
        return receiver;
      };
      const open = async (path = "/", tabOptions = {}) => {
        const url = new URL(path, gateway.url).href;
        const tab = await Tab.open(browser, url, { ...options.tab, ...tabOptions });
        tabs.push(tab);
        return tab;
      };
      try {
        await tell({ gateway, open, receive });
        for (const tab of tabs) await tab.close();
      } finally {
        for (const tab of tabs) await tab.context.close();
        await gateway.end();
        for (const receiver of receivers) receiver.end();
      }
    });
  };
}
