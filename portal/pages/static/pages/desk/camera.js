// The hand on the preview: what the controller pans and zooms there is what the screens show; and pointers.
import { addressOf, desk } from "./model.js";

const WHOLE = { x: 0.5, y: 0.5, zoom: 1, rotation: 0 };
const MOST_ZOOM = 20;
const STEP = 1.5;
const HOLD_MILLISECONDS = 500;
const STILL_PIXELS = 8;
const SETTLED_MILLISECONDS = 400;

export class CameraHand {
  /** @param {HTMLElement} frame @param {any} stage */
  constructor(frame, stage) {
    this.frame = frame;
    this.stage = stage;
    this.size = null; // of the picture, {address, width, height}
    this.touches = new Map(); // by pointer: {x, y}
    this.wanted = null; // the camera of a gesture
    this.letGo = 0;
    frame.addEventListener("pointerdown", (event) => this.down(event));
    frame.addEventListener("pointermove", (event) => this.moved(event));
    for (const type of ["pointerup", "pointercancel"]) frame.addEventListener(type, (event) => this.up(event));
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    frame.addEventListener("contextmenu", (event) => this.canMove && event.preventDefault()); // a long press
    desk.addEventListener("draw", () => this.measure());
  }

  /** The item on screen, as viewers have it. */
  get item() {
    const { state } = desk.viewer;
    return (state && state.items[state.currentItem]) ?? null;
  }

  get canMove() {
    return Boolean(this.item && this.size && this.size.width);
  }

  get camera() {
    return this.wanted ?? { ...WHOLE, ...desk.state?.camera };
  }

  // The size of the picture, once it is known; the stage has it in the browser's cache.
  measure() {
    const address = addressOf(this.item);
    if ((this.size?.address ?? null) === address) return;
    this.size = address && { address, width: 0, height: 0 };
    if (!address) return;
    const { size } = this;
    const picture = new Image();
    picture.referrerPolicy = "no-referrer";
    picture.onload = () => {
      size.width = picture.naturalWidth;
      size.height = picture.naturalHeight;
      desk.draw();
    };
    picture.src = address;
  }

  // How far a vector of the window leads in the picture, in fractions of its sides.
  inPicture(dx, dy, camera) {
    const scale = camera.zoom * Math.min(this.frame.clientWidth / this.size.width, this.frame.clientHeight / this.size.height);
    const turn = (-camera.rotation * Math.PI) / 180;
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    return [(dx * cos - dy * sin) / (this.size.width * scale), (dx * sin + dy * cos) / (this.size.height * scale)];
  }

  set(camera) {
    if (!this.canMove) return;
    const zoom = Math.min(MOST_ZOOM, Math.max(1, camera.zoom));
    const within = (value) => Math.min(1, Math.max(0, value));
    this.wanted = { ...camera, zoom, x: within(camera.x), y: within(camera.y) };
    if (zoom === 1 && !camera.rotation) this.wanted = { ...WHOLE };
    this.stage.look(this.wanted);
    const stored = zoom === 1 && !camera.rotation ? null : this.wanted;
    const promise = desk.client.setCamera(stored);
    clearTimeout(this.letGo);
    promise
      .catch((error) => desk.fail(JSON.stringify([null, "camera"]), { itemId: null, key: "camera" }, error, () => desk.client.setCamera(stored)))
      .finally(() => this.settle());
    desk.draw();
  }

  // The screens' camera again, once it has arrived there.
  settle() {
    clearTimeout(this.letGo);
    this.letGo = setTimeout(() => {
      if (this.touches.size) return this.settle();
      this.wanted = null;
      this.stage.look(null);
      desk.draw();
    }, SETTLED_MILLISECONDS);
  }

  whole() {
    this.set({ ...WHOLE });
  }

  zoom(by, clientX, clientY) {
    if (!this.canMove) return;
    const { camera } = this;
    const zoom = Math.min(MOST_ZOOM, Math.max(1, camera.zoom * (by > 0 ? STEP ** by : 1 / STEP ** -by)));
    this.set(this.around(camera, zoom, clientX, clientY));
  }

  // The camera with another zoom, and the same place of the picture under that point of the window.
  around(camera, zoom, clientX, clientY) {
    if (clientX === undefined) return { ...camera, zoom };
    const box = this.frame.getBoundingClientRect();
    const middle = [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
    const [beforeX, beforeY] = this.inPicture(...middle, camera);
    const [afterX, afterY] = this.inPicture(...middle, { ...camera, zoom });
    return { ...camera, zoom, x: camera.x + beforeX - afterX, y: camera.y + beforeY - afterY };
  }

  // A part of the frame to the side.
  move(right, down) {
    if (!this.canMove) return;
    const { camera } = this;
    const [x, y] = this.inPicture((right * this.frame.clientWidth) / 4, (down * this.frame.clientHeight) / 4, camera);
    this.set({ ...camera, x: camera.x + x, y: camera.y + y });
  }

  wheel(event) {
    if (!this.canMove) return;
    event.preventDefault();
    this.zoom(-event.deltaY / 240, event.clientX, event.clientY);
  }

  down(event) {
    if (!this.canMove || event.button !== 0) return;
    this.frame.setPointerCapture(event.pointerId);
    this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.start = { x: event.clientX, y: event.clientY };
    clearTimeout(this.hold);
    this.isPointing = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (this.isPointing) this.point(event.clientX, event.clientY);
    else if (this.touches.size === 1) this.hold = setTimeout(() => this.held(event), HOLD_MILLISECONDS);
  }

  held({ clientX, clientY }) {
    this.isPointing = true;
    this.point(clientX, clientY);
  }

  moved(event) {
    const before = this.touches.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (this.isPointing) return this.point(now.x, now.y);
    if (Math.hypot(now.x - this.start.x, now.y - this.start.y) > STILL_PIXELS) clearTimeout(this.hold);
    else if (this.touches.size === 1) return;
    const others = [...this.touches].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.touches.set(event.pointerId, now);
    const { camera } = this;
    if (!others.length) return this.drag(camera, now.x - before.x, now.y - before.y);
    const [other] = others;
    const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    this.set(this.around(camera, Math.min(MOST_ZOOM, Math.max(1, camera.zoom * factor)), (now.x + other.x) / 2, (now.y + other.y) / 2));
  }

  drag(camera, dx, dy) {
    if (camera.zoom <= 1) return;
    const [x, y] = this.inPicture(dx, dy, camera);
    this.set({ ...camera, x: camera.x - x, y: camera.y - y });
  }

  up(event) {
    clearTimeout(this.hold);
    this.touches.delete(event.pointerId);
    if (!this.touches.size) this.isPointing = false;
  }

  // A ring on all screens; what cannot be sent now is not worth sending later.
  point(clientX, clientY) {
    const place = this.stage.placeAt(clientX, clientY);
    if (place) desk.client.send({ type: "pointer", ...place }).catch(() => {});
  }
}
