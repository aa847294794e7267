// The picture on the stage: loaded before it is shown, cross-faded, moved by the camera, with the rings of pointers.
import { fitted, placeAt, transformOf, WHOLE } from "./camera.js";
import { load, whole } from "./replaced.js";

const FADE = 250;
const RING = 1500;
const PATIENCE = 5000; // the picture before is kept so long for one that is on its way
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60000;

// Whether text is an address that can be asked for a picture.
export function isAddress(text) {
  return typeof text === "string" && /^(https?:\/\/|\/(?!\/)|data:image\/)/.test(text);
}

export class Picture {
  // `frame` is the element for it. `site` is {isOurs(address), admit(isAgain)}; `still()` says that nothing may move.
  constructor(frame, site, still) {
    this.frame = frame;
    this.site = site;
    this.still = still;
    this.wanted = ""; // the address
    this.layer = null; // what is shown: {element, img, camera}
    this.camera = WHOLE;
    this.rings = new Map();
    this.timers = new Set();
  }

  // Show a picture, or none for "". Calls `done` when what is shown may be named: the picture is there, or not to come.
  want(address, alt, done) {
    this.alt = alt;
    this.done = done;
    if (address !== this.wanted) {
      this._stopWaiting();
      this.wanted = address;
      this.isLoading = Boolean(address);
      if (address) this._begin();
      else this._put(null);
    }
    if (this.layer && this.layer.address === address) this.layer.img.alt = alt;
    if (!this.isLoading) done();
  }

  // Another picture has taken the place of the one at that address: show it once it is there.
  renew(address) {
    if (!this.wanted || whole(this.wanted) !== address) return;
    this._stopWaiting();
    this.isLoading = true;
    this._begin();
  }

  _begin() {
    this.request = { address: this.wanted };
    this._load(this.request, 0);
  }

  // Remove what is shown, unless it is the picture at that address.
  drop(address) {
    if (this.layer && this.layer.address !== address) this._put(null);
  }

  async _load(request, failures) {
    const { address } = request;
    const isOurs = this.site.isOurs(address);
    const img = new Image();
    img.referrerPolicy = "no-referrer";
    img.className = "stage-picture";
    img.draggable = false;
    if (failures === 0) this._later(PATIENCE, () => this._giveUp());
    try {
      if (isOurs) await this.site.admit(failures > 0);
      if (this._isOver(request)) return;
      await load(img, address);
    } catch (error) {
      if (this._isOver(request)) return;
      this._giveUp();
      if (!isOurs) return;
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * Math.pow(2, failures)) * (0.5 + Math.random() / 2);
      this._later(wait, () => this._load(request, failures + 1));
      return;
    }
    if (this._isOver(request)) return;
    this._stopWaiting();
    img.alt = this.alt;
    this._put({ address, img, element: document.createElement("div"), camera: null });
    this._finish();
  }

  // Another picture is wanted by now.
  _isOver(request) {
    return request !== this.request || request.address !== this.wanted;
  }

  // Nothing is shown in place of a picture that does not come.
  _giveUp() {
    this.drop(this.wanted);
    this._finish();
  }

  _finish() {
    if (!this.isLoading) return;
    this.isLoading = false;
    this.done();
  }

  // Put another layer in place of the one that is shown.
  _put(layer) {
    const before = this.layer;
    this.layer = layer;
    this.rings.clear();
    if (layer) {
      layer.camera = this.camera;
      layer.element.className = "stage-layer";
      layer.element.append(layer.img);
      this.frame.append(layer.element);
      this.place();
      if (before || !this.still()) layer.element.getBoundingClientRect(); // so that the fade has a beginning
      layer.element.classList.add("is-on");
    }
    if (!before) return;
    before.element.classList.remove("is-on");
    before.img.removeAttribute("alt");
    before.img.setAttribute("aria-hidden", "true");
    if (this.still()) before.element.remove();
    else setTimeout(() => before.element.remove(), FADE);
  }

  // Show what the camera says; `isEased` if it moves there.
  look(camera, isEased) {
    this.camera = camera;
    if (!this.layer || this.layer.address !== this.wanted) return; // another picture is still shown
    this.layer.camera = camera;
    this._move(isEased && !this.still());
  }

  // After the frame has another size.
  place() {
    if (!this.layer) return;
    const { width, height } = fitted(this.box());
    const { style } = this.layer.element;
    style.width = `${width}px`;
    style.height = `${height}px`;
    this._move(false);
  }

  // From the middle of the frame, by a transform: nothing shifts if the frame has another size.
  _move(isEased) {
    const { element, camera } = this.layer;
    const { clientWidth, clientHeight } = this.frame;
    element.classList.toggle("is-eased", isEased);
    element.style.transform = `translate(${clientWidth / 2}px, ${clientHeight / 2}px) ${transformOf(camera)}`;
    element.style.setProperty("--shrink", String(1 / camera.zoom));
  }

  // The box of camera.js, or null without a picture.
  box() {
    if (!this.layer) return null;
    const { left, top, width, height } = this.frame.getBoundingClientRect();
    const { naturalWidth, naturalHeight } = this.layer.img;
    return { left, top, width, height, pictureWidth: naturalWidth || width, pictureHeight: naturalHeight || height };
  }

  placeAt(clientX, clientY) {
    const box = this.box();
    const place = box && placeAt(box, this.layer.camera, clientX, clientY);
    return place && place.x >= 0 && place.x <= 1 && place.y >= 0 && place.y <= 1 ? place : null;
  }

  // A ring where somebody points, for a while after the last move.
  point(id, x, y) {
    if (!this.layer) return;
    let ring = this.rings.get(id);
    if (!ring) {
      ring = { element: document.createElement("span"), timer: 0 };
      ring.element.className = "stage-ring";
      this.layer.element.append(ring.element);
      this.rings.set(id, ring);
    }
    ring.element.style.left = `${100 * x}%`;
    ring.element.style.top = `${100 * y}%`;
    clearTimeout(ring.timer);
    ring.timer = setTimeout(() => {
      ring.element.remove();
      if (this.rings.get(id) === ring) this.rings.delete(id);
    }, RING);
  }

  close() {
    this.wanted = "";
    this._stopWaiting();
    this._put(null);
  }

  _later(milliseconds, act) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, milliseconds);
    this.timers.add(timer);
  }

  _stopWaiting() {
    this.timers.forEach(clearTimeout);
    this.timers.clear();
  }
}
