// The list: a click opens an item in the editor and shows nothing; Show and a double click put it on screen.
import { h, icon, one, setIcon, write } from "./dom.js";
import { editorsOf } from "./editing.js";
import { drawFailure, failureBox } from "./failure.js";
import { desk, Part } from "./model.js";
import { load, replacedBy, whole } from "../replaced.js";

class Items extends Part {
  build() {
    this.list = one("[data-rows]", this);
    this.empty = one("[data-empty]", this);
    this.none = one("[data-none]", this);
    this.find = one("[data-find]", this);
    this.rows = new Map();
    this.find.addEventListener("input", () => this.draw());
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.find.value = "";
        this.find.blur();
        this.draw();
      }
    });
    desk.client.addEventListener("message", (/** @type {any} */ { detail }) => {
      for (const address of replacedBy(detail)) this.rows.forEach((row) => row.renew(address));
    });
    desk.addEventListener("select", () => this.rows.get(desk.selected)?.element.scrollIntoView({ block: "nearest" }));
  }

  draw() {
    if (!desk.state) return;
    const wanted = this.find.value.trim().toLocaleLowerCase();
    const shown = desk.items.filter((item) => isFound(item, wanted));
    const ids = new Set(shown.map((item) => item.id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    shown.forEach((item, place) => {
      const row = this.rows.get(item.id) ?? this.add(item);
      if (this.list.children[place] !== row.element) this.list.insertBefore(row.element, this.list.children[place] ?? null);
      row.draw(item);
    });
    this.empty.hidden = desk.items.length > 0;
    this.none.hidden = !desk.items.length || shown.length > 0;
    this.find.closest("label").hidden = !desk.items.length;
  }

  add(item) {
    const row = new Row(item.id);
    this.rows.set(item.id, row);
    return row;
  }
}

function isFound(item, wanted) {
  return !wanted || [item.name, item.alias].some((text) => String(text ?? "").toLocaleLowerCase().includes(wanted));
}

class Row {
  constructor(id) {
    this.id = id;
    const now = () => desk.item(id);
    this.picture = h("span", { class: "thumbnail" });
    this.editors = h("span", { class: "for-readers" });
    this.pencil = h("span", { class: "pencil", hidden: true }, icon("pencil"), this.editors);
    this.name = h("span", { class: "name" });
    this.alias = h("span", { class: "alias" });
    this.marks = h("span", { class: "marks" });
    this.chips = h("span", { class: "chips" });
    this.open = h(
      "button",
      { type: "button", class: "open", onclick: (event) => this.choose(event) },
      h("span", { class: "face" }, this.picture, this.pencil),
      h("span", { class: "what" }, this.name, h("span", { class: "state" }, this.marks, this.alias), this.chips),
    );
    this.eyeWord = h("span");
    this.eye = h(
      "button",
      { type: "button", class: "eye", onclick: () => desk.reveal(now(), now().visible === false) },
      icon("eye"),
      this.eyeWord,
    );
    this.show = h("button", { type: "button", class: "show", text: desk.t("show"), onclick: () => desk.show(now()) });
    this.failure = failureBox();
    this.element = h("li", { "data-item": id }, this.open, this.eye, this.show, this.failure);
    this.open.addEventListener("dblclick", () => desk.show(now()));
  }

  // By keyboard, the editor has the focus next; Escape brings it back.
  choose({ detail }) {
    desk.select(this.id);
    if (detail === 0) one("desk-editor [data-acts] button").focus();
  }

  // What was refused of it, apart from what the editor says beside a field.
  refused() {
    const [visible, show, remove] = ["visible", "show", "remove"].map((key) => desk.failure(this.id, key));
    return visible ?? show ?? remove ?? (desk.selected === this.id ? null : desk.anyFailure(this.id));
  }

  draw(item) {
    const isOnScreen = desk.state.currentItemId === item.id;
    const isHidden = item.visible === false;
    const isWaiting = desk.waiting(item.id) > 0;
    const marks = marksOf(isHidden, isOnScreen, isWaiting);
    const chips = chipsOf(desk.seen(item.id));
    drawFailure(this.failure, this.refused());
    const editors = editorsOf(item.id);
    this.pencil.hidden = !editors;
    this.pencil.title = editors;
    write(this.editors, editors);
    this.open.setAttribute("aria-current", String(desk.selected === item.id));
    const drawn = JSON.stringify([item.name, item.alias, desk.thumbnail(item), isOnScreen, isHidden, marks, chips]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const name = String(item.name ?? desk.t("noName"));
    write(this.name, name);
    write(this.alias, item.alias ? desk.t("shownAs", { name: item.alias }) : "");
    this.element.classList.toggle("on-screen", isOnScreen);
    this.element.classList.toggle("hidden-item", isHidden);
    this.drawPicture(desk.thumbnail(item));
    setIcon(this.eye, isHidden ? "eye-off" : "eye");
    write(this.eyeWord, desk.t(isHidden ? "reveal" : "hide"));
    this.eye.setAttribute("aria-label", `${desk.t(isHidden ? "reveal" : "hide")} ${name}`);
    this.show.setAttribute("aria-label", `${desk.t("show")} ${name}`);
    this.marks.replaceChildren(...marks.map(([kind, word]) => chip(kind, word)));
    this.chips.replaceChildren(...chips.map((word) => chip("", word)));
  }

  // Another picture has taken the place of the one at that address.
  /** @param {string} address */
  renew(address) {
    if (!this.address || whole(this.address) !== address) return;
    const { address: wanted } = this;
    const picture = h("img", { alt: "", width: 56, height: 56, referrerpolicy: "no-referrer" });
    const put = (shown) => this.address === wanted && this.picture.replaceChildren(shown);
    load(picture, wanted).then(() => put(picture), () => put(icon("sticky-note")));
  }

  drawPicture(address) {
    if (this.address === address) return;
    this.address = address;
    const blank = icon("sticky-note");
    if (!address) return this.picture.replaceChildren(blank);
    const picture = h("img", { src: address, alt: "", width: 56, height: 56, loading: "lazy", referrerpolicy: "no-referrer" });
    picture.onerror = () => picture.replaceWith(blank);
    this.picture.replaceChildren(picture);
  }
}

function chip(kind, word) {
  return h("span", { class: `chip ${kind}`, text: word });
}

function marksOf(isHidden, isOnScreen, isWaiting) {
  const marks = [];
  if (isWaiting) marks.push(["waiting", desk.t("waits")]);
  if (isOnScreen) marks.push(["screen", desk.t("onScreen")]);
  if (isHidden) marks.push(["", desk.t("hidden")]);
  return marks;
}

// What is shown of it, from what viewers have: nothing can be forgotten here.
function chipsOf(seen) {
  const chips = [];
  if (seen?.health) chips.push(desk.t(`health-${seen.health.display}`));
  if (seen && "ac" in seen) chips.push(desk.t("ac"));
  if (seen?.actions?.length) chips.push(desk.t("actions"));
  return chips;
}

customElements.define("desk-items", Items);
