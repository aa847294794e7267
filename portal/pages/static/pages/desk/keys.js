// The keys of the desk. None counts while somebody types, and single letters can be switched off.
import { forget, keep, read } from "../store.js";
import { isTyping, one } from "./dom.js";
import { redo, undo } from "./history.js";
import { desk } from "./model.js";

const OFF = "portal-desk-no-letters";
const help = one("#keys");
const letters = help.querySelector("input");

const KEYS = {
  ArrowRight: () => desk.step(1),
  " ": () => desk.step(1),
  ArrowLeft: () => desk.step(-1),
};
const LETTERS = {
  z: (event) => (event.shiftKey ? redo() : undo()),
  b: () => desk.toggleBlackout(),
  "/": () => one("[data-find]").focus(),
  "?": () => help.togglePopover(),
};

letters.checked = read(OFF) === null;
letters.addEventListener("change", () => (letters.checked ? forget(OFF) : keep(OFF, "1")));

// With Ctrl or Command, as everywhere else.
const COMMANDS = { z: LETTERS.z, y: () => redo() };

function isSharing() {
  return one("#sharing").matches(":popover-open");
}

document.addEventListener("keydown", (/** @type {any} */ event) => {
  if (event.defaultPrevented || event.altKey || isTyping(event.target)) return;
  const isCommand = event.ctrlKey || event.metaKey;
  const known = isCommand ? COMMANDS : letters.checked ? { ...KEYS, ...LETTERS } : KEYS;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Controls have a use of their own for the arrows and Space, and what is shared scrolls with them
  const isTaken = event.target.closest(key === " " ? "button, a, summary, input" : "[role=tab], input") || isSharing();
  if ((Object.hasOwn(KEYS, key) && isTaken) || !Object.hasOwn(known, key)) return;
  if (event.repeat && key === "b") return;
  event.preventDefault();
  known[key](event);
});
