// Shell commands that do the same as a view of the dashboard.
import { home } from "./base.js";

// Where the command line looks for a gateway by default.
const CLI_DEFAULT = "127.0.0.1:8000";

function quote(text) {
  if (/^[A-Za-z0-9_.:/=@%+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// The request that would have pushed this event. The gateway sets position, time and source.
export function requestOf(event) {
  const { channel, message, type, priority, key, data, audience } = event;
  const request = { channel, message };
  if (type && type !== "info") request.type = type;
  if (priority && priority !== "default") request.priority = priority;
  if (key !== undefined) request.key = key;
  if (audience && audience !== "all") request.audience = audience;
  if (data !== undefined) request.data = data;
  return request;
}

export function pushWithCurl(event) {
  return `curl ${home}/api/push -H 'content-type: application/json' -d ${quote(JSON.stringify(requestOf(event)))}`;
}

// Adds this gateway to an assistant.
export function installCommand(assistant) {
  return ["fanfare", "install", assistant, ...server()].map(quote).join(" ");
}

// What an assistant without an installer has to start.
export function mcpCommand() {
  return ["fanfare", "mcp", ...server()].map(quote).join(" ");
}

export function doctorCommand() {
  return ["fanfare", "doctor", ...server()].map(quote).join(" ");
}

export function registerCommand() {
  return ["fanfare", "receive", ...server(), "--register"].map(quote).join(" ");
}

// A receiver that verifies signatures with this secret.
export function receiveCommand(secret) {
  return `FANFARE_WEBHOOK_SECRET=${quote(secret)} fanfare receive`;
}

// The option that names this gateway, if it is not at the default address.
function server() {
  return window.location.host === CLI_DEFAULT ? [] : ["--server", home];
}

// The command line has an option for every member except the audience.
export function pushWithCli(event) {
  const { channel, message, type, priority, key, data } = requestOf(event);
  const words = ["fanfare", "push", ...server()];
  if (channel !== "default") words.push("-c", channel);
  if (type) words.push("--type", type);
  if (priority) words.push("--priority", priority);
  if (key !== undefined) words.push("--key", key);
  if (data !== undefined) words.push("--json", JSON.stringify(data));
  words.push("-m", message);
  return words.map(quote).join(" ");
}

// Repeats a request to a webhook with the same bytes, so that its signature stays valid.
export function attemptWithCurl({ url, headers, body }) {
  const words = ["curl", "-i", url];
  for (const [name, value] of Object.entries(headers)) if (name !== "host") words.push("-H", `${name}: ${value}`);
  words.push("--data-binary", body);
  return words.map(quote).join(" ");
}

export const examples = {
  push: `curl -d "deploy finished" ${home}/api/push/builds`,
  listen: `curl -N ${home}/stream`,
  cliPush: ["fanfare", "push", ...server(), "-c", "builds", "-m", "it works"].map(quote).join(" "),
  page: `new EventSource("${home}/stream?format=json")`,
  cli: ["fanfare", "listen", ...server()].map(quote).join(" "),
  socket: `websocat ${home.replace("http", "ws")}/ws`,
  mcp: `${home}/mcp`,
};

export function listenTo(channel) {
  return `curl -N ${quote(`${home}/stream?channel=${channel}`)}`;
}
