// The client of Portal. README.md says how to use it, docs/protocol.md what it does with the server.
import { PortalError } from "./src/error.js";
import { Fold } from "./src/fold.js";
import { Line } from "./src/line.js";
import { present } from "./src/presence.js";
import { promised } from "./src/promised.js";
import { STORED } from "./src/tables.js";
import { Updates } from "./src/updates.js";

export { PortalError };

const PROPERTIES = ["role", "subject", "version", "confirmed", "presence", "state"];

export class PortalClient extends EventTarget {
  // `options.world` stands for the global object, for tests.
  constructor(options) {
    super();
    const world = options.world || globalThis;
    this.subject = null;
    this.presence = null;
    this.connectionId = null;
    this._fold = new Fold();
    this._line = new Line(options, world, this);
    this._updates = new Updates(world, this);
    this._calls = new Map(); // what waits for an answer and is not stored, by ref
    this._refs = 0;
    this._refusals = [];
    this._told = {};
    this._opened = null; // the promise of connect(), with its ends
    for (const name of PROPERTIES) this._told[name] = this[name];
  }

  // "connecting", "open", "waiting" or "closed".
  get status() {
    return this._line.status;
  }

  // When the next attempt is made, or null. Times are those of Date.now().
  get nextAttemptAt() {
    return this._line.nextAttemptAt;
  }

  get lastMessageAt() {
    return this._line.lastMessageAt;
  }

  // Why the line is waiting or closed, or null.
  get error() {
    return this._line.error;
  }

  // A guest's own credential: the next client with it is the same guest.
  get guest() {
    return this._line.guest;
  }

  get role() {
    return this._fold.role;
  }

  get version() {
    return this._fold.version;
  }

  // The state of the server, exact after each message.
  get confirmed() {
    return this._fold.state;
  }

  // The same with my waiting changes on top.
  get state() {
    return this._updates.on(this._fold.state);
  }

  connect() {
    if (this.status === "closed") {
      this._opened = promised();
      this._line.open();
    }
    return this._opened.promise;
  }

  close() {
    this._line.close(new PortalError("closed", "The client was closed."));
  }

  // The next attempt at once, for a person who does not want to wait; not before the server allows it.
  tryNow() {
    this._line.wake();
  }

  update(patch) {
    return this._store({ type: "portal-view-update", payload: patch });
  }

  updateItem(itemId, patch) {
    return this._store({ type: "item-update", itemId, payload: patch });
  }

  addItem(item, index) {
    return this._store({ type: "item-add", payload: item, index });
  }

  removeItem(itemId) {
    return this._store({ type: "item-remove", itemId });
  }

  moveItem(itemId, index) {
    return this._store({ type: "item-move", itemId, index });
  }

  batch(changes) {
    return this._store({ type: "batch", changes });
  }

  nextTurn() {
    return this._store({ type: "encounter-next" });
  }

  previousTurn() {
    return this._store({ type: "encounter-previous" });
  }

  setCamera(camera) {
    return this._after(this._updates.setCamera(camera));
  }

  // A message that is not stored: it is sent now or never. The version of its ack.
  send(command) {
    const keys = command.type === "portal-view-update" ? Object.keys(command.payload) : [];
    const isCommand = keys.length > 0 && !keys.some((key) => this.confirmed && key in this.confirmed);
    if (!STORED.includes(command.type) || isCommand) return this._call(command);
    return refusal("invalid-message", "This message is stored: use a method like update().");
  }

  _store(message) {
    return this._after(this._updates.add(message));
  }

  _after(promise) {
    if (this.status === "waiting" && this.nextAttemptAt === null) this._line.wake();
    this._announce();
    return promise;
  }

  // For the updates

  _nextRef() {
    this._refs += 1;
    return this._refs;
  }

  _transmit(message) {
    this._fold.send(message);
    this._line.send(message);
  }

  _refused(error, message) {
    this._refusals.push({ error, message });
  }

  // For the line

  _call(message) {
    if (this.status !== "open") return refusal("not-connected", "The client is not connected: this was not sent.");
    const made = promised();
    const ref = this._nextRef();
    this._calls.set(ref, made);
    this._line.send({ ...message, ref });
    return made.promise;
  }

  _take(message) {
    const { role } = this;
    this._fold.receive(message);
    switch (message.type) {
      case "connected":
      case "role-changed":
        this.connectionId = message.connectionId || this.connectionId;
        this.subject = same(this.subject, message.subject || this.subject);
        if (role !== this.role) this.presence = null;
        this._updates.begin();
        break;
      case "ack":
      case "error":
        if (!this._updates.answer(message)) this._answer(message);
        break;
      case "presence":
        this.presence = present(this.presence, message);
    }
    this._updates.reach(this.version);
    this._announce();
    this._emit("message", message);
  }

  _lineChanged() {
    const { status, nextAttemptAt, lastMessageAt, error } = this;
    if (status === "open") {
      this._updates.flush();
      this._opened.resolve();
    }
    this._emit("status", { status, nextAttemptAt, lastMessageAt, error });
  }

  _lineLost() {
    this._fold.disconnect();
    const error = new PortalError("connection-lost", "The connection was lost.");
    for (const { reject } of this._calls.values()) reject(error);
    this._calls.clear();
  }

  _lineEnded(error) {
    this._updates.end(error);
    this._opened.reject(error);
    this._announce();
  }

  _comeBack() {
    return this._fold.disconnect() || {};
  }

  _hasWork() {
    return this._updates.size > 0;
  }

  _answer({ type, ref, version, code, message, details, retryAfter }) {
    const made = this._calls.get(ref);
    if (!made) return;
    this._calls.delete(ref);
    if (type === "ack") made.resolve(version);
    else made.reject(new PortalError(code, message, { details, retryAfter }));
  }

  // An event for each property that is another now, and then for what was refused.
  _announce() {
    for (const name of PROPERTIES) {
      const value = this[name];
      if (value === this._told[name]) continue;
      this._told[name] = value;
      this._emit(name, value);
    }
    for (const refused of this._refusals.splice(0)) this._emit("refused", refused);
  }

  _emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function refusal(code, sentence) {
  const made = promised();
  made.reject(new PortalError(code, sentence));
  return made.promise;
}

// The one before if it is the same person, so that it can be compared by `===`.
function same(before, { kind, id, name }) {
  const isSame = before && before.kind === kind && before.id === id && before.name === name;
  return isSame ? before : { kind, id, name };
}
