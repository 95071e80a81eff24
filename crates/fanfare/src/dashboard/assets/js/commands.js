// The same thing in a shell: every view can be left for a terminal.

const origin = window.location.origin;

function quote(text) {
  if (/^[A-Za-z0-9_.:/=@%+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// What a pusher would have sent to get this event. Position, time and source are given by the gateway.
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
  return `curl ${origin}/api/push -H 'content-type: application/json' -d ${quote(JSON.stringify(requestOf(event)))}`;
}

// Through `--json`, which takes the same object as the interface does: it can say everything.
export function pushWithCli(event) {
  return `echo ${quote(JSON.stringify(requestOf(event)))} | fanfare push --json -`;
}

export const examples = {
  push: `curl -d "deploy finished" ${origin}/api/push/builds`,
  listen: `curl -N ${origin}/stream`,
  run: "fanfare run -c builds -- cargo test",
  page: `new EventSource("${origin}/stream?format=json")`,
  cli: "fanfare listen",
  socket: `websocat ${origin.replace("http", "ws")}/ws`,
};

export function listenTo(channel) {
  return `curl -N ${quote(`${origin}/stream?channel=${channel}`)}`;
}
