// Names that have no room are shortened in the middle: those of several creatures of a kind differ at the end.
import { make } from "./elements.js";

const ALMOST = 0.5; // of a line: letters may be higher than their line

// Write a name into an element whose overflow is hidden. Who reads by ear gets all of it.
export function writeName(element, name) {
  element.textContent = name;
  if (hasRoom(element)) return;
  const letters = Array.from(name);
  let [few, many] = [1, letters.length];
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    element.textContent = shortened(letters, middle);
    if (hasRoom(element)) few = middle;
    else many = middle;
  }
  const seen = make("span", "", shortened(letters, few));
  seen.setAttribute("aria-hidden", "true");
  element.textContent = "";
  element.append(seen, make("span", "for-readers", name));
}

// So many letters of a name: its end, from the beginning of a word if there is one, and the rest from its beginning.
function shortened(letters, kept) {
  const half = Math.floor(kept / 2);
  const isWord = (at) => letters[at - 1] === " " && letters.length - at <= half;
  const word = letters.findIndex((_, at) => isWord(at));
  const from = word < 0 ? letters.length - half : word;
  const head = letters.slice(0, kept - (letters.length - from)).join("").trim();
  return `${head}…${word < 0 ? "" : " "}${letters.slice(from).join("")}`;
}

function hasRoom(element) {
  const { scrollHeight, clientHeight, scrollWidth, clientWidth } = element;
  const line = ALMOST * parseFloat(getComputedStyle(element).fontSize);
  return scrollHeight < clientHeight + line && scrollWidth <= clientWidth + 1;
}
