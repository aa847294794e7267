// A server of one portal view, as docs/protocol.md says, with lines that a test delays, freezes and cuts.
// It knows only the stored messages that the model test uses.

// What a test gives to no two messages, but for those without a payload.
export function markOf({ type, itemId, payload }) {
  const { name, hp, id } = payload || {};
  return [type, name || hp || id || itemId].join(" ");
}

const EPOCHS = { controller: "of controllers", viewer: "of viewers" };

export class Server {
  constructor(people) {
    this.people = people; // {id: role}
    this.items = ["ogre", "mage"].map((id) => ({ id, hp: 9, secret: "s" }));
    this.encounter = { round: 1, turn: "ogre", order: [{ itemId: "ogre" }, { itemId: "mage" }] };
    this.name = "";
    this.camera = null;
    this.version = 1;
    this.lines = [];
    this.receipts = new Map(); // {version, itemId} by connection and ref
    this.applied = new Map(); // how often, by mark
    this._connections = 0;
  }

  // The state as a role sees it: viewers get no secrets.
  seenBy(role) {
    const items = this.items.map((item) => (role === "viewer" ? seen(item) : item));
    const { name, camera, encounter, version } = this;
    return { name, items, encounter, currentItem: null, currentItemId: null, camera, version };
  }

  changeRole(person, role) {
    this.people[person] = role;
    for (const line of this.lines.filter((one) => one.person === person && one.connectionId)) {
      line.role = role;
      line.say({ type: "role-changed", role, version: this.version, epoch: EPOCHS[role], state: this.seenBy(role) });
    }
  }

  // The end of the process: all lines are lost, and what is stored stays.
  restart() {
    for (const line of this.lines.slice()) line.cut();
  }

  connect(line) {
    const role = this.people[line.person];
    this._connections += 1;
    const asked = new URL(line.address).searchParams;
    const recovered = asked.get("epoch") === EPOCHS[role] && Number(asked.get("version")) === this.version;
    Object.assign(line, { role, connectionId: `c${this._connections}` });
    const subject = { kind: "user", id: line.person, name: line.person };
    const rest = recovered ? {} : { state: this.seenBy(role) };
    const { version } = this;
    line.say({ type: "connected", role, subject, connectionId: line.connectionId, version, epoch: EPOCHS[role], recovered, ...rest });
  }

  // Messages that arrived together: those that are stored one after the other are stored as one version.
  take(line, messages) {
    let together = [];
    for (const message of messages) {
      const { type, ref, retry } = message;
      const isStored = type !== "ping" && line.role === "controller" && !retry;
      if (isStored) together.push(message);
      else {
        this._store(line, together);
        together = [];
        if (type === "ping") line.say({ type: "pong", timestamp: 0, reconnectWithin: 500 });
        else if (line.role !== "controller") this._refuse(line, ref, "forbidden");
        else this._storeAgain(line, message);
      }
    }
    this._store(line, together);
  }

  _storeAgain(line, message) {
    const kept = this.receipts.get(`${message.connectionId} ${message.ref}`);
    if (kept) line.say({ type: "ack", ref: message.ref, ...kept });
    else this._store(line, [message]);
  }

  _store(line, messages) {
    const done = messages.map((message) => ({ message, change: this[message.type](message) }));
    const stored = done.filter(({ change }) => change);
    if (stored.length) this.version += 1;
    const { version } = this;
    for (const other of this.lines) {
      if (!stored.length || !other.connectionId || (other === line && !messages[0].retry)) continue;
      const changes = stored.map(({ change }) => this._as(change, other.role));
      other.say({ ...(changes.length > 1 ? { type: "batch-applied", changes } : changes[0]), version });
    }
    for (const { message, change } of done) this._answer(line, message, change);
  }

  _answer(line, message, change) {
    const { ref, connectionId } = message;
    if (!change) {
      this._refuse(line, ref, "invalid-payload");
      return;
    }
    const kept = { version: this.version, ...(change.item ? { itemId: change.item.id } : {}) };
    this.receipts.set(`${connectionId || line.connectionId} ${ref}`, kept);
    this.applied.set(markOf(message), (this.applied.get(markOf(message)) || 0) + 1);
    line.say({ type: "ack", ref, ...kept, ...(change.beyond ? { payload: change.payload } : {}) });
  }

  _as(change, role) {
    const { beyond, ...message } = change;
    if (role !== "viewer" || !message.item) return message;
    return { ...message, item: seen(message.item) };
  }

  _refuse(line, ref, code) {
    line.say({ type: "error", ref, code, message: `${code}, says the server.` });
  }

  // What each message does, and what the others are told of it; nothing if it is refused

  "portal-view-update"({ payload }) {
    Object.assign(this, payload);
    return { type: "portal-view-updated", payload };
  }

  "item-update"({ itemId, payload }) {
    const index = this._place(itemId);
    if (index < 0) return null;
    this.items = this.items.map((item, place) => (place === index ? { ...item, ...payload } : item));
    return { type: "item-updated", payload: { itemId, ...payload }, index };
  }

  "item-add"({ payload, index }) {
    if (this._place(payload.id) >= 0) return null;
    const place = index === undefined ? this.items.length : index;
    if (place > this.items.length) return null;
    this.items = [...this.items.slice(0, place), payload, ...this.items.slice(place)];
    return { type: "item-added", item: payload, index: place };
  }

  "item-remove"({ itemId }) {
    if (this._place(itemId) < 0 || this.encounter.order.some((entry) => entry.itemId === itemId)) return null;
    this.items = this.items.filter(({ id }) => id !== itemId);
    return { type: "item-removed", itemId };
  }

  "encounter-next"() {
    const { round, turn, order } = this.encounter;
    const next = (order.findIndex(({ itemId }) => itemId === turn) + 1) % order.length;
    this.encounter = { round: next ? round : round + 1, turn: order[next].itemId, order };
    return { type: "portal-view-updated", payload: { encounter: this.encounter }, beyond: true };
  }

  _place(itemId) {
    return this.items.findIndex(({ id }) => id === itemId);
  }
}

// An item as viewers see it.
function seen({ secret, ...item }) {
  return item;
}
