// One sentence for what has no place of its own, with at most one thing to do about it.
import { h, one } from "./dom.js";
import { desk } from "./model.js";

const region = one("#toast");
let ends = 0;

const ACT_MILLISECONDS = 10_000;

/** @param {string} sentence @param {string} [word] @param {() => void} [act] */
export function toast(sentence, word, act) {
  clearTimeout(ends);
  const close = () => {
    clearTimeout(ends);
    region.replaceChildren();
  };
  const run = () => {
    close();
    act();
  };
  region.replaceChildren(h("span", { text: sentence }));
  if (word) region.append(h("button", { type: "button", text: word, onclick: run }));
  ends = setTimeout(close, ACT_MILLISECONDS);
}

// A change that was refused and has no place to say so: a new item, or one of the whole portal view that is not in sight.
desk.addEventListener("failed", (/** @type {any} */ { detail: failure }) => {
  const place = failure.itemId ? null : one(`.failure[data-key="${CSS.escape(failure.key)}"]`);
  if (desk.item(failure.itemId ?? null) || place?.parentElement.offsetParent) return;
  toast(`${desk.t("notStored")} ${failure.sentence}`, desk.t("retry"), failure.retry);
});
