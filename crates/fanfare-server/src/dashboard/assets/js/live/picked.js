// The events that were picked, to be copied or saved.
import { signal } from "../../vendor/preact.js";
import { shown } from "../feed/feed.js";

// By id, in the order of picking.
export const picked = signal(new Map());

export function togglePicked(event) {
  const next = new Map(picked.peek());
  if (!next.delete(event.id)) next.set(event.id, event);
  picked.value = next;
}

// Every event that is shown: what the filter and the time leave of those on the page.
export function pickShown() {
  picked.value = new Map(shown.peek().items.filter(({ event }) => event).map(({ event }) => [event.id, event]));
}

export function clearPicked() {
  picked.value = new Map();
}
