// The Webhooks screen: the list, one webhook, or the wizard, depending on the path.
import { html } from "../../vendor/preact.js";
import { path } from "../router.js";
import { List } from "./list.js";
import { One } from "./one.js";
import { Wizard } from "./wizard.js";

export function Webhooks() {
  if (path.value === "/webhooks" || path.value === "/webhooks/") return html`<${List} />`;
  if (path.value === "/webhooks/new") return html`<${Wizard} />`;
  const id = decodeURIComponent(path.value.slice("/webhooks/".length));
  return html`<${One} key=${id} id=${id} />`;
}
