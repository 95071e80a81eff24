// The Live screen: filter, feed and push box, beside an overview or the open event.
import { html, useEffect, useLayoutEffect } from "../../vendor/preact.js";
import { connection } from "../feed/connection.js";
import { paused, pause, received } from "../feed/feed.js";
import { goLive } from "../feed/past.js";
import { pickRange } from "../feed/span.js";
import { setScreenKeys } from "../keyboard.js";
import { query, setParams } from "../router.js";
import { Composer, focusComposer } from "./composer.js";
import { Drawer } from "./drawer.js";
import { FilterBar, focusFilter } from "./filter_bar.js";
import { Chart } from "./chart.js";
import { FeedList } from "./list.js";
import { picked } from "./picked.js";
import { PickedBar } from "./picked_bar.js";
import { closeEvent, jumpToNewest, move, openCursor, openId, pickCursor } from "./selection.js";
import { Side } from "./side.js";
import { Start } from "./start.js";

const keys = {
  " ": () => (paused.peek() ? goLive() : pause()),
  "/": focusFilter,
  p: focusComposer,
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  Enter: openCursor,
  x: pickCursor,
  1: () => pickRange("1h"),
  2: () => pickRange("24h"),
  3: () => pickRange("7d"),
  4: () => pickRange("all"),
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
  return html`<div class="live ${empty ? "is-empty" : ""} ${id ? "with-drawer" : ""}">
    <section class="live-main" aria-label="Feed">
      <${FilterBar} />
      ${empty ? html`<${Start} />` : html`<${Chart} /><${FeedList} />`}
      ${picked.value.size > 0 ? html`<${PickedBar} />` : html`<${Composer} />`}
    </section>
    ${id ? html`<${Drawer} id=${id} key="drawer" />` : html`<${Side} />`}
  </div>`;
}
