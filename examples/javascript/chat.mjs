// Push and listen on one WebSocket, and continue behind the last event after it broke.

const url = (process.env.FANFARE_URL ?? "http://127.0.0.1:8000").replace(/^http/, "ws") + "/ws";
let last;

function connect() {
  const socket = new WebSocket(url);
  socket.onopen = () => {
    // `after` is where to go on; the first time there is nothing to go on from.
    socket.send(JSON.stringify({ op: "subscribe", id: 1, patterns: ["chat.>"], ...(last && { after: last }) }));
    socket.send(JSON.stringify({ op: "publish", id: 2, event: { channel: "chat.lobby", message: "hello, everybody" } }));
  };
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    switch (frame.op) {
      case "event":
        last = frame.event.id;
        console.log(`${frame.event.channel}: ${frame.event.message}`);
        break;
      case "gap":
      case "reset":
        console.log(`something was missed: ${data}`);
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
