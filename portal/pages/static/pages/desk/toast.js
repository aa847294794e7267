// One sentence for what has no place of its own, with one thing to do about it.
import { h, one } from "./dom.js";
import { desk } from "./model.js";

const region = one("#toast");
let ends = 0;

/** @param {string} sentence @param {string} word @param {() => void} act @param {number} milliseconds */
export function toast(sentence, word, act, milliseconds) {
  clearTimeout(ends);
  const close = () => {
    clearTimeout(ends);
    region.replaceChildren();
  };
  const button = h("button", {
    type: "button",
    text: word,
    onclick: () => {
      close();
      act();
    },
  });
  region.replaceChildren(h("span", { text: sentence }), button);
  ends = setTimeout(close, milliseconds);
}

const UNDO_MILLISECONDS = 10_000;

/** Delete an item at once; for a while it can be brought back as it was. @param {any} item */
export function removeItem(item) {
  const before = desk.state;
  const place = before.items.findIndex(({ id }) => id === item.id);
  desk.select(null);
  desk.change({ itemId: item.id, key: "remove" }, () => desk.client.removeItem(item.id));
  const undo = () => desk.change({ itemId: item.id, key: "remove" }, () => desk.client.batch(returned(before, item, place)));
  toast(desk.t("deleted", { name: item.name ?? desk.t("noName") }), desk.t("undo"), undo, UNDO_MILLISECONDS);
}

// The changes that put it back to its place: in the list, on screen, and in the encounter.
function returned(before, item, place) {
  const { items, encounter } = desk.state;
  /** @type {any[]} */
  const changes = [{ type: "item-add", payload: item, index: Math.min(place, items.length) }];
  const patch = {};
  if (before.currentItemId === item.id && desk.state.currentItemId === null) {
    Object.assign(patch, { currentItemId: item.id, camera: before.camera });
  }
  const turns = before.encounter?.order ?? [];
  const turn = turns.findIndex(({ itemId }) => itemId === item.id);
  if (turn >= 0 && encounter) {
    const order = [...encounter.order];
    order.splice(Math.min(turn, order.length), 0, turns[turn]);
    const hadTurn = before.encounter.turn === item.id;
    patch.encounter = { ...encounter, order, ...(hadTurn ? { turn: item.id, round: before.encounter.round } : {}) };
  }
  if (Object.keys(patch).length) changes.push({ type: "portal-view-update", payload: patch });
  return changes;
}

// A change that was refused and has no place to say so: a new item, or one of the whole portal view.
desk.addEventListener("failed", (/** @type {any} */ { detail: failure }) => {
  if (desk.item(failure.itemId ?? null)) return;
  toast(`${desk.t("notStored")} ${failure.sentence}`, desk.t("retry"), failure.retry, UNDO_MILLISECONDS);
});
