// The draft in the push box. It survives a change of screen.
import { batch, computed, signal } from "../../vendor/preact.js";

export const message = signal("");
export const channel = signal("");
export const type = signal("info");
export const priority = signal("default");
export const dataText = signal("");
export const more = signal(false);

// `{ value }` (undefined when there is none) or `{ wrong }`.
export const data = computed(() => {
  if (!more.value || !dataText.value.trim()) return { value: undefined };
  try {
    return { value: JSON.parse(dataText.value) };
  } catch (error) {
    return { wrong: error.message };
  }
});

// Copies an event into the box, to be edited and pushed again.
export function draftFrom(event) {
  batch(() => {
    message.value = event.message;
    channel.value = event.channel;
    type.value = event.type;
    priority.value = event.priority ?? "default";
    dataText.value = event.data === undefined ? "" : JSON.stringify(event.data, null, 2);
    more.value = event.data !== undefined || event.type !== "info" || priority.value !== "default";
  });
}

export function draftedEvent() {
  const event = { message: message.value };
  if (channel.value.trim()) event.channel = channel.value.trim();
  if (type.value.trim() && type.value !== "info") event.type = type.value.trim();
  if (priority.value !== "default") event.priority = priority.value;
  if (data.value.value !== undefined) event.data = data.value.value;
  return event;
}
