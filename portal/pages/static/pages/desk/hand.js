// The hand on the preview: what the controller pans and zooms there is what the screens show; and pointers.
import { placeAt, WHOLE, withPlaceAt } from "../camera.js";
import { Gestures } from "../gestures.js";
import { desk } from "./model.js";

const STEP = 1.5;
const PART = 0.25; // of the frame, that one press of an arrow moves
const HOLD_MILLISECONDS = 500;
const STILL_PIXELS = 8;
const SETTLED_MILLISECONDS = 400; // in which the last camera reaches the preview
const CAMERA = { itemId: null, key: "camera" }; // however many samples a gesture has, it is one change

export class Hand {
  /** @param {any} stage @param {string} label */
  constructor(stage, label) {
    this.stage = stage;
    this.wanted = null; // the camera of a gesture
    this.touches = new Set();
    const { frame } = stage;
    Object.assign(frame, { tabIndex: 0, role: "group", ariaLabel: label });
    // Before those of the gestures, which ask whether somebody points
    frame.addEventListener("pointerdown", (event) => this.down(event));
    frame.addEventListener("pointermove", (event) => this.moved(event));
    for (const type of ["pointerup", "pointercancel"]) frame.addEventListener(type, (event) => this.up(event));
    frame.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long press
    this.gestures = new Gestures(frame, {
      box: () => this.box,
      camera: () => this.camera,
      pans: () => !this.isPointing && this.camera.zoom > 1,
      moved: (camera) => this.set(camera),
    });
  }

  /** The box of camera.js, or null if there is no picture. */
  get box() {
    return this.stage.box();
  }

  get camera() {
    return this.wanted ?? { ...WHOLE, ...desk.state?.camera };
  }

  set(camera) {
    const isWhole = camera.zoom === 1 && !camera.rotation;
    this.wanted = isWhole ? WHOLE : camera;
    this.stage.look(this.wanted);
    const run = () => desk.client.setCamera(isWhole ? null : camera);
    desk.change(CAMERA, run).then(() => this.settle());
  }

  // What the screens show again, once the last camera has arrived there.
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
    this.set(WHOLE);
  }

  /** Zoom about the middle, by steps. @param {number} steps */
  zoom(steps) {
    const { box, camera } = this;
    if (box) this.set(withPlaceAt(box, camera, camera.zoom * STEP ** steps, camera, ...middleOf(box)));
  }

  /** Look at what is beside it. @param {number} right @param {number} down */
  move(right, down) {
    const { box, camera } = this;
    if (!box) return;
    const [x, y] = middleOf(box);
    const place = placeAt(box, camera, x + right * PART * box.width, y + down * PART * box.height);
    this.set(withPlaceAt(box, camera, camera.zoom, place, x, y));
  }

  down(event) {
    if (event.button !== 0) return;
    this.touches.add(event.pointerId);
    this.start = event;
    clearTimeout(this.hold);
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) this.point(event);
    else if (this.touches.size === 1) this.hold = setTimeout(() => this.point(event), HOLD_MILLISECONDS);
  }

  moved(event) {
    if (!this.touches.has(event.pointerId)) return;
    if (this.isPointing) this.point(event);
    else if (Math.hypot(event.clientX - this.start.clientX, event.clientY - this.start.clientY) > STILL_PIXELS) {
      clearTimeout(this.hold);
    }
  }

  up(event) {
    clearTimeout(this.hold);
    this.touches.delete(event.pointerId);
    if (!this.touches.size) this.isPointing = false;
  }

  // A ring on all screens. One that cannot be sent now is not worth sending later.
  point({ clientX, clientY }) {
    this.isPointing = true;
    const place = this.stage.placeAt(clientX, clientY);
    if (place) desk.client.send({ type: "pointer", ...place }).catch(() => {});
  }
}

function middleOf(box) {
  return [box.left + box.width / 2, box.top + box.height / 2];
}
