// A change that was refused: what was wanted, what is there, and a way to try again.
import { h } from "./dom.js";
import { desk } from "./model.js";

const LONGEST = 60;

/** Keep the sentence of a failure in `box`, or nothing. @param {any} box @param {any} failure */
export function drawFailure(box, failure) {
  if (box.failure === failure) return;
  box.failure = failure;
  box.replaceChildren();
  box.hidden = !failure;
  if (!failure) return;
  const { before, after, sentence } = failure;
  const values = isPlain(after) ? desk.t("rolledBack", { after: short(after), before: short(before) }) : desk.t("notStored");
  box.append(
    h("span", { text: `${values} ${sentence}` }),
    h("button", { type: "button", class: "plain", text: desk.t("retry"), onclick: failure.retry }),
  );
}

export function failureBox() {
  return h("p", { class: "failure", role: "alert", hidden: true });
}

function isPlain(value) {
  return typeof value === "string" || typeof value === "number";
}

function short(value) {
  const text = isPlain(value) ? String(value) : "";
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
