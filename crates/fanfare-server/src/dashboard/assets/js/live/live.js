// The Live screen: filter, feed and push box, beside an overview or the open event.
import { html, useEffect, useLayoutEffect } from "../../vendor/preact.js";
import { connection } from "../feed/connection.js";
import { paused, pause, received, resume } from "../feed/feed.js";
import { setScreenKeys } from "../keyboard.js";
import { query, setParams } from "../router.js";
import { Composer, focusComposer } from "./composer.js";
import { Drawer } from "./drawer.js";
import { FilterBar, focusFilter } from "./filter_bar.js";
import { FeedList } from "./list.js";
import { closeEvent, jumpToNewest, move, openCursor, openId } from "./selection.js";
import { Side } from "./side.js";
import { Start } from "./start.js";

const keys = {
  " ": () => (paused.peek() ? resume() : pause()),
  "/": focusFilter,
  p: focusComposer,
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  Enter: openCursor,
  Escape: closeEvent,
  End: jumpToNewest,
  G: jumpToNewest,
};

export function Live() {
  // Before the paint, so that the keys are always those of the visible screen.
  useLayoutEffect(() => setScreenKeys(keys), []);
  useEffect(() => {
    // The user pressed `/` on another screen.
    if (new URLSearchParams(query.value).get("focus") !== "filter") return;
    setParams({ focus: null }, { replace: true });
    focusFilter();
  }, [query.value]);
  const id = openId.value;
  const empty = received.value === 0 && connection.value.state === "live";
  return html`<div class="live ${id ? "with-drawer" : ""}">
    <section class="live-main" aria-label="Feed">
      <${FilterBar} />
      ${empty ? html`<${Start} />` : html`<${FeedList} />`}
      <${Composer} />
    </section>
    ${id ? html`<${Drawer} id=${id} key="drawer" />` : html`<${Side} />`}
  </div>`;
}
