// What all parts of the desk share: the two clients, what is chosen, what waits, and what was refused.
import { one } from "./dom.js";
import { PortalClient } from "../../client/portal-client.min.js";
import { said } from "../said.js";
import { backwards } from "./backwards.js";
import { keep, read } from "../store.js";
import { getTicket } from "../ticket.js";

const SHOWN_MILLISECONDS = 6_000;
const TELL_MILLISECONDS = 3_000;
const GESTURE_MILLISECONDS = 1_000;
const MOST_UNDONE = 100;

class Desk extends EventTarget {
  constructor(/** @type {any} */ root) {
    super();
    this.root = root;
    this.words = JSON.parse(root.dataset.words);
    this.csrf = root.querySelector("[name=csrfmiddlewaretoken]").value;
    /** @type {string | null} */
    this.selected = null;
    this.toldAt = 0;
    this.pending = new Set(); // {itemId, key}
    this.failures = new Map(); // by place: {itemId, key, before, after, sentence, retry}
    /** @type {any[]} */
    this.done = []; // what can be undone, the newest last: {what, before, after, at}, with the whole states
    /** @type {any[]} */
    this.undone = []; // what can be done again
    this.images = new URL(`${root.dataset.base}images/`, location.href);
    const options = {
      url: new URL(root.dataset.base, location.href).href,
      portalViewId: root.dataset.view,
      getCredential: () => getTicket({ address: root.dataset.tickets, portalViewId: root.dataset.view, csrf: this.csrf }),
    };
    this.client = new PortalClient(options);
    this.viewer = new PortalClient({ ...options, as: "viewer" });
    for (const type of ["state", "status", "role", "presence"]) {
      this.client.addEventListener(type, () => this.draw());
      this.viewer.addEventListener(type, () => this.draw());
    }
  }

  start() {
    for (const client of [this.client, this.viewer]) client.connect().catch(() => this.draw()); // the line says why
    this.draw();
  }

  get state() {
    return this.client.state;
  }

  get items() {
    return this.state ? this.state.items : [];
  }

  /** @returns {any} the item with that id, as it is stored with one's own changes */
  item(id = this.selected) {
    return this.items.find((item) => item.id === id) ?? null;
  }

  /** The item as viewers get it, or null. @returns {any} */
  seen(id = this.selected) {
    return this.viewer.state?.items.find((item) => item.id === id) ?? null;
  }

  /** A sentence, with `{name}` filled in. @param {string} key @param {Record<string, any>} [values] @returns {string} */
  t(key, values = {}) {
    return this.words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  /** A sentence that counts. @param {string} key @param {number} n */
  count(key, n) {
    return this.t(key + (n === 1 ? "One" : "Many"), { n: n.toLocaleString(document.documentElement.lang) });
  }

  draw() {
    this.dispatchEvent(new Event("draw"));
  }

  select(/** @type {string | null} */ id) {
    if (id === this.selected) return;
    this.selected = id;
    this.toldAt = 0;
    this.dispatchEvent(new Event("select"));
    this.draw();
  }

  /**
   * Do something that is stored: it is shown at once, waits while the line is down, and says if it was refused.
   * @param {{itemId?: string | null, key: string, before?: any, after?: any}} what where an error stands
   * @param {() => Promise<any>} run
   * @param {any[] | null} [past] where it is noted how to take it back, if this is an undo or a redo
   */
  async change(what, run, past = null) {
    const place = placeOf(what.itemId, what.key);
    this.failures.delete(place);
    this.pending.add(what);
    const before = this.state;
    const promise = run();
    const entry = this.note(what, before, past);
    this.draw();
    try {
      await promise;
    } catch (error) {
      this.done = this.done.filter((one) => one !== entry);
      this.undone = this.undone.filter((one) => one !== entry);
      this.fail(place, what, error, run);
    }
    this.pending.delete(what);
    this.draw();
  }

  // How to take a change back. The samples of one gesture are one change.
  note(/** @type {any} */ what, /** @type {any} */ before, /** @type {any[] | null} */ past) {
    const after = this.state;
    if (!before || !backwards(before, after, after).length) return null;
    const last = this.done.at(-1);
    const entry = { what, before, after, at: Date.now() };
    if (!past) this.undone.length = 0;
    if (!past && last?.what === what && entry.at - last.at < GESTURE_MILLISECONDS) return Object.assign(last, { after, at: entry.at });
    const stack = past ?? this.done;
    stack.push(entry);
    if (stack.length > MOST_UNDONE) stack.shift();
    return entry;
  }

  /** @param {string} place @param {any} what @param {any} error @param {() => Promise<any>} run */
  fail(place, what, error, run) {
    const failure = { ...what, sentence: said(error), retry: () => this.change(what, run) };
    this.failures.set(place, failure);
    this.dispatchEvent(new CustomEvent("failed", { detail: failure }));
    const end = () => {
      if (this.failures.get(place) !== failure) return;
      if (document.activeElement?.closest(".failure")) return void setTimeout(end, 1_000);
      this.failures.delete(place);
      this.draw();
    };
    setTimeout(end, SHOWN_MILLISECONDS);
  }

  /** @param {string | null | undefined} itemId @param {string} key */
  failure(itemId, key) {
    return this.failures.get(placeOf(itemId, key)) ?? null;
  }

  /** One of an item, under whatever key. @param {string} itemId */
  anyFailure(itemId) {
    return [...this.failures.values()].find((failure) => failure.itemId === itemId) ?? null;
  }

  /** How many changes wait for the line, of one item or of all. @param {string} [itemId] */
  waiting(itemId) {
    if (this.client.status === "open") return 0;
    return [...this.pending].filter((what) => itemId === undefined || what.itemId === itemId).length;
  }

  /** @param {any} item @param {string} key @param {any} patch @param {any} [after] */
  patch(item, key, patch, after = patch[key]) {
    this.change({ itemId: item.id, key, before: item[key], after }, () => this.client.updateItem(item.id, patch));
  }

  /** @param {Record<string, any>} patch @param {string} key */
  patchView(patch, key = Object.keys(patch)[0]) {
    this.change({ itemId: null, key, before: this.state[key], after: patch[key] }, () => this.client.update(patch));
  }

  // Tell the other controllers that somebody writes at the chosen item; the server passes on the newest.
  tellEditing() {
    if (Date.now() - this.toldAt < TELL_MILLISECONDS) return;
    this.toldAt = Date.now();
    this.client.send({ type: "activity", state: "editing", target: this.selected }).catch(() => {}); // it is only news
  }

  // Put an item on screen; one that is hidden is revealed with it.
  show(/** @type {any} */ item) {
    const current = { type: "portal-view-update", payload: { currentItemId: item.id } };
    const reveal = { type: "item-update", itemId: item.id, payload: { visible: true } };
    const changes = item.visible === false ? [reveal, current] : [current];
    this.change({ itemId: item.id, key: "show" }, () => this.client.batch(changes));
    keep(this.memory("has-shown"), "1");
  }

  reveal(/** @type {any} */ item, /** @type {boolean} */ visible) {
    this.patch(item, "visible", { visible });
  }

  // What viewers may see, before or after what is on screen: hidden items are never shown by a step.
  neighbour(/** @type {number} */ step) {
    const { items } = this;
    const at = items.findIndex((item) => item.id === this.state.currentItemId);
    const from = at < 0 && step < 0 ? items.length : at;
    for (let place = from + step; place >= 0 && place < items.length; place += step) {
      if (items[place].visible !== false) return items[place];
    }
    return null;
  }

  step(/** @type {number} */ by) {
    const item = this.state && this.neighbour(by);
    if (item) this.show(item);
  }

  toggleBlackout() {
    if (this.state) this.patchView({ blackout: !this.state.blackout });
  }

  /** The small file of a picture, or null. @param {any} item */
  thumbnail(item) {
    const image = addressOf(item);
    if (!image) return null;
    const address = new URL(image, location.href);
    const isOurs = address.origin === location.origin && address.pathname.startsWith(this.images.pathname);
    return isOurs && !address.search ? `${address.href}?size=256` : image;
  }

  /** Where this browser keeps something about this portal view. @param {string} what */
  memory(what) {
    return `portal-desk-${what}-${this.root.dataset.view}`;
  }

  /** @param {string} what */
  remembers(what) {
    return read(this.memory(what)) !== null;
  }
}

/** @param {string | null | undefined} itemId @param {string} key */
function placeOf(itemId, key) {
  return JSON.stringify([itemId ?? null, key]);
}

const PICTURES = ["image", "thumbnail", "img", "portrait", "avatar", "picture", "photo", "artwork", "imageUrl", "img_main"];

/** The address of an item's picture, or null. @param {any} item @returns {string | null} */
export function addressOf(item) {
  const found = PICTURES.map((key) => item?.[key]).find(
    (value) => typeof value === "string" && /^(https?:\/\/|\/(?!\/)|data:image\/)/.test(value),
  );
  return found && URL.canParse(found, location.href) ? found : null;
}

export const desk = new Desk(one("#desk"));

/** A part of the desk: `build` makes it once, `draw` writes what is new. */
export class Part extends HTMLElement {
  connectedCallback() {
    this.build();
    desk.addEventListener("draw", () => this.draw());
  }

  build() {}

  draw() {}
}
