// Pan and zoom by drag, pinch, wheel, double tap and keys, on one element.
//
// `hands.box()` is the box of camera.js, or null without a picture; `hands.camera()` the camera now. `hands.moved(camera)`
// is told each new one, and `hands.pans()` says whether a single finger moves the picture, or the page.
import { placeAt, WHOLE, withPlaceAt } from "./camera.js";

const TAP_ZOOM = 2.5;
const KEY_ZOOM = 1.25;
const KEY_STEP = 0.08;
const WHEEL = 0.0016;

export class Gestures {
  constructor(element, hands) {
    this.element = element;
    this.hands = hands;
    this.points = new Map();
    this.places = new Map();
    this.listeners = {
      pointerdown: (event) => this._down(event),
      pointermove: (event) => this._move(event),
      pointerup: (event) => this._up(event),
      pointercancel: (event) => this._up(event),
      wheel: (event) => this._wheel(event),
      dblclick: (event) => this._tapTwice(event),
      keydown: (event) => this._key(event),
    };
    for (const [type, listener] of Object.entries(this.listeners)) {
      element.addEventListener(type, listener, { passive: false });
    }
  }

  close() {
    for (const [type, listener] of Object.entries(this.listeners)) this.element.removeEventListener(type, listener);
  }

  _down(event) {
    if (event.button > 0 || !this.hands.box()) return;
    this.points.set(event.pointerId, event);
    this.element.setPointerCapture(event.pointerId);
    this._hold();
  }

  // Each finger holds the place that is under it.
  _hold() {
    const box = this.hands.box();
    const camera = this.hands.camera();
    this.places.clear();
    for (const [id, { clientX, clientY }] of this.points) this.places.set(id, placeAt(box, camera, clientX, clientY));
    this.start = { zoom: camera.zoom, distance: this._middle().distance };
  }

  _move(event) {
    const box = this.hands.box();
    if (!this.points.has(event.pointerId) || !box) return;
    this.points.set(event.pointerId, event);
    if (this.points.size < 2 && !this.hands.pans()) return;
    const { clientX, clientY, distance } = this._middle();
    const zoom = this.start.distance ? (this.start.zoom * distance) / this.start.distance : this.start.zoom;
    const places = Array.from(this.places.values()).slice(0, 2);
    const place = {
      x: places.reduce((sum, { x }) => sum + x, 0) / places.length,
      y: places.reduce((sum, { y }) => sum + y, 0) / places.length,
    };
    this.hands.moved(withPlaceAt(box, this.hands.camera(), zoom, place, clientX, clientY));
  }

  _up({ pointerId }) {
    if (!this.points.delete(pointerId)) return;
    if (this.points.size > 0 && this.hands.box()) this._hold();
  }

  // Of the first two fingers.
  _middle() {
    const [one, other = one] = Array.from(this.points.values());
    return {
      clientX: (one.clientX + other.clientX) / 2,
      clientY: (one.clientY + other.clientY) / 2,
      distance: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY),
    };
  }

  _wheel(event) {
    const box = this.hands.box();
    if (!box) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    this._zoomAt(box, this.hands.camera().zoom * Math.exp(-pixels * WHEEL), event.clientX, event.clientY);
  }

  _tapTwice(event) {
    const box = this.hands.box();
    if (!box) return;
    if (this.hands.camera().zoom > 1) this.hands.moved({ ...WHOLE, rotation: this.hands.camera().rotation });
    else this._zoomAt(box, TAP_ZOOM, event.clientX, event.clientY);
  }

  _key(event) {
    const box = this.hands.box();
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    const camera = this.hands.camera();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "+") this._zoomAt(box, camera.zoom * KEY_ZOOM, x, y);
    else if (event.key === "-") this._zoomAt(box, camera.zoom / KEY_ZOOM, x, y);
    else if (event.key in steps && camera.zoom > 1) {
      const [dx, dy] = steps[event.key].map((step) => step * KEY_STEP);
      const place = placeAt(box, camera, x + dx * box.width, y + dy * box.height);
      this.hands.moved(withPlaceAt(box, camera, camera.zoom, place, x, y));
    } else return;
    event.preventDefault();
  }

  _zoomAt(box, zoom, clientX, clientY) {
    const camera = this.hands.camera();
    this.hands.moved(withPlaceAt(box, camera, zoom, placeAt(box, camera, clientX, clientY), clientX, clientY));
  }
}
