// The screen for an empty log: three steps in any order, each with commands to paste.
import { html } from "../../vendor/preact.js";
import { examples } from "../commands.js";
import { Command } from "../ui/copy.js";
import { Assistants } from "../ui/assistants.js";

export function Start() {
  return html`<div class="start" data-testid="start">
    <div class="start-page">
      <h2>Nothing has happened here yet</h2>
      <p>Three steps, in any order. This page turns into the feed with the first event.</p>
      <ol class="start-steps">
        <${Step} n="1" title="Connect your assistant" why="Adds Fanfare to its MCP servers and shows what changes." wide>
          <${Assistants} />
          <p class="start-after">Then tell it: “Push to <code>builds</code> when you are done.”</p>
        <//>
        <${Step} n="2" title="Push an event" why="From a shell, CI, or any program that speaks HTTP. Or use the box below.">
          <${Command} text=${examples.cliPush} />
          <${Command} text=${examples.push} />
        <//>
        <${Step} n="3" title="Listen elsewhere" why="Terminals, web pages and servers read the same log, and resume where they stopped.">
          <${Command} text=${examples.cli} />
          <${Command} text=${examples.listen} />
        <//>
      </ol>
    </div>
  </div>`;
}

function Step({ n, title, why, wide = false, children }) {
  return html`<li class="start-step ${wide ? "is-wide" : ""}">
    <h3><span class="step" aria-hidden="true">${n}</span>${title}</h3>
    <p>${why}</p>
    ${children}
  </li>`;
}
