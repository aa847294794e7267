// Connect the real socket.io-client to a server that does not speak Socket.IO, and print what it saw as one JSON line:
// {"connected", "connectError", "frames": [text], "closeCode", "closeReason"}.
//
//   node socketio_probe.mjs http://127.0.0.1:8000 /socket.io/ '{"token": "…"}'
import { io } from "socket.io-client";

const DEADLINE_MILLISECONDS = 10_000;
const [url, path, query] = process.argv.slice(2);
const seen = { connected: false, connectError: null, frames: [], closeCode: null, closeReason: null };

const socket = io(url, { path, query: JSON.parse(query), transports: ["websocket"], reconnection: false });
socket.on("connect", () => { seen.connected = true; });
socket.on("connect_error", (error) => { seen.connectError = error.message; });

// The engine gives up at the first frame it cannot read; the WebSocket below it still hears how the server ended.
const webSocket = socket.io.engine.transport.ws;
webSocket.addEventListener("message", (event) => { seen.frames.push(String(event.data)); });
webSocket.addEventListener("close", (event) => {
  seen.closeCode = event.code;
  seen.closeReason = event.reason;
  console.log(JSON.stringify(seen));
  process.exit(0);
});

setTimeout(() => {
  console.error(`The server at ${url}${path} did not close the connection: ${JSON.stringify(seen)}`);
  process.exit(1);
}, DEADLINE_MILLISECONDS);
