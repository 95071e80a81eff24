// The list of keyboard shortcuts, opened with `?`.
import { html, signal, useEffect, useRef } from "../../vendor/preact.js";
import { Icon } from "./icon.js";

export const sheetOpen = signal(false);

const groups = [
  ["Feed", [
    [["Space"], "pause or resume"],
    [["j", "↓"], "newer event"],
    [["k", "↑"], "older event"],
    [["Enter"], "open the event"],
    [["Esc"], "close, or leave the field"],
    [["End", "G"], "jump to the newest"],
    [["/"], "search"],
    [["1", "2", "3", "4"], "last hour, day, week, all"],
    [["x"], "pick the event, to copy or save"],
    [["p"], "push an event"],
  ]],
  ["Webhooks", [
    [["n"], "add a webhook"],
    [["j", "k"], "earlier or later attempt"],
    [["Esc"], "close the attempt"],
  ]],
  ["Channel", [
    [["[", "]"], "channel before or after"],
    [["o"], "open in Live"],
    [["Esc"], "all channels"],
  ]],
  ["Go to", [
    [["g", "l"], "Live"],
    [["g", "w"], "Webhooks"],
    [["g", "s"], "Sources"],
    [["g", "c"], "Clients"],
    [["g", "h"], "Channels"],
    [["g", "d"], "Readers"],
    [["g", "m"], "MCP"],
    [["g", "r"], "Reference"],
  ]],
  ["Anywhere", [
    [["t"], "theme: auto, light, dark"],
    [["?"], "show these shortcuts"],
  ]],
];

export function Sheet() {
  const dialog = useRef(null);
  const open = sheetOpen.value;
  useEffect(() => {
    if (open) dialog.current.showModal();
    else dialog.current.close();
  }, [open]);
  const close = () => (sheetOpen.value = false);
  return html`<dialog class="sheet" ref=${dialog} aria-labelledby="sheet-title" onClose=${close} data-testid="sheet"
    onClick=${(click) => click.target === dialog.current && close()}>
    <div class="sheet-body">
      <header><h2 id="sheet-title">Keyboard shortcuts</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button></header>
      ${groups.map(
        ([title, keys]) => html`<section key=${title}><h3>${title}</h3><dl>
          ${keys.map(([names, what]) => html`<div key=${what}><dt>${names.map((name) => html`<kbd key=${name}>${name}</kbd>`)}</dt><dd>${what}</dd></div>`)}
        </dl></section>`,
      )}
    </div>
  </dialog>`;
}
