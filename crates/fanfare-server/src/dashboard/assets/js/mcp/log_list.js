// The log of the connection: one line per message, which expands.
import { html, signal, useEffect, useRef, useState } from "../../vendor/preact.js";
import { preview, timeOfDay } from "../format.js";
import { Assistants } from "../ui/assistants.js";
import { copy } from "../ui/copy.js";
import { Icon } from "../ui/icon.js";
import { JsonTree } from "../ui/json_tree.js";
import { answered, clear, entries } from "./log.js";

// Smaller messages expand completely.
const SMALL = 1500;
const WHOLE = -6;

const beatsShown = signal(true);

export function LogList() {
  const shown = beatsShown.value ? entries.value : entries.value.filter(({ event }) => event !== "heartbeat");
  return html`<section class="mcp-log" aria-labelledby="mcp-log-title">
    <header>
      <h2 id="mcp-log-title">Messages</h2>
      <span class="muted">${shown.length > 0 && shown.length}</span>
      <span class="grow" />
      <label class="mcp-check"><input type="checkbox" checked=${beatsShown.value} onChange=${(box) => (beatsShown.value = box.target.checked)} data-testid="mcp-beats" />Heartbeats</label>
      <button type="button" class="button" disabled=${entries.value.length === 0} onClick=${clear} data-testid="mcp-clear">Clear</button>
    </header>
    ${shown.length === 0 ? html`<${Nothing} />` : html`<${Lines} shown=${shown} />`}
  </section>`;
}

function Nothing() {
  return html`<div class="mcp-nothing" data-testid="mcp-nothing">
    <span class="start-mark"><${Icon} name="mcp" /></span>
    <h3>What an agent sees</h3>
    <p>Connect to see every message in both directions: the handshake, the tool list, your calls and the responses.</p>
    <ol>
      <li><code>GET /mcp/sse</code> opens the stream; its first event, <code>connected</code>, carries the <code>connection_id</code>.</li>
      <li><code>POST /mcp/sse/message</code> accepts JSON-RPC that includes the <code>connection_id</code>.</li>
      <li>The response arrives on the stream as <code>mcp_response</code>.</li>
    </ol>
    <h3>Connect your assistant</h3>
    <p>Each line adds Fanfare to the MCP servers of one assistant, and shows what changes.</p>
    <${Assistants} />
  </div>`;
}

function Lines({ shown }) {
  const box = useRef(null);
  const atEnd = useRef(true);
  const newest = shown.at(-1).key;
  useEffect(() => {
    if (atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [newest]);
  useEffect(() => {
    // On a phone the log is below the form, so scroll to the response.
    if (answered.value > 0) box.current.lastElementChild?.scrollIntoView({ block: "nearest" });
  }, [answered.value]);
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < 40;
  };
  return html`<ol class="mcp-lines" ref=${box} onScroll=${scrolled} tabindex="0" aria-label="Messages, oldest first">
    ${shown.map((entry) => html`<${Line} key=${entry.key} entry=${entry} />`)}
  </ol>`;
}

const ways = { in: ["down", "received"], out: ["up", "sent"] };

function Line({ entry }) {
  const [isOpen, setOpen] = useState(false);
  const { way, event, method, rpcId, body, ms, wrong } = entry;
  if (way === "note") {
    return html`<li class="mcp-note ${wrong ? "wrong" : ""}" data-testid="mcp-note"><span>${event}</span><time>${timeOfDay(entry.at)}</time></li>`;
  }
  const [icon, word] = ways[way];
  return html`<li class="mcp-line ${way} ${event} ${wrong ? "wrong" : ""}" data-testid="mcp-line" data-event=${event} data-method=${method} data-id=${rpcId}>
    <button type="button" class="mcp-head" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
      <time>${timeOfDay(entry.at)}</time>
      <${Icon} name=${wrong ? "error" : icon} label=${wrong ? "error" : word} />
      <span class="mcp-event">${event}</span>
      <span class="mcp-what">${method && html`<b>${method}</b> `}<span class="muted">${summary(entry)}</span></span>
      <span class="mcp-took">${ms !== undefined && `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`}</span>
    </button>
    ${isOpen &&
    html`<div class="mcp-whole"><button type="button" class="icon-button" aria-label="Copy the message" title="Copy" onClick=${() => copy(JSON.stringify(body, null, 2), "Message copied")}>
        <${Icon} name="copy" /></button>
      <div class="json" data-testid="json-tree"><${JsonTree} value=${body} depth=${JSON.stringify(body).length < SMALL ? WHOLE : 0} /></div></div>`}
  </li>`;
}

// A summary of a message in one line.
function summary({ event, body }) {
  if (event === "connected") return body.connection_id;
  if (event === "heartbeat") return body.timestamp;
  if (body.error) return body.error.message;
  if (body.result?.content) return body.result.content.map(({ text, type }) => text ?? type).join(" ");
  if (body.result?.tools) return body.result.tools.map(({ name }) => name).join(", ");
  if (body.method === "tools/call") return `${body.params?.name}  ${preview(body.params?.arguments ?? {}, 200)}`;
  const said = body.result ?? body.params ?? {};
  return Object.keys(said).length > 0 ? preview(said, 200) : "";
}
