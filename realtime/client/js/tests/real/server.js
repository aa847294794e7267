// The running server that a test uses, as JSON in PORTAL_SERVER: {url, libraryId, controller, viewer}, with the tokens of
// two members. Each file of tests has a portal view of its own, and a share link.
import { connect, createServer } from "node:net";
import { createRequire } from "node:module";
import { once } from "node:events";
import { after } from "node:test";
import { PortalClient } from "../world.js";

export const SERVER = JSON.parse(process.env.PORTAL_SERVER);
const fromNpm = createRequire(new URL("../../../../../testing/node/", import.meta.url));
globalThis.WebSocket = fromNpm("ws"); // Node 20 has none
export const resolved = (name) => fromNpm.resolve(name);
export const loaded = (name) => fromNpm(name);

const PATIENCE = 20_000;
const opened = []; // what an open test would leave behind, and Node would wait for
after(() => opened.forEach((one) => one.close()));

export function closing(one) {
  opened.push(one);
  return one;
}

export function joined(token, more = {}) {
  const { url, portalViewId } = SERVER;
  return closing(new PortalClient({ url, portalViewId, getCredential: () => ({ token }), ...more }));
}

async function asked(path, token, body) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(SERVER.url + path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

const made = await asked(`/api/libraries/${SERVER.libraryId}/portal-views`, SERVER.controller, { name: "Evening" });
SERVER.portalViewId = made.id;
SERVER.share = (await asked(`/api/portal-views/${made.id}/share-links`, SERVER.controller, {})).token;

// The stored state, as REST has it for who has that token.
export async function stored(token) {
  const { warnings, epoch, role, ...state } = await asked(`/api/portal-views/${SERVER.portalViewId}`, token);
  return state;
}

// Wait until it is so: the condition is asked again after each event of the client.
export async function until(client, isSo) {
  const end = AbortSignal.timeout(PATIENCE);
  while (!isSo()) await Promise.race(["state", "message", "status"].map((type) => once(client, type, { signal: end })));
}

// A proxy in front of the server, whose connections a test can cut.
export async function proxied() {
  const { hostname, port } = new URL(SERVER.url);
  const pairs = new Set();
  const server = createServer((near) => {
    const pair = [near, connect({ host: hostname, port: Number(port) })];
    pairs.add(pair);
    for (const [one, other] of [pair, [...pair].reverse()]) {
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => pairs.delete(pair) && other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => pairs.forEach((pair) => pair.forEach((one) => one.destroy()));
  const close = () => {
    cut();
    server.close();
  };
  return closing({ url: `http://127.0.0.1:${server.address().port}`, cut, close });
}
