// The entry point: renders the shell and starts the stream.
import { html, render } from "../vendor/preact.js";
import { App } from "./app.js";
import { start } from "./feed/connection.js";
import { listenToKeys } from "./keyboard.js";
import { listenToLinks } from "./router.js";

listenToLinks();
listenToKeys();
render(html`<${App} />`, document.getElementById("app"));
start();
