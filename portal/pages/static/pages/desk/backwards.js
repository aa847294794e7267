// The changes that take one's own change back. No input or output in here: states are those of the client, as they were.

/**
 * What one change of mine made different, turned round: changes of the protocol, for one batch. What somebody has
 * changed since stays as it is, so there may be none.
 * @param {any} before the state before it
 * @param {any} after the state after it
 * @param {any} now the state to which they will be applied
 * @returns {any[]}
 */
export function backwards(before, after, now) {
  const items = [...returned(before, after, now), ...withdrawn(before, after, now), ...patches(before, after, now), ...moves(before, after, now)];
  const ids = new Set(now.items.map(({ id }) => id));
  for (const { type, payload, itemId } of items) {
    if (type === "item-add") ids.add(payload.id);
    if (type === "item-remove") ids.delete(itemId);
  }
  const view = viewPatch(before, after, now, ids);
  return Object.keys(view).length ? [...items, { type: "portal-view-update", payload: view }] : items;
}

function returned(before, after, now) {
  const gone = before.items.filter(({ id }) => !itemOf(after, id) && !itemOf(now, id));
  return gone.map((item, added) => {
    const index = Math.min(before.items.indexOf(item), now.items.length + added);
    return { type: "item-add", payload: item, index };
  });
}

function withdrawn(before, after, now) {
  const isShownSince = ({ id }) => now.currentItemId === id && after.currentItemId !== id;
  const isMine = (item) => !itemOf(before, item.id) && same(itemOf(now, item.id), item) && !isShownSince(item);
  const mine = after.items.filter(isMine);
  return mine.map(({ id }) => ({ type: "item-remove", itemId: id }));
}

function patches(before, after, now) {
  return after.items.flatMap((item) => {
    const [old, present] = [itemOf(before, item.id), itemOf(now, item.id)];
    if (!old || !present || old === item) return [];
    const payload = keysBack(old, item, present, [...new Set([...Object.keys(old), ...Object.keys(item)])]);
    for (const key of Object.keys(payload)) payload[key] ??= null; // a key that was not there
    return Object.keys(payload).length ? [{ type: "item-update", itemId: item.id, payload }] : [];
  });
}

function moves(before, after, now) {
  const [old, mine, present] = [before, after, now].map(({ items }) => items.map(({ id }) => id));
  if (old.length !== mine.length || same(old, mine) || !same(mine, present)) return [];
  const moved = mine.find((id) => same(without(old, id), without(mine, id)));
  return moved === undefined ? [] : [{ type: "item-move", itemId: moved, index: old.indexOf(moved) }];
}

const NOT_STORED_ALONE = ["items", "version", "currentItem", "encounter"];

function viewPatch(before, after, now, ids) {
  const keys = Object.keys(after).filter((key) => !NOT_STORED_ALONE.includes(key));
  const patch = keysBack(before, after, now, keys);
  const current = patch.currentItemId;
  if (current && !ids.has(current)) delete patch.currentItemId;
  if ("currentItemId" in patch) patch.camera = before.camera;
  else if (before.currentItemId !== after.currentItemId) delete patch.camera; // it belongs to what is not shown again
  const encounter = encounterBack(before.encounter, after.encounter, now.encounter, ids);
  return encounter === undefined ? patch : { ...patch, encounter };
}

// The encounter with my change taken back; undefined if nothing is.
function encounterBack(before, after, now, ids) {
  if (same(before, after)) return undefined;
  if (same(after, now)) return before && { ...before, order: before.order.filter(({ itemId }) => ids.has(itemId)) };
  if (!before || !after || !now) return undefined;
  const order = now.order.filter((turn) => has(before.order, turn) || !has(after.order, turn));
  before.order.forEach((turn, place) => {
    const isMissing = !has(after.order, turn) && !has(order, turn) && ids.has(turn.itemId);
    if (isMissing) order.splice(Math.min(place, order.length), 0, turn);
  });
  const next = { ...now, ...keysBack(before, after, now, ["turn", "round"]), order };
  if (!order.some(({ itemId }) => itemId === next.turn)) next.turn = now.turn;
  return same(next, now) ? undefined : next;
}

function has(order, { itemId }) {
  return order.some((turn) => turn.itemId === itemId);
}

// Of the keys that my change made different, those that nobody has changed since, with the values of before.
function keysBack(before, after, now, keys) {
  const mine = keys.filter((key) => !same(before[key], after[key]) && same(after[key], now[key]));
  return Object.fromEntries(mine.map((key) => [key, before[key]]));
}

function itemOf(state, id) {
  return state.items.find((item) => item.id === id);
}

function without(ids, id) {
  return ids.filter((other) => other !== id);
}

// Whether two values of JSON are the same; the order of keys tells nothing.
function same(one, other) {
  if (one === other) return true;
  if (!one || !other || typeof one !== "object" || typeof other !== "object") return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => key in other && same(one[key], other[key]));
}
