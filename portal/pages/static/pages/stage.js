// What an audience sees, drawn into one element and sized by it: the page of a screen uses it, and the desk's preview.
//
//   // PortalClient is that of ../client/portal-client.min.js
//   // Stage is what this module exports
//   const client = new PortalClient({ url, portalViewId, getCredential, as: "viewer" });
//   const stage = new Stage(element, client); // the element of the template pages/_stage.html
//   client.connect();
//
// Its look is in stage-view.css. Its sentences are in the element's data attributes.
import { WHOLE } from "./camera.js";
import { drawAnew, filled, make } from "./elements.js";
import { Gestures } from "./gestures.js";
import { Cards, inOrder, isCreature, roomFor, stack, Status } from "./stage-cards.js";
import { Details } from "./stage-details.js";
import { writeName } from "./stage-names.js";
import { replacedBy } from "./replaced.js";
import { isAddress, Picture } from "./stage-picture.js";
import { Reading } from "./stage-reading.js";

const BLACK = 400;
const RING = 1500;
const INVITATION = 120000;
const LEAST_PICTURE = 0.2; // of the height, if the stage is upright
const MOST_PICTURE = 0.6;
const MOST_TITLE = 0.5; // of a wide stage's height, with details; without them it takes what it needs
const WIDE = 0.9; // a stage is wide if its width is at least so many times its height
const TEXT_WIDTH = 390; // at which an upright stage has text of the usual size
const NARROW = 14; // em: an upright stage with large text on a small phone
const LARGE_TEXT = 1.2; // of a note on a wide stage, if all of it is seen then

export class Stage {
  // `options.admit(isAgain)` is awaited before a picture of this site is asked for, and again after one did not come.
  // `options.canLook` lets people look closer for themselves: pinch, drag, double tap, wheel, keys.
  constructor(element, client, options) {
    const { admit, canLook } = { admit: () => Promise.resolve(), canLook: false, ...options };
    this.element = element;
    this.client = client;
    this.texts = element.dataset;
    this.site = { admit, isOurs: (address) => isBelow(address, this.texts.images) };
    this.own = null; // the camera of somebody who looks closer
    this.shown = null; // the item whose name stands there
    this._build();
    this.picture = new Picture(this.frame, this.site, () => this._isStill());
    this.listeners = {
      state: () => this.draw(),
      message: ({ detail }) => this._hear(detail),
    };
    for (const type of Object.keys(this.listeners)) client.addEventListener(type, this.listeners[type]);
    this.resized = new ResizeObserver(() => this._fit());
    this.resized.observe(element);
    this.titled = new ResizeObserver(() => this._follow());
    this.titled.observe(this.live);
    if (canLook) this._letLook();
    this._fit();
    this.draw();
  }

  _build() {
    this.frame = make("div", "stage-frame");
    this.title = make("div", "stage-title");
    this.live = make("div", "stage-live");
    this.live.setAttribute("aria-live", "polite");
    this.name = make("p", "stage-name");
    this.text = make("p", "stage-text");
    this.status = new Status(this.texts);
    this.details = new Details(this.texts);
    this.title.append(this.name, this.status.element, this.text, this.details.element);
    this.reading = new Reading(this.title, () => this._isStill());
    this.round = make("h2", "stage-round");
    this.encounter = new Cards(this.texts, this.site);
    this.encounter.element.classList.add("is-encounter");
    this.others = new Cards(this.texts, this.site);
    this.board = make("div", "stage-board");
    this.board.hidden = true; // until there is a name: nothing is pushed down by it
    this.live.append(this.title);
    this.rest = make("div", "stage-rest");
    this.rest.append(this.round, this.encounter.element, this.others.element);
    this.board.append(this.live, this.rest);
    this.nothing = make("p", "stage-nothing");
    this.invitation = make("div", "stage-invitation");
    this.invitation.hidden = true;
    this.curtain = make("div", "stage-curtain");
    this.back = make("button", "stage-pill stage-back", this.texts.back);
    this.back.type = "button";
    this.back.hidden = true;
    this.back.addEventListener("click", () => this.look(null));
    this.element.textContent = "";
    this.element.append(this.frame, this.board, this.nothing, this.invitation, this.curtain, this.back);
  }

  // Draw the state as it is now.
  draw() {
    const { state } = this.client;
    if (!state) return;
    clearTimeout(this.blackening);
    this.element.classList.toggle("is-black", state.blackout);
    if (!state.blackout) this._show(state);
    else if (this._isStill()) this._clear();
    else this.blackening = setTimeout(() => this._clear(), BLACK);
  }

  _clear() {
    this._show({ name: "", items: [], currentItem: null, camera: null, encounter: null });
  }

  _show(state) {
    const item = state.currentItem === null ? null : state.items[state.currentItem] || null;
    const address = item && isAddress(item.image) ? item.image : "";
    if (!item || !this.current || item.id !== this.current.id) this.look(null);
    this.current = item;
    this.wanted = { ...WHOLE, ...state.camera };
    const isSameItem = Boolean(item && this.shown && this.shown.id === item.id);
    if (this.shown && !state.items.some(({ id }) => id === this.shown.id)) {
      this.picture.drop(address); // it was hidden: it goes at once
      this._name(null, state);
    }
    if (isSameItem) this._name(item, state);
    const isNew = this.picture.wanted !== address;
    if (!isNew && !this.own) this.picture.look(this.wanted, true);
    this.picture.want(address, item ? String(item.alt || item.name || "") : "", () => {
      if (!this.own) this.picture.look(this.wanted, false);
      this._name(item, state);
    });
    this._list(state);
  }

  // What stands beside the picture.
  _name(item, state) {
    const isOther = (item && item.id) !== (this.shown && this.shown.id);
    this.shown = item;
    if (isOther) drawAnew(this.title);
    this.board.hidden = false;
    const text = item ? String(item.caption || item.text || "") : "";
    this.text.textContent = text;
    this.status.update(item);
    this.details.update(item);
    const isAlone = Boolean(item) && !isAddress(item.image);
    this.element.classList.toggle("is-note", isAlone);
    this.title.hidden = !nameOf(item) && !text && this.status.isEmpty && this.details.isEmpty;
    this.nothing.textContent = item ? "" : state.name;
    this.nothing.hidden = Boolean(item);
    this.element.classList.toggle("is-empty", !item);
    this._lay();
  }

  _list(state) {
    const order = inOrder(state);
    const room = this.isWide ? roomFor(this.shape) : order.length;
    this.encounter.update(order.slice(0, room), state.encounter && state.encounter.turn, order.length - room);
    if (this.element.classList.toggle("has-encounter", order.length > 0) !== this.hadEncounter) {
      this.hadEncounter = order.length > 0;
      if (!this.title.hidden) drawAnew(this.title);
      this._lay();
    }
    this.round.hidden = order.length === 0 || !state.encounter.round;
    if (!this.round.hidden) this.round.textContent = filled(this.texts.round, state.encounter);
    const known = new Set(order.map(({ id }) => id).concat(this.current ? [this.current.id] : []));
    const others = this.isWide ? [] : state.items.filter((item) => !known.has(item.id) && isCreature(item));
    this.others.update(others, null, 0);
    this.element.classList.toggle("has-cards", order.length + others.length > 0);
    this._placeCards();
  }

  _placeCards() {
    if (this.board.hidden) return;
    for (const cards of [this.encounter, this.others]) cards.place(this.isWide);
    this._follow();
  }

  _hear(message) {
    if (message.type === "pointer") this._point(message);
    if (message.type === "portal-view-updated" && message.version === undefined) this._invite(message.payload);
    for (const address of replacedBy(message)) {
      this.picture.renew(address);
      this.encounter.renew(address);
      this.others.renew(address);
    }
  }

  _point({ pointerId, itemId, x, y }) {
    if (this.current && this.current.id === itemId) this.picture.point(pointerId, x, y);
    this.encounter.point(itemId, RING);
    this.others.point(itemId, RING);
  }

  // A controller shows how to come here, too: {joinAt, joinCode, joinQr}, or an empty address for no more.
  _invite({ joinAt, joinCode, joinQr }) {
    if (typeof joinAt !== "string") return;
    clearTimeout(this.inviting);
    this.invitation.textContent = "";
    this.invitation.hidden = !joinAt;
    if (!joinAt) return;
    if (/^data:image\/svg\+xml/.test(joinQr)) {
      const img = make("img", "stage-qr");
      img.src = joinQr;
      img.alt = this.texts.scan;
      this.invitation.append(img);
    }
    const words = make("div", "stage-how");
    words.append(make("p", "", this.texts.join), make("p", "stage-address", joinAt));
    if (joinCode) words.append(make("p", "", this.texts.code), make("p", "stage-code", joinCode));
    this.invitation.append(words);
    this.inviting = setTimeout(() => this._invite({ joinAt: "" }), INVITATION);
  }

  // What is shown of the picture: {x, y, zoom, rotation}; the controllers' camera, or one's own look.
  get camera() {
    return this.own || this.wanted || WHOLE;
  }

  // Show another part of the picture here alone, at once; null is the controllers' camera again.
  look(camera) {
    if (!camera && !this.own) return;
    this.own = camera;
    this.element.classList.toggle("is-own", Boolean(camera));
    this.back.hidden = !camera || !this.canLook;
    this.picture.look(this.camera, !camera);
  }

  // The place in the current picture under a point of the window: {itemId, x, y}, or null beside it.
  placeAt(clientX, clientY) {
    const place = this.picture.placeAt(clientX, clientY);
    return place && this.current ? { itemId: this.current.id, ...place } : null;
  }

  // The box of camera.js, or null without a picture: for `Gestures` of the owner's.
  box() {
    return this.picture.box();
  }

  _letLook() {
    this.canLook = true;
    this.element.classList.add("can-look");
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "group");
    this.frame.setAttribute("aria-label", this.texts.look);
    this.gestures = new Gestures(this.frame, {
      box: () => this.box(),
      camera: () => this.camera,
      pans: () => Boolean(this.own),
      moved: (camera) => this.look(camera.zoom > 1 ? camera : null),
    });
  }

  // The element's size decides everything: text is 4 % of the height of a wide stage.
  _fit() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    const shape = width / height;
    const isWide = shape >= WIDE;
    const isOther = isWide !== this.isWide || roomFor(shape) !== roomFor(this.shape);
    this.shape = shape;
    this.isWide = isWide;
    this.element.classList.toggle("is-wide", isWide);
    this.element.classList.toggle("is-upright", !isWide);
    this.element.style.fontSize = isWide ? `${height / 25}px` : `${Math.max(1, width / TEXT_WIDTH / 1.2)}rem`;
    const em = parseFloat(getComputedStyle(this.element).fontSize);
    this.element.classList.toggle("is-narrow", !isWide && width < NARROW * em);
    this.board.tabIndex = isWide ? -1 : 0; // it scrolls
    this._lay();
    const { state } = this.client;
    if (isOther && state && !state.blackout) this._list(state);
  }

  // An upright stage has its picture on top, as high as it needs. The rest is moved by a transform, which is no shift.
  _lay() {
    const { clientWidth: width, clientHeight: whole } = this.element;
    const { layer } = this.picture;
    let top = 0;
    if (!this.isWide && layer) {
      const { naturalWidth, naturalHeight } = layer.img;
      const wanted = (width * naturalHeight) / (naturalWidth || width);
      top = Math.round(Math.min(MOST_PICTURE * whole, Math.max(LEAST_PICTURE * whole, wanted)));
    }
    this.frame.style.height = this.isWide ? "" : `${top}px`;
    this.board.style.height = this.isWide ? "" : `${whole - top}px`;
    this.board.style.transform = this.isWide ? "" : `translateY(${top}px)`;
    this.picture.place();
    writeName(this.name, nameOf(this.shown));
    this._fitText();
    this._placeCards();
  }

  // On an upright stage, what is below the title.
  _follow() {
    const { offsetTop, offsetHeight } = this.live;
    const parts = [this.round, this.encounter.element, this.others.element];
    if (this.isWide) for (const { style } of [this.rest, ...parts]) style.transform = "";
    else {
      this.rest.style.transform = `translateY(${offsetTop + offsetHeight}px)`;
      this.rest.style.height = `${stack(parts)}px`;
    }
  }

  // On a wide stage, a note that is too long turns its pages, and beside a picture, details that have no room are left out.
  _fitText() {
    const isNote = this.isWide && this.element.classList.contains("is-note");
    this.details.element.hidden = this.details.isEmpty;
    this.text.style.fontSize = isNote ? `${LARGE_TEXT}em` : "";
    const { scrollHeight, clientHeight } = this.title;
    if (isNote && scrollHeight > clientHeight) this.text.style.fontSize = "";
    if (this.isWide && !isNote && scrollHeight > MOST_TITLE * this.element.clientHeight) this.details.element.hidden = true;
    this.reading.follow(isNote);
  }

  _isStill() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  // Stop drawing. The client is the owner's to close.
  close() {
    for (const type of Object.keys(this.listeners)) this.client.removeEventListener(type, this.listeners[type]);
    this.resized.disconnect();
    this.titled.disconnect();
    clearTimeout(this.blackening);
    clearTimeout(this.inviting);
    if (this.gestures) this.gestures.close();
    this.reading.close();
    this.picture.close();
    this.element.textContent = "";
  }
}

function nameOf(item) {
  return item ? String(item.name || "") : "";
}

function isBelow(address, path) {
  try {
    const { origin, pathname } = new URL(address, location.href);
    return origin === location.origin && pathname.startsWith(path);
  } catch (error) {
    return false; // it is no address
  }
}
