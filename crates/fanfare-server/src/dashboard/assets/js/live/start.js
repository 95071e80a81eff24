// The screen for an empty log: three steps, each with a command to paste.
import { html } from "../../vendor/preact.js";
import { examples } from "../commands.js";
import { Command } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";

const steps = [
  ["Push an event", "Use the box below or any shell. The first event on a channel creates it.", examples.push],
  ["Listen from anywhere", "Terminals, web pages and servers all read the same log and resume where they stopped.", examples.listen],
  ["Wrap a command", "Pushes an event when the command starts and another when it ends, with its duration and result.", examples.run],
];

export function Start() {
  return html`<div class="start" data-testid="start">
    <div class="start-card">
      <span class="start-mark"><${Icon} name="logo" /></span>
      <h2>No events yet</h2>
      <p>This page is listening. Your first event will appear here.</p>
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
