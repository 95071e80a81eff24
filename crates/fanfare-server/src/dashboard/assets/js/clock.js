// One clock for everything that depends on the current time: relative times, rates, countdowns.
import { signal } from "../vendor/preact.js";

export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = Date.now();
});
