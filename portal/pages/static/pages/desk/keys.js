// The keys of the desk. None counts while somebody types, and single letters can be switched off.
import { forget, keep, read } from "../store.js";
import { isTyping, one } from "./dom.js";
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
  b: () => desk.toggleBlackout(),
  "/": () => one("[data-find]").focus(),
  "?": () => help.togglePopover(),
};

letters.checked = read(OFF) === null;
letters.addEventListener("change", () => (letters.checked ? forget(OFF) : keep(OFF, "1")));

document.addEventListener("keydown", (/** @type {any} */ event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const isPressed = event.key === " " && event.target.closest("button, a, summary, input, [role=tab]");
  const known = letters.checked ? { ...KEYS, ...LETTERS } : KEYS;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (isPressed || event.target.closest("[role=tab], input") || !Object.hasOwn(known, key)) return;
  if (event.repeat && key === "b") return;
  event.preventDefault();
  known[key]();
});
