// The parts of Markdown that our descriptions use: paragraphs, lists and `code`. Nothing in the text becomes markup.
import { html } from "../../vendor/preact.js";

export function Prose({ text, inline = false }) {
  if (!text) return null;
  if (inline) return html`<span>${marked(text)}</span>`;
  return html`<div class="prose">${text.trim().split(/\n\s*\n/).map((block, i) => html`<${Block} key=${i} block=${block} />`)}</div>`;
}

function Block({ block }) {
  const lines = block.split("\n");
  if (!lines.every((line) => /^\s*[-*] |^\s{2,}\S/.test(line))) return html`<p>${marked(block)}</p>`;
  const items = block.split(/^\s*[-*] /m).filter(Boolean);
  return html`<ul>${items.map((item, i) => html`<li key=${i}>${marked(item)}</li>`)}</ul>`;
}

function marked(text) {
  return text.split(/(\u0060[^\u0060]+\u0060)/).map((part, i) => (i % 2 ? html`<code key=${i}>${part.slice(1, -1)}</code>` : part));
}
