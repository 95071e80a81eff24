// The page for an address that is no screen.
import { html } from "../vendor/preact.js";
import { path } from "./router.js";
import { Icon } from "./ui/icon.js";

// A word within so many edits is probably a misspelling.
const EDITS_MAX = 3;

export function Lost({ places }) {
  const meant = nearest(path.value, places);
  return html`<div class="lost" data-testid="lost">
    <${Icon} name="link" />
    <h2>Nothing at <code>${path.value}</code></h2>
    ${meant && html`<p>Did you mean <a href=${meant.path} data-testid="lost-meant">${meant.title}</a>?</p>`}
    <div class="choices">
      ${places.slice(0, 2).map((place) => html`<a key=${place.path} class="button" href=${place.path}><${Icon} name=${place.icon} />${place.title}</a>`)}
    </div>
  </div>`;
}

function nearest(asked, places) {
  const [, first] = asked.toLowerCase().split("/");
  const scored = places.map((place) => ({ place, edits: Math.min(distance(first, place.path.slice(1)), distance(first, place.title.toLowerCase())) }));
  scored.sort((a, b) => a.edits - b.edits);
  return scored[0].edits <= EDITS_MAX && scored[0].edits < first.length ? scored[0].place : null;
}

// How many letters must be changed, added or removed to make one word of the other (Levenshtein).
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[to.length];
}
