// A command for each assistant that adds this gateway to it.
import { html } from "../../vendor/preact.js";
import { assistants } from "../assistants.js";
import { installCommand, mcpCommand } from "../commands.js";
import { Command } from "./copy.js";

export function Assistants() {
  const lines = assistants.map(({ name, title }) => [title, installCommand(name)]);
  return html`<dl class="assistants" data-testid="assistants">
    ${[...lines, ["Another", mcpCommand()]].map(
      ([title, command]) => html`<div key=${title}><dt>${title}</dt><dd><${Command} text=${command} /></dd></div>`,
    )}
  </dl>`;
}
