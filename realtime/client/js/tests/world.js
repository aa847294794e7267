// A world without time and network: tests say when time passes, and what the server does.
import { setImmediate } from "node:timers/promises";

// PORTAL_CLIENT=portal-client.min.js: the same tests for the file that is shipped.
const file = process.env.PORTAL_CLIENT || "portal-client.js";
export const { PortalClient, PortalError } = await import(`../${file}`);

export const STATE = {
  id: "0195d5a0-0000-7000-8000-000000000001",
  name: "Evening",
  autoResetImageState: false,
  currentItem: null,
  currentItemId: null,
  camera: null,
  encounter: null,
  items: [
    { id: "ogre", hp: 12 },
    { id: "mage", hp: 7 },
  ],
  version: 5,
};
export const ADA = { kind: "user", id: "ada", name: "Ada" };

export class World {
  constructor() {
    this.sockets = [];
    this.random = 0.5;
    this.time = 1_000_000;
    this._timers = new Map();
    this._ids = 0;
    this._target = new EventTarget();
    this.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    this.addEventListener = (...given) => this._target.addEventListener(...given);
    this.removeEventListener = (...given) => this._target.removeEventListener(...given);
    this.Date = { now: () => this.time };
    this.Math = { random: () => this.random };
    const world = this;
    this.WebSocket = class extends FakeSocket {
      constructor(address, protocols) {
        super(address, protocols, world.time);
        world.sockets.push(this);
      }
    };
  }

  get socket() {
    return this.sockets[this.sockets.length - 1];
  }

  setTimeout(action, milliseconds) {
    this._ids += 1;
    this._timers.set(this._ids, { action, at: this.time + milliseconds });
    return this._ids;
  }

  clearTimeout(id) {
    this._timers.delete(id);
  }

  // Time passes, and each timer fires when it is due.
  async pass(milliseconds) {
    const end = this.time + milliseconds;
    for (;;) {
      await setImmediate();
      const [id, next] = [...this._timers].sort(([, one], [, other]) => one.at - other.at)[0] || [];
      if (!next || next.at > end) break;
      this.time = Math.max(this.time, next.at);
      this._timers.delete(id);
      next.action();
    }
    this.time = end;
  }

  // The machine sleeps: what is due fires only afterwards.
  async sleep(milliseconds) {
    this.time += milliseconds;
    await this.pass(0);
  }

  async online() {
    this._target.dispatchEvent(new Event("online"));
    await this.pass(0);
  }

  async shows(visibilityState) {
    this.document.visibilityState = visibilityState;
    this.document.dispatchEvent(new Event("visibilitychange"));
    await this.pass(0);
  }
}

class FakeSocket {
  constructor(address, protocols, at) {
    Object.assign(this, { address, protocols, at, sent: [], isClosed: false });
  }

  // What the client has sent, without its pings.
  get messages() {
    return this.sent.map((text) => JSON.parse(text)).filter(({ type }) => type !== "ping");
  }

  get pings() {
    return this.sent.length - this.messages.length;
  }

  send(data) {
    this.sent.push(data);
  }

  close() {
    this.isClosed = true;
  }

  says(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  connects(more = {}) {
    const connected = { type: "connected", role: "controller", subject: ADA, connectionId: `c${this.at}`, epoch: "one" };
    this.says({ ...connected, version: STATE.version, recovered: false, state: STATE, ...more });
  }

  closes(code = 1006, reason = "") {
    this.onclose({ code, reason });
  }

  acks(ref, version, more = {}) {
    this.says({ type: "ack", ref, version, ...more });
  }

  refuses(ref, code = "invalid-payload") {
    this.says({ type: "error", ref, code, message: `${code}, says the server.` });
  }
}

export const OPTIONS = { url: "https://portal.example.org/base/", portalViewId: "view", getCredential: () => ({ token: "t1" }) };

// A client whose first attempt waits for the server.
export async function dialled(more = {}, world = new World()) {
  const client = new PortalClient({ ...OPTIONS, world, ...more });
  client.connect();
  await world.pass(0);
  return { client, world };
}

export async function opened(more = {}, connected = {}) {
  const made = await dialled(more);
  made.world.socket.connects(connected);
  return made;
}

// How a promise has ended so far.
export async function outcome(promise) {
  return Promise.race([
    promise.then(
      (value) => value,
      (error) => error.code,
    ),
    setImmediate("pending"),
  ]);
}

export function heard(client, type) {
  const details = [];
  client.addEventListener(type, ({ detail }) => details.push(detail));
  return details;
}
