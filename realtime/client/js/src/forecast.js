// What the state will be once a message that waits is stored, as far as a client knows: the server has the last word.
import { appliedOwn, changesOf, patched, placeOf } from "./fold.js";

// The state with the changes of one message; `itemIds` are those of the items that it adds, in their order.
export function forecast(state, message, itemIds) {
  const ids = itemIds.slice();
  return changesOf(message).reduce((before, change) => one(before, change, ids), state);
}

function one(before, change, ids) {
  if (change.type === "encounter-next") return turned(before, 1);
  if (change.type === "encounter-previous") return turned(before, -1);
  if (change.type === "item-add" && placeOf(before.items, ids[0]) >= 0) {
    ids.shift(); // it was stored before the connection was lost, and is sent again
    return before;
  }
  return settled(before, appliedOwn(before, change, ids), change.payload || {});
}

// What is current stays current, and another current item begins without a camera if the portal view says so.
function settled(before, after, payload) {
  let id = after.currentItemId;
  if ("currentItem" in payload && !("currentItemId" in payload)) id = (after.items[payload.currentItem] || {}).id;
  const place = id === null || id === undefined ? -1 : placeOf(after.items, id);
  const current = place < 0 ? { currentItem: null, currentItemId: null } : { currentItem: place, currentItemId: id };
  const isAnother = current.currentItemId !== before.currentItemId;
  if (isAnother && after.autoResetImageState && !("camera" in payload)) current.camera = null;
  const others = Object.keys(current).filter((key) => current[key] !== after[key]);
  return patched(after, current, others);
}

function turned(state, step) {
  const { encounter } = state;
  if (!encounter || !encounter.order.length) return state;
  const { order, round } = encounter;
  const place = order.findIndex(({ itemId }) => itemId === encounter.turn);
  if (place < 0) return step < 0 ? state : withTurn(state, order[0], 1);
  const next = place + step;
  if (next === order.length) return withTurn(state, order[0], round + 1);
  if (next >= 0) return withTurn(state, order[next], round);
  return round > 1 ? withTurn(state, order[order.length - 1], round - 1) : state;
}

function withTurn(state, { itemId }, round) {
  return { ...state, encounter: { ...state.encounter, turn: itemId, round } };
}
