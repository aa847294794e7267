// Where a camera puts a picture: docs/protocol.md, "The camera". Lengths are pixels of the page.
//
// A box is the place for the picture and the picture's own shape: {left, top, width, height, pictureWidth,
// pictureHeight}. A point is of the window, as in `clientX` and `clientY`.

export const WHOLE = { x: 0.5, y: 0.5, zoom: 1, rotation: 0 };
const MOST_ZOOM = 16;

// The size of the whole picture in its box.
export function fitted(box) {
  const scale = Math.min(box.width / box.pictureWidth, box.height / box.pictureHeight);
  return { width: box.pictureWidth * scale, height: box.pictureHeight * scale };
}

// The transform of a picture of that size whose left upper corner is in the middle of the box.
export function transformOf({ x, y, zoom, rotation }) {
  return `rotate(${rotation || 0}deg) scale(${zoom}) translate(${-100 * x}%, ${-100 * y}%)`;
}

// The place in the picture, from 0 to 1 in both directions if it is in it.
export function placeAt(box, camera, clientX, clientY) {
  const [dx, dy] = turned(box, camera, clientX, clientY);
  const { width, height } = fitted(box);
  return { x: camera.x + dx / width, y: camera.y + dy / height };
}

// The camera with that zoom that has the place under the point.
export function withPlaceAt(box, camera, zoom, place, clientX, clientY) {
  const wanted = Math.min(MOST_ZOOM, Math.max(1, zoom));
  const [dx, dy] = turned(box, { ...camera, zoom: wanted }, clientX, clientY);
  const { width, height } = fitted(box);
  return { ...camera, zoom: wanted, x: held(place.x - dx / width), y: held(place.y - dy / height) };
}

// From the middle of the box to the point, in the directions and the size of the whole picture.
function turned(box, camera, clientX, clientY) {
  const dx = (clientX - box.left - box.width / 2) / camera.zoom;
  const dy = (clientY - box.top - box.height / 2) / camera.zoom;
  const angle = (-(camera.rotation || 0) * Math.PI) / 180;
  return [dx * Math.cos(angle) - dy * Math.sin(angle), dx * Math.sin(angle) + dy * Math.cos(angle)];
}

function held(value) {
  return Math.min(1, Math.max(0, value));
}
