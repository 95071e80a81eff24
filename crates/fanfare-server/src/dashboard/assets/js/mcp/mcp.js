// The MCP screen, `/mcp_sse_example.html`: the connection protocol in a browser, message by message.
import { html, signal } from "../../vendor/preact.js";
import { now } from "../clock.js";
import { ago } from "../format.js";
import { Icon } from "../ui/icon.js";
import { connect, connectionId, disconnect, lastBeat, server, state } from "./connection.js";
import { entries } from "./log.js";
import { LogList } from "./log_list.js";
import { Request } from "./request.js";

// Beside each other on a desk. On a phone they are tabs, because a request would push its answer out of sight.
const tab = signal("request");

export function Mcp() {
  return html`<div class="mcp shows-${tab.value}" data-testid="mcp">
    <${Tabs} />
    <div class="mcp-side" id="mcp-request">
      <${Connection} />
      <${Request} />
    </div>
    <${LogList} />
  </div>`;
}

function Tabs() {
  const count = entries.value.length;
  return html`<div class="mcp-tabs" role="group" aria-label="Parts of this screen">
    <${Tab} name="request">Request<//>
    <${Tab} name="messages">Messages${count > 0 && html` <span class="muted">${count}</span>`}<//>
  </div>`;
}

function Tab({ name, children }) {
  return html`<button type="button" aria-pressed=${tab.value === name} onClick=${() => (tab.value = name)} data-testid="mcp-tab-${name}">${children}</button>`;
}

const pills = { connected: "is-live", reconnecting: "is-reconnecting" };

function Connection() {
  const { value: status } = state;
  const isOff = status === "disconnected";
  return html`<section class="mcp-connection" aria-label="Connection">
    <div class="mcp-state">
      <span class="pill ${pills[status] ?? ""}" role="status" data-testid="mcp-state" data-status=${status}><i class="dot" />${status}</span>
      <span class="grow" />
      <button type="button" class="button ${isOff ? "primary" : ""}" onClick=${isOff ? connect : disconnect} data-testid=${isOff ? "mcp-connect" : "mcp-disconnect"}>
        <${Icon} name=${isOff ? "link" : "close"} />${isOff ? "Connect" : "Disconnect"}</button>
    </div>
    ${!isOff &&
    html`<dl class="facts">
      <${Fact} name="Connection"><span class="mono" data-testid="mcp-connection">${connectionId.value ?? "–"}</span><//>
      <${Fact} name="Server">${server.value ? `${server.value.serverInfo.name} ${server.value.serverInfo.version}` : "–"}
        ${server.value && html` <span class="muted">protocol ${server.value.protocolVersion}</span>`}<//>
      <${Fact} name="Heartbeat">${lastBeat.value ? ago(lastBeat.value, now.value) : html`<span class="muted">none yet</span>`}<//>
    </dl>`}
  </section>`;
}

function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}
