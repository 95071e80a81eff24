// What an empty log shows: three steps, each a command to paste.
import { html } from "../../vendor/preact.js";
import { examples } from "../commands.js";
import { Command } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";

const steps = [
  ["Push something", "In the box below, or from any shell. A channel exists from its first event on.", examples.push],
  ["Listen from anywhere", "A terminal, a page, a server: each reads the same log and resumes where it stopped.", examples.listen],
  ["Wrap a command", "Its start, its end, how long it took and how it went become events.", examples.run],
];

export function Start() {
  return html`<div class="start" data-testid="start">
    <div class="start-card">
      <span class="start-mark"><${Icon} name="logo" /></span>
      <h2>Nothing has been pushed yet</h2>
      <p>This page is listening. The first event appears here at once.</p>
      <ol>
        ${steps.map(
          ([title, why, command], i) => html`<li key=${title}>
            <span class="step" aria-hidden="true">${i + 1}</span>
            <div><h3>${title}</h3><p>${why}</p><${Command} text=${command} /></div>
          </li>`,
        )}
      </ol>
    </div>
  </div>`;
}
