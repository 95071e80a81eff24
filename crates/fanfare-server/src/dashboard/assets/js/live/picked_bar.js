// What can be done with the picked events. It takes the place of the push box.
import { html } from "../../vendor/preact.js";
import { plural } from "../format.js";
import { copy } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";
import { asCsv, asNdjson, save } from "./lines.js";
import { clearPicked, picked, pickShown } from "./picked.js";

export function PickedBar() {
  const events = [...picked.value.values()];
  const what = plural(events.length, "event", "events");
  const file = (ending) => `fanfare-events-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${ending}`;
  return html`<div class="picked-bar" role="region" aria-label="Picked events" data-testid="picked" data-count=${events.length}>
    <strong role="status">${what}</strong>
    <span class="picked-hint muted">picked with <kbd>x</kbd> or <kbd>⇧</kbd> click</span>
    <button type="button" class="link-button picked-all" onClick=${pickShown} data-testid="picked-all">Pick all shown</button>
    <span class="grow" />
    <button type="button" class="button" onClick=${() => copy(asNdjson(events), `${what} copied`)} data-testid="picked-copy"><${Icon} name="copy" />Copy</button>
    <button type="button" class="button" onClick=${() => save(asNdjson(events), file("ndjson"), "application/x-ndjson")} data-testid="picked-ndjson"
      aria-label="Save as NDJSON"><${Icon} name="down" />NDJSON</button>
    <button type="button" class="button" onClick=${() => save(asCsv(events), file("csv"), "text/csv;charset=utf-8")} data-testid="picked-csv"
      aria-label="Save as CSV"><${Icon} name="down" />CSV</button>
    <button type="button" class="icon-button" onClick=${clearPicked} aria-label="Pick nothing" title="Pick nothing (Esc)" data-testid="picked-none"><${Icon} name="close" /></button>
  </div>`;
}
