// Random operations, losses, delays, restarts and changes of role against a model of the server: after each quiet moment
// every client has the server's state, every promise has settled rightly, and nothing was stored twice.
// PORTAL_CLIENT_SEQUENCES=10000 is the long form; PORTAL_CLIENT_SEED repeats a run.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { lineClass } from "./model/line.js";
import { Server, markOf } from "./model/server.js";
import { PortalClient, World } from "./world.js";

const fc = createRequire(new URL("../../../../testing/node/", import.meta.url))("fast-check");
const SEQUENCES = Number(process.env.PORTAL_CLIENT_SEQUENCES || 400);
const SEED = Number(process.env.PORTAL_CLIENT_SEED || Date.now() % 2 ** 31);
const PEOPLE = ["ada", "bob", "eve"];
const LONGEST = 10 * 60 * 1000;

const who = fc.nat({ max: PEOPLE.length - 1 });
const few = fc.nat({ max: 3 });
const STEPS = {
  update: fc.record({ who }),
  camera: fc.record({ who, zoom: fc.integer({ min: 1, max: 9 }) }),
  hurt: fc.record({ who, place: few }),
  add: fc.record({ who, index: fc.option(few, { nil: undefined }) }),
  remove: fc.record({ who, place: few }),
  turn: fc.record({ who }),
  arrive: fc.record({ who, count: few }),
  deliver: fc.record({ who, count: few, hasten: fc.boolean() }),
  burst: fc.record({ who, arriving: few, count: few, isCut: fc.boolean() }),
  exchange: fc.record({ who }),
  cut: fc.record({ who, arriving: few }),
  restart: fc.record({}),
  role: fc.record({ who, role: fc.constantFrom("controller", "viewer") }),
  pass: fc.record({ milliseconds: fc.oneof(few, fc.nat({ max: 40_000 }), fc.constant(LONGEST)) }),
  hide: fc.record({}),
  quiet: fc.record({}),
};
const step = fc.oneof(...Object.entries(STEPS).map(([kind, rest]) => rest.map((given) => ({ kind, ...given }))));

class Play {
  constructor() {
    this.server = new Server({ ada: "controller", bob: "controller", eve: "viewer" });
    this.world = new World();
    this.world.WebSocket = lineClass(this.server);
    const options = { url: "http://model", portalViewId: "view", world: this.world };
    this.clients = PEOPLE.map((token) => new PortalClient({ ...options, getCredential: () => ({ token }) }));
    this.asked = [];
    this.marks = 0;
  }

  async do({ kind, who: number, ...given }) {
    const client = this.clients[number];
    this.world.random = (this.marks % 10) / 10;
    await this[kind](client, { ...given, line: client && this.lineOf(number) });
    await this.world.pass(0);
  }

  lineOf(number) {
    return this.server.lines.find(({ person }) => person === PEOPLE[number]);
  }

  // What people do

  update(client) {
    const name = `n${this.mark()}`;
    this.ask({ type: "portal-view-update", payload: { name } }, client.update({ name }));
  }

  camera(client, { zoom }) {
    this.ask(null, client.setCamera({ x: 0.5, y: 0.5, zoom, rotation: 0 }));
  }

  hurt(client, { place }) {
    const hp = this.mark();
    const itemId = this.itemAt(client, place);
    this.ask({ type: "item-update", itemId, payload: { hp } }, client.updateItem(itemId, { hp }));
  }

  add(client, { index }) {
    const item = { id: `i${this.mark()}`, hp: 1 };
    this.ask({ type: "item-add", payload: item }, client.addItem(item, index));
  }

  remove(client, { place }) {
    const itemId = this.itemAt(client, place);
    this.ask({ type: "item-remove", itemId }, client.removeItem(itemId));
  }

  turn(client) {
    this.ask({ type: "encounter-next" }, client.nextTurn());
  }

  mark() {
    this.marks += 1;
    return this.marks;
  }

  itemAt(client, place) {
    const items = client.state ? client.state.items : [];
    return items.length ? items[place % items.length].id : "nobody";
  }

  ask(message, promise) {
    const entry = { mark: message && markOf(message), outcome: "pending" };
    this.asked.push(entry);
    promise.then(
      (version) => Object.assign(entry, { outcome: "stored", version }),
      (error) => Object.assign(entry, { outcome: error.code }),
    );
  }

  // What the network and the server do

  arrive(_, { line, count }) {
    if (line) line.arrive(count);
  }

  deliver(_, { line, count, hasten }) {
    if (line) line.deliver(count, hasten);
  }

  // Several updates that are stored together, if they arrive together.
  burst(client, { line, arriving, count, isCut }) {
    this.exchange(client, { line });
    this.update(client);
    this.hurt(client, { place: count });
    this.update(client);
    if (!line) return;
    line.arrive(arriving);
    line.deliver(count);
    if (isCut) line.cut();
  }

  exchange(_, { line }) {
    if (!line) return;
    line.arrive();
    line.deliver();
  }

  cut(_, { line, arriving }) {
    if (line) line.cut(arriving);
  }

  restart() {
    this.server.restart();
  }

  role(client, { role }) {
    this.server.changeRole(PEOPLE[this.clients.indexOf(client)], role);
  }

  async pass(_, { milliseconds }) {
    await this.world.pass(milliseconds);
  }

  async hide() {
    await this.world.shows("hidden");
  }

  // Everything arrives, everybody is back, and all is as it should be.
  async quiet() {
    await this.world.shows("visible");
    for (let round = 0; round < 60 && !this.isQuiet; round += 1) {
      for (const line of this.server.lines) {
        line.arrive();
        line.deliver();
      }
      await this.world.pass(round < 30 ? 100 : 2_000);
    }
    this.clients.forEach((client, number) => {
      const role = this.server.people[PEOPLE[number]];
      assert.equal(client.status, "open");
      assert.equal(client.role, role);
      assert.deepEqual(client.confirmed, this.server.seenBy(role), `${PEOPLE[number]} has another state`);
      assert.equal(client.state, client.confirmed);
    });
    this.check();
  }

  get isQuiet() {
    return (
      this.clients.every((client) => client.status === "open" && client.state === client.confirmed) &&
      this.server.lines.every((line) => line.connectionId && line.isQuiet) &&
      this.asked.every(({ outcome }) => outcome !== "pending")
    );
  }

  check() {
    for (const [mark, times] of this.server.applied) {
      const own = this.asked.filter((entry) => entry.mark === mark);
      const stored = own.filter(({ outcome }) => outcome === "stored").length;
      const unknown = own.filter(({ outcome }) => outcome === "unknown-outcome").length;
      if (own.length) assert.ok(stored <= times && times <= stored + unknown, `${mark}: ${times} times, ${JSON.stringify(own)}`);
    }
    for (const { mark, outcome, version } of this.asked) {
      assert.notEqual(outcome, "pending", mark);
      if (outcome !== "stored") continue;
      assert.ok(mark === null || this.server.applied.has(mark), `${mark} was not stored`);
      assert.ok(version <= this.server.version);
    }
  }
}

test(`whatever happens, all ends well (${SEQUENCES} sequences, seed ${SEED})`, { timeout: 3_600_000 }, async () => {
  const sequence = fc.array(step, { minLength: 5, maxLength: 60, size: "max" });
  const property = fc.asyncProperty(sequence, async (steps) => {
    const play = new Play();
    for (const client of play.clients) client.connect().catch(() => {});
    await play.world.pass(0);
    for (const one of steps) await play.do(one);
    await play.quiet();
    for (const client of play.clients) client.close();
  });
  await fc.assert(property, { numRuns: SEQUENCES, seed: SEED });
});
