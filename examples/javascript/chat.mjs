// Push and listen on one WebSocket, and resume after the last event when it breaks.

// In a browser there is no `process`.
const gateway = globalThis.process?.env.FANFARE_URL ?? "http://127.0.0.1:8000";
const url = gateway.replace(/^http/, "ws") + "/ws";
let last;
let isGreeted = false;

function connect() {
  const socket = new WebSocket(url);
  socket.onopen = () => {
    // `after` is where to resume; the first time there is nothing to resume from.
    socket.send(JSON.stringify({ op: "subscribe", id: 1, channels: ["chat.>"], ...(last && { after: last }) }));
    if (isGreeted) return;
    isGreeted = true;
    socket.send(JSON.stringify({ op: "publish", id: 2, event: { channel: "chat.lobby", message: "hello, everybody" } }));
  };
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    switch (frame.op) {
      case "event":
        last = frame.event.id;
        console.log(`${frame.event.channel}: ${frame.event.message}`);
        break;
      case "reset":
        // The old position means nothing in this log: keep the new one.
        last = frame.position;
        console.log(`cannot resume (${frame.reason}); some events may be missing`);
        break;
      case "gap":
        console.log(`up to ${frame.missed} events were removed before they could be read`);
        break;
      case "error":
        console.error(`${frame.error.detail}; ${frame.error.fix ?? ""}`);
        break;
    }
  };
  socket.onclose = () => setTimeout(connect, 1000);
  socket.onerror = () => {}; // `close` follows.
}

connect();
