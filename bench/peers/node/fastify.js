// The reference: Fastify with @fastify/websocket, the same messages, rooms in a Map. No database, no projection.
// With PORTAL_SECRET_KEY set it checks the access token; roles come from ?role=.
import Fastify from "fastify";
import websocket from "@fastify/websocket";
import jwt from "jsonwebtoken";

const secret = process.env.PORTAL_SECRET_KEY;
const state = { name: "bench", showHealth: false, currentItem: null, items: [] };
const rooms = new Map();
const app = Fastify();
await app.register(websocket, { options: { maxPayload: 65536 } });

app.get("/", async () => "ready");
app.get("/ws/portal-view/:id", { websocket: true }, (socket, request) => {
  const { id } = request.params;
  let userId = "guest";
  if (secret) {
    try {
      userId = jwt.verify(request.query.token, secret, { algorithms: ["HS256"] }).user_id;
    } catch {
      socket.close(1008, "token-invalid");
      return;
    }
  }
  const role = request.query.role ?? "viewer";
  let room = rooms.get(id);
  if (!room) rooms.set(id, (room = new Set()));
  room.add(socket);
  socket.send(JSON.stringify({ type: "connected", portalViewId: id, role, userId, state }));
  socket.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.type === "ping") {
      socket.send(JSON.stringify({ type: "pong", timestamp: Date.now() }));
    } else if (message.type === "portal-view-update" && role === "controller") {
      const text = JSON.stringify({ type: "portal-view-updated", payload: message.payload });
      for (const other of room) if (other !== socket && other.readyState === 1) other.send(text);
    }
  });
  socket.on("close", () => {
    room.delete(socket);
    if (room.size === 0) rooms.delete(id);
  });
});
await app.listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
