// The chosen item: its words, its notes, its numbers, and what viewers get of them.
import { all, h, icon, one, setIcon, write } from "./dom.js";
import { editorsOf } from "./editing.js";
import { drawFailure, failureBox } from "./failure.js";
import { NumberField, ShowField, TextField } from "./fields.js";
import { armourKey, healthOf } from "./health.js";
import { removeItem } from "./history.js";
import { desk, Part } from "./model.js";
import { sightOf, Vitals } from "./vitals.js";

const NARROW = matchMedia("(max-width: 68.74em)");
const VITALS = 4;

class Editor extends Part {
  build() {
    this.body = one("[data-body]", this);
    this.empty = one("[data-empty]", this);
    this.heading = one("[data-name]", this);
    this.back = one("[data-back]", this);
    this.back.append(icon("arrow-left"), desk.t("back"));
    this.back.addEventListener("click", () => this.leave());
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.leave());
    this.head();
    this.name = new TextField({ key: "name", label: desk.t("name") });
    /** @type {any[]} */
    this.fields = [
      this.name,
      new TextField({ key: "alias", label: desk.t("alias"), hint: desk.t("aliasHint") }),
      new TextField({ key: "text", label: desk.t("text"), rows: 4 }),
      new TextField({ key: "gmNotes", label: desk.t("notes"), rows: 4, hint: desk.t("notesHint"), mark: icon("lock") }),
      new Vitals(),
      new Armour(),
      shown("actions", desk.t("actions"), "showActions"),
    ];
    this.fields[3].element.classList.add("private");
    this.body.addEventListener("input", () => desk.tellEditing());
    this.body.append(...this.fields.map(({ element }) => element));
    desk.addEventListener("select", () => {
      for (const field of this.fields) if (field.rest) field.send();
      this.parentElement.scrollTop = 0;
      // Of a creature, health is what changes most
      const { element } = this.fields[VITALS];
      if (healthOf(desk.item() ?? {})) this.body.prepend(element);
      else this.fields[VITALS - 1].element.after(element);
    });
  }

  head() {
    const now = () => desk.item();
    const acts = one("[data-acts]", this);
    this.show = h("button", { type: "button", class: "main", text: desk.t("show"), onclick: () => desk.show(now()) });
    this.eyeWord = h("span");
    this.eye = h("button", { type: "button", onclick: () => desk.reveal(now(), now().visible === false) }, icon("eye"), this.eyeWord);
    const move = (step) => {
      const place = desk.items.indexOf(now()) + step;
      if (place < 0 || place >= desk.items.length) return;
      const id = desk.selected;
      desk.change({ itemId: id, key: "show" }, () => desk.client.moveItem(id, place));
    };
    acts.append(
      this.show,
      this.eye,
      h("button", { type: "button", class: "plain", title: desk.t("up"), "aria-label": desk.t("up"), onclick: () => move(-1) }, icon("arrow-up")),
      h("button", { type: "button", class: "plain", title: desk.t("down"), "aria-label": desk.t("down"), onclick: () => move(1) }, icon("arrow-down")),
      h("button", { type: "button", class: "plain", onclick: () => this.remove() }, icon("trash-2"), desk.t("delete")),
    );
    this.failure = failureBox();
    this.others = h("p", { class: "others", role: "status" });
    acts.after(this.failure, this.others);
  }

  // A new item: its name comes first.
  begin() {
    this.name.input.focus();
    this.name.input.select();
  }

  leave() {
    const row = one(`[data-item="${CSS.escape(desk.selected ?? "")}"] .open`);
    desk.select(null);
    row?.focus();
  }

  remove() {
    const rows = all("[data-item]");
    const place = rows.findIndex((row) => row.dataset.item === desk.selected);
    const neighbour = rows[place + 1] ?? rows[place - 1];
    removeItem(desk.item());
    (neighbour?.querySelector(".open") ?? one("[data-template]")).focus();
  }

  draw() {
    const item = desk.item();
    if (!item && desk.selected !== null && desk.state) desk.selected = null; // somebody has deleted it
    const isOpen = Boolean(item);
    const wasOpen = !this.body.hidden;
    this.body.hidden = !isOpen;
    one("header", this).hidden = !isOpen;
    this.empty.hidden = isOpen;
    desk.root.classList.toggle("editing", isOpen);
    if (!isOpen) return;
    if (!wasOpen && NARROW.matches) this.back.focus();
    const isHidden = item.visible === false;
    write(this.heading, String(item.name ?? desk.t("noName")));
    write(this.show, desk.t(desk.state.currentItemId === item.id ? "onScreen" : "show"));
    setIcon(this.eye, isHidden ? "eye-off" : "eye");
    write(this.eyeWord, desk.t(isHidden ? "reveal" : "hide"));
    drawFailure(this.failure, desk.failure(item.id, "visible") ?? desk.failure(item.id, "show"));
    write(this.others, editorsOf(item.id));
    for (const field of this.fields) field.draw(item);
    const actions = this.fields.at(-1);
    actions.element.hidden = !item.actions;
  }
}

function shown(key, label, option) {
  return new ShowField({
    key,
    label: desk.t("viewersSeeOf", { what: label }),
    options: [
      ["yes", true, desk.t("shown")],
      ["no", false, desk.t("nothing")],
    ],
    others: () => desk.t(desk.state[option] ? "shown" : "nothing"),
  });
}

class Armour {
  constructor() {
    this.number = new NumberField({
      label: desk.t("armour"),
      key: "ac",
      isFree: true,
      read: (item) => item[armourKey(item)],
      patch: (item, number) => ({ [armourKey(item)]: number }),
    });
    this.show = shown("ac", desk.t("ac"), "showAC");
    this.sight = h("p", { class: "sight" });
    this.element = h(
      "fieldset",
      { class: "panel" },
      h("legend", { text: desk.t("armour") }),
      h("div", { class: "pair" }, this.number.element, this.show.element),
      this.sight,
    );
  }

  draw(item) {
    this.number.draw(item);
    this.show.draw(item);
    const has = item[armourKey(item)] !== undefined;
    this.show.element.hidden = this.sight.hidden = !has;
    write(this.sight, sightOf(item, (seen) => (seen?.ac === undefined ? null : String(seen.ac))));
  }
}

customElements.define("desk-editor", Editor);
