// Which other controllers write now, and at which item (docs/protocol.md, "activity").
import { desk } from "./model.js";

const OVER_MILLISECONDS = 6_000; // without a repetition

const editors = new Map(); // by the person's id: {itemId, end}

desk.client.addEventListener("message", (/** @type {any} */ event) => {
  const { type, state, from, target } = event.detail;
  if (type !== "activity" || from === desk.client.subject.id) return;
  clearTimeout(editors.get(from)?.end);
  editors.delete(from);
  if (state === "editing") {
    const end = setTimeout(() => {
      editors.delete(from);
      desk.draw();
    }, OVER_MILLISECONDS);
    editors.set(from, { itemId: target ?? null, end });
  }
  desk.draw();
});

/** Who writes at an item, as a sentence; empty if nobody does. @param {string} itemId @returns {string} */
export function editorsOf(itemId) {
  const people = desk.client.presence?.controllers ?? [];
  const ids = [...editors.keys()].filter((id) => editors.get(id).itemId === itemId);
  const names = ids.map((id) => people.find((person) => person.id === id)?.name || desk.t("somebody"));
  return names.map((name) => desk.t("isEditing", { name })).join(" ");
}

/** What a person writes at: a sentence; empty if they do not write. @param {string} personId @returns {string} */
export function editedBy(personId) {
  const editor = editors.get(personId);
  if (!editor) return "";
  const item = desk.item(editor.itemId);
  return item ? desk.t("edits", { item: String(item.name ?? desk.t("noName")) }) : desk.t("editsSomething");
}
