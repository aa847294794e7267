// Undo and redo: one's own changes, as long as this page is open and nobody has changed the same since.
import { backwards } from "./backwards.js";
import { one } from "./dom.js";
import { desk, Part } from "./model.js";
import { toast } from "./toast.js";

export function undo() {
  takeBack(desk.done, desk.done.at(-1));
}

export function redo() {
  takeBack(desk.undone, desk.undone.at(-1));
}

/** Delete an item at once; for a while it can be brought back as it was. @param {any} item */
export function removeItem(item) {
  desk.select(null);
  desk.change({ itemId: item.id, key: "remove" }, () => desk.client.removeItem(item.id));
  const entry = desk.done.at(-1);
  toast(desk.t("deleted", { name: nameOf(item) }), desk.t("undo"), () => takeBack(desk.done, entry));
}

// Take a change back that is in one of the two lists, and note in the other how to do it again.
function takeBack(from, entry) {
  const place = from.indexOf(entry);
  if (place < 0) return;
  from.splice(place, 1);
  const isUndo = from === desk.done;
  const { what, before, after } = entry;
  const changes = backwards(before, after, desk.state);
  if (!changes.length) return toast(desk.t("changedSince"));
  const item = desk.item(what.itemId);
  desk.change({ itemId: what.itemId, key: what.key }, () => desk.client.batch(changes), isUndo ? desk.undone : desk.done);
  const name = nameOf(desk.item(what.itemId) ?? item);
  const sentence = what.itemId ? desk.t(isUndo ? "undoneOf" : "redoneOf", { name }) : desk.t(isUndo ? "undone" : "redone");
  toast(sentence, desk.t(isUndo ? "redo" : "undo"), isUndo ? redo : undo);
}

function nameOf(item) {
  return String(item?.name ?? desk.t("noName"));
}

class History extends Part {
  build() {
    this.undo = one("[data-undo]", this);
    this.redo = one("[data-redo]", this);
    this.undo.addEventListener("click", undo);
    this.redo.addEventListener("click", redo);
  }

  draw() {
    // Never `disabled`: a button that somebody presses again and again keeps the focus
    this.undo.setAttribute("aria-disabled", String(!desk.done.length));
    this.redo.setAttribute("aria-disabled", String(!desk.undone.length));
  }
}

customElements.define("desk-history", History);
