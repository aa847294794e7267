// Socket.IO, WebSocket transport only, rooms and volatile-free emits as its documentation shows.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer((request, response) => response.end("ready"));
const io = new Server(http, { transports: ["websocket"] });
io.on("connection", (socket) => {
  socket.join("bench");
  socket.on("portal-view-update", (payload) => socket.to("bench").emit("portal-view-updated", payload));
});
http.listen(Number(process.argv[2]), "127.0.0.1");
