// What an audience sees, drawn into one element and sized by it: the page of a screen uses it, and the desk's preview.
//
//   import { Stage } from "./stage.js";
//   const client = new PortalClient({ …, as: "viewer" });   // from "../client/portal-client.min.js"
//   const stage = new Stage(element, client);               // the element of the template pages/_stage.html
//   client.connect();
//
// Its look is in stage-view.css. Its sentences are in the element's data attributes.

export class Stage {
  // `options.admit` is awaited before a picture of this site is asked for, and again after one did not come.
  // `options.canLook` lets people look closer for themselves: pinch, drag, wheel.
  constructor(element, client, options) {
    this.element = element;
    this.client = client;
    this.options = options || {};
  }

  // What is shown of the picture: {x, y, zoom, rotation}; the controllers' camera, or one's own look.
  get camera() {
    return { x: 0.5, y: 0.5, zoom: 1, rotation: 0 };
  }

  // Show another part of the picture here alone, at once; null is the controllers' camera again.
  look(camera) {}

  // The place in the current picture under a point of the window: {itemId, x, y}, or null beside it.
  placeAt(clientX, clientY) {
    return null;
  }

  // Stop drawing. The client is the owner's to close.
  close() {}
}
