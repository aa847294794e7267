// One portal view with its people, each behind a line of its own, and what they ask. What must hold is in `check`.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { PortalClient } from "../world.js";
import { Proxy } from "./proxy.js";

const PATIENCE = 120_000;
const FIGHTERS = ["ogre", "mage", "imp"];

export class Table {
  // `given` is {url, portalViewId, libraryId, editorId, tokens: {owner, editor, viewer}}.
  constructor(given, random) {
    Object.assign(this, given);
    this.random = random;
    this.asked = [];
    this.names = []; // as an observer saw them, who is near the server
    this.marks = 0;
    this.turns = 0;
  }

  async begin() {
    const { owner, editor, viewer } = this.tokens;
    this.proxies = await Promise.all([owner, editor, viewer].map(() => new Proxy(this.url, this.random).listen()));
    this.people = [owner, editor, viewer].map((token, place) => {
      const encoding = place % 2 ? "msgpack" : "json";
      return this.client(this.proxies[place].url, token, encoding);
    });
    this.observer = this.client(this.url, owner, "json");
    this.observer.addEventListener("confirmed", ({ detail: { name } }) => {
      if (name !== this.names[this.names.length - 1]) this.names.push(name);
    });
    await Promise.all([...this.people, this.observer].map((one) => one.connect()));
    const items = FIGHTERS.map((id) => ({ id, name: id, hp: 9 }));
    const order = FIGHTERS.map((itemId, place) => ({ itemId, initiative: 9 - place }));
    await this.observer.update({ items, encounter: { round: 1, turn: FIGHTERS[0], order } });
  }

  end() {
    for (const one of [...this.people, this.observer, ...this.proxies]) one.close();
  }

  client(url, token, encoding) {
    return new PortalClient({ url, portalViewId: this.portalViewId, getCredential: () => ({ token }), encoding });
  }

  // Steps

  async step() {
    const steps = [
      ...["rename", "rename", "hurt", "hurt", "add", "remove", "move", "turn", "batch", "camera"],
      ...["cut", "freeze", "thaw", "delay", "role", "rest", "rest"],
    ];
    const place = this.upTo(3);
    await this[steps[this.upTo(steps.length)]](this.people[place], this.proxies[place]);
  }

  rename(client) {
    const name = `name ${this.mark()}`;
    this.ask({ name }, client.update({ name }));
  }

  hurt(client) {
    this.ask({}, client.updateItem(this.itemOf(client), { hp: this.mark() }));
  }

  add(client) {
    const id = `item-${this.mark()}`;
    this.ask({ added: id }, client.addItem({ id, name: id }, this.random() < 0.5 ? 0 : undefined));
  }

  remove(client) {
    const id = this.itemOf(client);
    if (!FIGHTERS.includes(id)) this.ask({ removed: id }, client.removeItem(id));
  }

  move(client) {
    this.ask({}, client.moveItem(this.itemOf(client), this.upTo(3)));
  }

  turn(client) {
    this.ask({ turns: 1 }, client.nextTurn());
  }

  batch(client) {
    const [id, name] = [`item-${this.mark()}`, `name ${this.mark()}`];
    const changes = [
      { type: "item-add", payload: { id, name: id } },
      { type: "portal-view-update", payload: { name } },
    ];
    this.ask({ added: id, name }, client.batch(changes));
  }

  camera(client) {
    for (let times = 0; times < 3; times += 1) {
      this.ask({}, client.setCamera({ x: this.random(), y: 0.5, zoom: 2, rotation: 0 }));
    }
  }

  cut(_, proxy) {
    proxy.cut();
  }

  freeze(_, proxy) {
    proxy.freeze();
  }

  thaw(_, proxy) {
    proxy.thaw();
  }

  delay(_, proxy) {
    proxy.delay = this.upTo(40);
  }

  async role() {
    await this.setRole(this.random() < 0.5 ? "VIEWER" : "EDITOR");
  }

  async rest() {
    await sleep(this.upTo(60));
  }

  // What is asked, and how it ends

  ask(what, promise) {
    const entry = { ...what, outcome: "pending" };
    this.asked.push(entry);
    promise.then(
      () => (entry.outcome = "stored"),
      (error) => (entry.outcome = error.code),
    );
  }

  // Everything passes again, everybody is back, and all must have settled.
  async quiet() {
    for (const proxy of this.proxies) {
      proxy.thaw();
      proxy.delay = 0;
    }
    const end = Date.now() + PATIENCE;
    for (;;) {
      try {
        await this.check();
        break;
      } catch (error) {
        if (Date.now() > end) throw error;
        await sleep(50);
      }
    }
    this.asked = [];
  }

  async check() {
    for (const entry of this.asked) assert.notEqual(entry.outcome, "pending", JSON.stringify(entry));
    const tokens = Object.values(this.tokens);
    for (const [place, client] of this.people.entries()) {
      assert.equal(client.status, "open");
      assert.equal(client.state, client.confirmed);
      const fresh = this.client(this.url, tokens[place], "json");
      await fresh.connect();
      fresh.close();
      const { updatedAt, ...wanted } = fresh.state;
      const { updatedAt: _, ...found } = client.state;
      assert.deepEqual(found, wanted);
      assert.equal(client.role, fresh.role);
    }
    this.checkOnce();
  }

  checkOnce() {
    assert.equal(new Set(this.names).size, this.names.length, `a name came twice: ${this.names}`);
    const { items, encounter } = this.observer.state;
    const ids = items.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { added, outcome } of this.asked) {
      if (!added || outcome === "unknown-outcome") continue;
      const mayBeGone = this.asked.some(({ removed }) => removed === added);
      if (outcome !== "stored") assert.ok(!ids.includes(added), `${added} was refused (${outcome}), and is there`);
      else assert.ok(mayBeGone || ids.includes(added), `${added} was stored, and is not there`);
    }
    const turns = this.asked.filter(({ turns }) => turns);
    const stored = turns.filter(({ outcome }) => outcome === "stored").length;
    const unknown = turns.filter(({ outcome }) => outcome === "unknown-outcome").length;
    const now = (encounter.round - 1) * FIGHTERS.length + FIGHTERS.indexOf(encounter.turn);
    assert.ok(this.turns + stored <= now && now <= this.turns + stored + unknown, `${now} turns, from ${this.turns}`);
    this.turns = now;
  }

  // Helpers

  upTo(most) {
    return Math.floor(this.random() * most);
  }

  mark() {
    this.marks += 1;
    return this.marks;
  }

  itemOf(client) {
    const items = client.state.items.filter(({ id }) => id);
    return items.length ? items[this.upTo(items.length)].id : "nobody";
  }

  async setRole(role) {
    const headers = { Authorization: `Bearer ${this.tokens.owner}`, "Content-Type": "application/json" };
    const path = `${this.url}/api/libraries/${this.libraryId}/members/${this.editorId}`;
    try {
      const answer = await fetch(path, { method: "PATCH", headers, body: JSON.stringify({ role }) });
      if (!answer.ok && answer.status !== 503) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the server is away: the role stays
    }
  }
}
