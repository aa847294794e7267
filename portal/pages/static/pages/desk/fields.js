// The fields of the editor. What somebody writes is sent after a short rest, and at once when they leave the field.
import { h, write } from "./dom.js";
import { drawFailure, failureBox } from "./failure.js";
import { desk } from "./model.js";

const REST_MILLISECONDS = 500;
let fields = 0;

/** A label, a control, a hint and the place of an error. @param {string} label @param {any} control */
export function labelled(label, control, hint = "", mark = null) {
  const id = `field-${++fields}`;
  control.id = id;
  const help = hint && h("small", { id: `${id}-hint`, class: "muted", text: hint });
  if (help) control.setAttribute("aria-describedby", help.id);
  const failure = failureBox();
  const box = h("div", { class: "field" }, h("label", { for: id }, mark, label), control, failure, help || null);
  return { box, failure };
}

/** One line or several of text under one key of the item. */
export class TextField {
  /** @param {{key: string, label: string, rows?: number, hint?: string, mark?: any}} what */
  constructor({ key, label, rows = 0, hint = "", mark = null }) {
    this.key = key;
    this.input = rows ? h("textarea", { rows }) : h("input", { type: "text", maxlength: 200, autocomplete: "off" });
    const made = labelled(label, this.input, hint, mark);
    this.element = made.box;
    this.failure = made.failure;
    this.input.addEventListener("input", () => {
      clearTimeout(this.rest);
      this.rest = setTimeout(() => this.send(), REST_MILLISECONDS);
    });
    this.input.addEventListener("change", () => this.send());
    this.input.addEventListener("keydown", (event) => event.key === "Enter" && !rows && this.send());
  }

  send() {
    clearTimeout(this.rest);
    this.rest = 0;
    const { item, key } = this;
    const now = item && desk.item(item.id);
    const value = this.input.value;
    if (!now || value === String(now[key] ?? "")) return;
    desk.patch(now, key, { [key]: value === "" && key !== "name" ? null : value }, value);
  }

  draw(item) {
    this.item = item;
    const value = item[this.key];
    this.element.hidden = typeof value === "object" && value !== null; // of another system: left as it is
    drawFailure(this.failure, desk.failure(item.id, this.key));
    const text = String(value ?? "");
    if (!this.rest && this.input.value !== text) this.input.value = text;
  }
}

/** A number, or with `isFree` also text, under a key that depends on the item: sent when the field is left, and by Enter. */
export class NumberField {
  /** @param {{label: string, read: (item: any) => any, patch: (item: any, value: any) => any, key: string, isFree?: boolean}} what */
  constructor({ label, read, patch, key, isFree = false }) {
    this.read = read;
    this.key = key;
    this.input = h("input", { type: "text", inputmode: isFree ? null : "numeric", autocomplete: "off", maxlength: 40 });
    const made = labelled(label, this.input);
    this.element = made.box;
    this.failure = made.failure;
    this.input.addEventListener("change", () => {
      const item = desk.item(this.item.id);
      const text = this.input.value.trim();
      const number = text === "" ? null : isFree && Number.isNaN(Number(text)) ? text : Number(text);
      if (!item || text === String(read(item) ?? "")) return;
      if (Number.isNaN(number)) {
        write(this.wrong, desk.t("wrongNumber"));
        this.input.setAttribute("aria-invalid", "true");
        return;
      }
      this.clear();
      const before = read(item);
      const what = { itemId: item.id, key, before, after: number ?? "" };
      desk.change(what, () => desk.client.updateItem(item.id, patch(item, number)));
    });
    this.wrong = h("p", { class: "fault", role: "alert" });
    this.element.append(this.wrong);
  }

  clear() {
    write(this.wrong, "");
    this.input.removeAttribute("aria-invalid");
  }

  draw(item) {
    if (this.item?.id !== item.id) this.clear();
    this.item = item;
    drawFailure(this.failure, desk.failure(item.id, this.key));
    const text = String(this.read(item) ?? "");
    if (document.activeElement !== this.input && this.wrong.textContent === "" && this.input.value !== text) this.input.value = text;
  }
}

/** What one item shows differently from the others: a key of its `show`. */
export class ShowField {
  /** @param {{key: string, label: string, options: [string, any, string][], others: () => string}} what */
  constructor({ key, label, options, others }) {
    this.key = key;
    this.others = others;
    this.options = options;
    this.first = h("option", { value: "" });
    this.select = h("select", {}, this.first, ...options.map(([value, , word]) => h("option", { value, text: word })));
    const made = labelled(label, this.select);
    this.element = made.box;
    this.failure = made.failure;
    this.select.addEventListener("change", () => this.send());
  }

  send() {
    const item = desk.item(this.item.id);
    if (!item) return;
    const { [this.key]: _, ...others } = item.show ?? {};
    const chosen = this.options.find(([value]) => value === this.select.value);
    const show = chosen ? { ...others, [this.key]: chosen[1] } : others;
    const patch = { show: Object.keys(show).length ? show : null };
    desk.change({ itemId: item.id, key: `show.${this.key}` }, () => desk.client.updateItem(item.id, patch));
  }

  draw(item) {
    this.item = item;
    drawFailure(this.failure, desk.failure(item.id, `show.${this.key}`));
    write(this.first, desk.t("asAll", { value: this.others() }));
    const now = item.show?.[this.key];
    const chosen = this.options.find(([, value]) => value === now);
    const value = chosen ? chosen[0] : "";
    if (this.select.value !== value) this.select.value = value;
  }
}
