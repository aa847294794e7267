// What was asked to be stored and is not yet in the confirmed state, in its order.
import { PortalError } from "./error.js";
import { changesOf } from "./fold.js";
import { forecast } from "./forecast.js";
import { promised } from "./promised.js";

export const MOST_WAITING = 100;
const CAMERA_EVERY = 100; // milliseconds
const REMEMBERED = 540000; // milliseconds; the server remembers an update for ten minutes
const ID_OF_RECORD = ["_id", "Id", "slug", "key"]; // the server makes the id of an item from these

// `owner` is the client.
export class Updates {
  constructor(world, owner) {
    this._world = world;
    this._owner = owner;
    this._entries = [];
    this._camera = null; // the entry of a camera that was not sent, if it is the last one
    this._cameraAt = 0;
  }

  get size() {
    return this._entries.length;
  }

  // The state with all that waits on top.
  on(state) {
    if (!state || !this._entries.length) return state;
    if (this._below !== state) {
      this._below = state;
      this._state = this._entries.reduce((before, { message, itemIds }) => forecast(before, message, itemIds), state);
    }
    return this._state;
  }

  // The promise of the version that holds it.
  add(message) {
    this._letGo();
    this._camera = null;
    return this._enter(message, false).promise;
  }

  // At most ten a second; the newest takes the place of one that waits.
  setCamera(camera) {
    const message = copied({ type: "portal-view-update", payload: { camera } });
    if (this._camera) {
      this._camera.message = message;
      this._below = null;
      return this._camera.promise;
    }
    const wait = Math.min(CAMERA_EVERY, this._cameraAt + CAMERA_EVERY - this._world.Date.now());
    const entry = this._enter(message, true);
    if (!this._entries.includes(entry)) return entry.promise;
    this._camera = entry;
    if (wait > 0) this._world.setTimeout(() => entry === this._camera && this._letGo(), wait);
    else this._letGo();
    return entry.promise;
  }

  // A connection has begun, in which the confirmed state is whole: `subject` is who it is now.
  begin() {
    const { subject } = this._owner;
    const tooOld = this._world.Date.now() - REMEMBERED;
    for (const entry of this._entries.slice()) {
      if (entry.version !== undefined) this._resolve(entry);
      else if (entry.sentAt !== undefined && (entry.subjectId !== subject.id || entry.sentAt < tooOld)) {
        this._refuse(entry, unknown());
      }
    }
  }

  // Send all that this connection has not sent.
  flush() {
    this._entries.slice().forEach((entry) => this._transmit(entry));
  }

  // Whether the answer is to one of these.
  answer(message) {
    const entry = this._entries.find(({ ref }) => ref === message.ref);
    if (!entry) return false;
    if (message.type === "ack") entry.version = message.version;
    else this._refuse(entry, new PortalError(message.code, message.message, message));
    return true;
  }

  // The confirmed state has this version.
  reach(version) {
    for (const entry of this._entries.slice()) if (entry.version <= version) this._resolve(entry);
  }

  // Nothing is sent any more.
  end(error) {
    for (const entry of this._entries.slice()) {
      if (entry.version !== undefined) this._resolve(entry);
      else this._refuse(entry, entry.sentAt === undefined ? error : unknown());
    }
  }

  _enter(message, isHeld) {
    const entry = { ...promised(), ref: this._owner._nextRef(), isHeld };
    const { status } = this._owner;
    entry.message = copied(message);
    entry.itemIds = namedItems(entry.message);
    if (status === "closed") this._refuse(entry, new PortalError("not-connected", "The client is not connected."));
    else if (status !== "open" && this.size >= MOST_WAITING) {
      this._refuse(entry, new PortalError("queue-full", `${MOST_WAITING} updates are waiting for the connection.`));
    } else {
      this._entries.push(entry);
      this._below = null;
      this._transmit(entry);
    }
    return entry;
  }

  _letGo() {
    if (!this._camera) return;
    this._camera.isHeld = false;
    this._transmit(this._camera);
  }

  _transmit(entry) {
    const { status, connectionId, subject } = this._owner;
    if (entry.isHeld || status !== "open") return;
    const now = this._world.Date.now();
    const isRetry = entry.sentAt !== undefined;
    if (!isRetry) Object.assign(entry, { sentAt: now, connectionId, subjectId: subject.id });
    if (entry === this._camera) {
      this._camera = null;
      this._cameraAt = now;
    }
    const again = isRetry ? { retry: true, connectionId: entry.connectionId } : {};
    this._owner._transmit({ ...entry.message, ref: entry.ref, ...again });
  }

  _resolve(entry) {
    this._leave(entry);
    entry.resolve(entry.version);
  }

  _refuse(entry, error) {
    this._leave(entry);
    entry.reject(error);
    this._owner._refused(error, entry.message);
  }

  _leave(entry) {
    this._entries = this._entries.filter((other) => other !== entry);
    this._below = null;
    if (entry === this._camera) this._camera = null;
  }
}

function unknown() {
  return new PortalError("unknown-outcome", "It is not known whether the server has stored this: look at the state.");
}

// As it is sent, whatever the caller does with it later.
function copied(message) {
  return JSON.parse(JSON.stringify(message));
}

// Give an id to each item that has none, so that it can be changed before it is stored. The ids of the added items.
function namedItems(message) {
  const added = changesOf(message).filter(({ type }) => type === "item-add");
  return added.map((change) => {
    const item = change.payload;
    if (item.id !== undefined && item.id !== null) return item.id;
    const id = randomId();
    if (!ID_OF_RECORD.some((key) => key in item)) item.id = id;
    return id;
  });
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => `0${byte.toString(16)}`.slice(-2)).join("");
}
