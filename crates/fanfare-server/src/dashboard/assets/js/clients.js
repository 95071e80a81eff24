// The connected clients, and the position of each.
import { html, useState } from "../vendor/preact.js";
import { now } from "./clock.js";
import { examples } from "./commands.js";
import { Disconnect } from "./disconnect.js";
import { connection } from "./feed/connection.js";
import { ago, capital, count, fullTime, plural } from "./format.js";
import { usePolled } from "./poll.js";
import { Command } from "./ui/copy.js";
import { Icon } from "./ui/icon.js";
import { Cell, Table } from "./ui/table.js";

const states = {
  live: ["done", "live"],
  replaying: ["replay", "replaying"],
  stalled: ["stalled", "stalled"],
  idle: ["pause", "idle"],
};

const transports = { http: "HTTP", mcp: "MCP", sse: "SSE", websocket: "WebSocket" };

export function Clients() {
  const [leaving, setLeaving] = useState(null);
  const { data, problem } = usePolled("/api/clients", 2000, "clients").value;
  if (!data) return html`<p class="screen-note">${problem ? capital(problem.message) : "Loading…"}</p>`;
  const behind = data.clients.filter(({ lag }) => lag > 0).length;
  return html`<div class="list-screen" data-testid="clients">
    <p class="lead">${plural(data.total, "client is", "clients are")} connected${behind ? `, ${count(behind)} of them behind` : ""}.${connection.value.state === "live" ? " This page is one of them." : ""}</p>
    <${Table} label="Connected clients" columns=${["Transport", "Address", "Subscribed to", "Connected", "Position", "Lag", "State", ""]} numbers=${["Lag"]}>
      ${data.clients.map((client) => html`<${ClientRow} key=${client.id} client=${client} onDisconnect=${() => setLeaving(client)} />`)}
    <//>
    ${leaving && html`<${Disconnect} client=${leaving} onClose=${() => setLeaving(null)} />`}
    <section class="more-ways" aria-labelledby="more-ways">
      <h2 id="more-ways">Connect another client</h2>
      <div class="ways">
        <div><h3>Terminal</h3><${Command} text=${examples.listen} /></div>
        <div><h3>Web page</h3><${Command} text=${examples.page} /></div>
        <div><h3>WebSocket</h3><${Command} text=${examples.socket} /></div>
        <div><h3>Agent (MCP)</h3><${Command} text=${examples.mcp} /><a class="ways-more" href="/mcp_sse_example.html">Try it in the browser</a></div>
      </div>
    </section>
  </div>`;
}

function ClientRow({ client, onDisconnect }) {
  const since = Date.parse(client.connected_at);
  const [icon, word] = states[client.state] ?? ["info", client.state];
  return html`<tr role="row" class="two-lines" data-testid="client-row" data-client=${client.id}>
    <${Cell} name="Transport"><span class="strong">${transports[client.transport] ?? client.transport}</span> <span class="muted">${client.id}${client.session && ` · ${software(client.session)}`}</span><//>
    <${Cell} name="Address"><span class="mono">${client.address ?? "this machine"}</span> <span class="muted">${client.reader ?? client.principal}</span><//>
    <${Cell} name="Subscribed to" phone="under">${client.channels.map((pattern) => html`<span class="tag" key=${pattern}>${pattern}</span>`)}${" "}
      <span class="muted">${client.channels.length ? conditions(client) : "nothing"}</span><//>
    <${Cell} name="Connected"><time datetime=${client.connected_at} title=${fullTime(since)}>${ago(since, now.value)}</time><//>
    <${Cell} name="Position"><span class="mono">${client.position}</span><//>
    <${Cell} name="Lag" number phone="under"><span class=${client.lag > 0 ? "strong" : "muted"}>${count(client.lag)}</span><//>
    <${Cell} name="State" phone="top"><span class="state ${client.state}"><${Icon} name=${icon} />${word}</span><//>
    <${Cell} name="" phone="top">
      <button type="button" class="icon-button" aria-label="Disconnect ${client.id}" title="Disconnect…" onClick=${onDisconnect} data-testid="client-disconnect"><${Icon} name="closing" /></button><//>
  </tr>`;
}

// What a session of MCP says of its software.
function software({ client_name: name, client_version: version, wire }) {
  return name ? `${name} ${version ?? ""}` : wire;
}

function conditions({ types, min_priority: priority }) {
  const parts = [];
  if (types?.length) parts.push(types.join(", "));
  if (priority && priority !== "min") parts.push(`${priority} and above`);
  return parts.join(" · ");
}
