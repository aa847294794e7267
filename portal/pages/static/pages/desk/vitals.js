// Health in the editor: a big number, steps, a field that takes -7, +3 and =20, and what viewers see of it.
import { h, write } from "./dom.js";
import { drawFailure, failureBox } from "./failure.js";
import { labelled, NumberField, ShowField } from "./fields.js";
import { counted, healthOf, seenHealth } from "./health.js";
import { desk } from "./model.js";

const STEPS = [-10, -1, 1, 10];
const NEW_HEALTH = 10;

export class Vitals {
  constructor() {
    this.number = h("output", { class: "number", "aria-live": "polite" });
    this.most = h("span", { class: "most" });
    this.field = h("input", { type: "text", autocomplete: "off", maxlength: 12, placeholder: "−7, +3, =20" });
    this.wrong = h("p", { class: "fault", role: "alert" });
    this.failure = failureBox();
    this.sight = h("p", { class: "sight" });
    const { box } = labelled(desk.t("changeHealth"), this.field);
    box.append(this.wrong);
    this.max = new NumberField({
      label: desk.t("maxHealth"),
      key: "maxHealth",
      read: (item) => healthOf(item)?.max,
      patch: (item, number) => healthOf(item).patchMax(number),
    });
    this.show = new ShowField({
      key: "health",
      label: desk.t("viewersSee"),
      options: [
        ["numbers", "numbers", desk.t("health-numbers")],
        ["bar", "bar", desk.t("health-bar")],
        ["words", "words", desk.t("health-words")],
        ["no", false, desk.t("nothing")],
      ],
      others: () => desk.t(desk.state.showHealth ? `health-${desk.state.healthDisplay}` : "nothing"),
    });
    this.form = h("form", { class: "count", novalidate: true, onsubmit: (event) => this.submit(event) }, box);
    this.body = h(
      "div",
      {},
      h("p", { class: "vitals" }, this.number, this.most),
      h("div", { class: "steps-of" }, ...STEPS.map((step) => this.button(step))),
      this.failure,
      h("div", { class: "pair" }, this.form, this.max.element),
      this.show.element,
      this.sight,
    );
    this.begin = h("button", { type: "button", text: desk.t("addHealth"), onclick: () => this.start() });
    this.element = h("fieldset", { class: "panel" }, h("legend", { text: desk.t("health") }), this.body, this.begin);
  }

  button(step) {
    const text = step < 0 ? `−${-step}` : `+${step}`;
    return h("button", { type: "button", text, onclick: () => this.put(counted(text, this.now().current ?? 0)) });
  }

  now() {
    return healthOf(desk.item(this.item.id));
  }

  put(number) {
    const { item } = this;
    const health = this.now();
    const what = { itemId: item.id, key: "health", before: health.current ?? "", after: number };
    desk.change(what, () => desk.client.updateItem(item.id, health.patch(number)));
  }

  submit(event) {
    event.preventDefault();
    const number = counted(this.field.value, this.now().current ?? 0);
    write(this.wrong, number === null ? desk.t("wrongHealth") : "");
    this.field.toggleAttribute("aria-invalid", number === null);
    if (number === null) return;
    this.field.value = "";
    this.put(number);
  }

  start() {
    const { id } = this.item;
    const patch = { hp: NEW_HEALTH, maxHp: NEW_HEALTH };
    desk.change({ itemId: id, key: "health" }, () => desk.client.updateItem(id, patch));
    this.field.focus();
  }

  draw(item) {
    if (this.item?.id !== item.id) {
      this.field.value = "";
      write(this.wrong, "");
    }
    this.item = item;
    const health = healthOf(item);
    this.body.hidden = !health;
    this.begin.hidden = Boolean(health);
    drawFailure(this.failure, desk.failure(item.id, "health"));
    if (!health) return;
    write(this.number, String(health.current ?? "–"));
    write(this.most, health.max === null ? "" : `/ ${health.max}`);
    this.max.draw(item);
    this.show.draw(item);
    write(this.sight, sightOf(item, (seen) => seenHealth(seen, (key, values) => desk.t(key, values))));
  }
}

/** "They see: …", from what viewers have. @param {any} item @param {(seen: any) => string | null} read */
export function sightOf(item, read) {
  if (desk.state.blackout) return desk.t("theySeeBlack");
  if (item.visible === false) return desk.t("theySeeHidden");
  return desk.t("theySee", { what: read(desk.seen(item.id)) ?? desk.t("nothing") });
}
