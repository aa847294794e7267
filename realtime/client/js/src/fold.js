// The confirmed state, folded from what one client sends and receives: docs/protocol.md, "How to fold". No input or
// output in here. States and items are never changed in place, so an old one can be compared with a new one by `===`.
import { READ_ONLY_KEYS, STORED } from "./tables.js";

const BESIDE = ["currentItem", "currentItemId", "camera", "encounter"];

export class Fold {
  constructor() {
    this.role = null;
    this.state = null;
    this.version = 0;
    this.epoch = null;
    this._sent = new Map(); // messages without an answer, by ref
    this._held = []; // acks whose turn has not come
    this._isConnected = false;
    this._isByAck = false;
  }

  // Note a message of this client: its ack changes the state, unless the message is sent again.
  send(message) {
    if (STORED.includes(message.type) && !message.retry) this._sent.set(message.ref, message);
  }

  // Take a message of the server.
  receive(message) {
    switch (message.type) {
      case "connected":
      case "role-changed":
        this._isConnected = true;
        this._held = [];
        this.role = message.role;
        this.epoch = message.epoch;
        this._reach(message.version, false, message.state || this.state);
        break;
      case "ack":
        this._acknowledge(message);
        break;
      case "error":
        this._sent.delete(message.ref);
        break;
      case "sync-response":
        if (message.source === "server" && message.version >= this.version) {
          this._reach(message.version, this._isByAck, message.payload);
        }
        break;
      default:
        if (this.state && message.version > this.version) {
          this._reach(message.version, false, applied(this.state, message));
          this._release();
        }
    }
  }

  // The connection is lost: the version and the epoch to come back with, or null to ask for the whole state.
  disconnect() {
    if (this._isByAck && this._sent.size) this.epoch = null; // the state may be amid a version
    this._isConnected = false;
    this._sent.clear();
    this._held = [];
    return this.epoch === null ? null : { version: this.version, epoch: this.epoch };
  }

  _acknowledge(ack) {
    const own = this._sent.get(ack.ref);
    this._sent.delete(ack.ref);
    if (!own || !this._isConnected || this.role !== "controller") return;
    this._held.push({ own, ack });
    this._release();
  }

  _release() {
    while (this._held.length && this._held[0].ack.version <= this.version + 1) {
      const { own, ack } = this._held.shift();
      if (ack.version > this.version || (ack.version === this.version && this._isByAck)) {
        this._reach(ack.version, true, acknowledged(this.state, own, ack));
      }
    }
  }

  _reach(version, isByAck, state) {
    this.version = version;
    this._isByAck = isByAck;
    this.state = state.version === version ? state : { ...state, version };
  }
}

// The state after a message of the server.
function applied(state, message) {
  const { type, payload, itemId, index } = message;
  let next = state;
  if (type === "batch-applied") next = message.changes.reduce(applied, state);
  else if (type === "portal-view-updated") next = patched(state, payload);
  else if (type === "item-added") next = inserted(state, message.item, index);
  else if (type === "item-removed") next = withItems(state, without(state.items, itemId));
  else if (type === "item-moved") next = moved(state, itemId, index);
  else if (type === "item-updated") next = merged(state, payload.itemId, payload);
  return patched(next, message, BESIDE);
}

// The state after a message of this client and what the server made of it.
function acknowledged(state, own, ack) {
  const beyond = ack.payload || {};
  const itemIds = (ack.itemIds || [ack.itemId]).slice();
  const next = changesOf(own).reduce((before, change) => appliedOwn(before, change, itemIds), state);
  return patched((beyond.changes || []).reduce(applied, next), beyond);
}

export function changesOf(own) {
  return own.type === "batch" ? own.changes : [own];
}

// The state after one change as this client sent it; `itemIds` are those of the items that are added, in their order.
export function appliedOwn(state, own, itemIds) {
  const payload = own.payload || {};
  switch (own.type) {
    case "portal-view-update":
      return patched(
        state,
        payload,
        Object.keys(payload).filter((key) => !READ_ONLY_KEYS.includes(key)),
      );
    case "item-update":
      return merged(state, own.itemId === undefined ? payload.itemId : own.itemId, payload);
    case "item-add":
      return inserted(state, { ...payload, id: itemIds.shift() }, own.index);
    case "item-remove":
      return withItems(state, without(state.items, own.itemId));
    case "item-move":
      return moved(state, own.itemId, own.index);
    default:
      return state;
  }
}

// Set keys of the state; others are commands, and no part of it.
export function patched(state, payload, keys = Object.keys(payload)) {
  const mine = keys.filter((key) => has(payload, key) && has(state, key));
  if (!mine.length) return state;
  const next = { ...state };
  for (const key of mine) next[key] = payload[key];
  return next;
}

// An item that was just sent can have an integer as id, or none.
export function placeOf(items, itemId) {
  return items.findIndex(({ id }) => id !== undefined && id !== null && String(id) === String(itemId));
}

function merged(state, itemId, payload) {
  const place = placeOf(state.items, itemId);
  if (place < 0) return state;
  const item = { ...state.items[place] };
  for (const key of Object.keys(payload)) {
    if (key === "itemId" || key === "id") continue;
    if (payload[key] === null) delete item[key];
    else item[key] = payload[key];
  }
  const items = state.items.slice();
  items[place] = item;
  return withItems(state, items);
}

function inserted(state, item, index) {
  const items = state.items.slice();
  items.splice(index === undefined || index === null ? items.length : index, 0, item);
  return withItems(state, items);
}

function moved(state, itemId, index) {
  const place = placeOf(state.items, itemId);
  return place < 0 ? state : inserted(withItems(state, without(state.items, itemId)), state.items[place], index);
}

function without(items, itemId) {
  const place = placeOf(items, itemId);
  return items.filter((_, at) => at !== place);
}

function withItems(state, items) {
  return { ...state, items };
}

function has(object, key) {
  return Object.prototype.hasOwnProperty.call(object, key);
}
