// Who is here, as the server says.
import { h, icon, one, write } from "./dom.js";
import { editedBy } from "./editing.js";
import { desk, Part } from "./model.js";

class People extends Part {
  build() {
    this.heading = one("[data-count]", this);
    this.lists = ["viewers", "controllers"].map((key) => [key, one(`[data-${key}]`, this)]);
  }

  draw() {
    const { presence, subject } = desk.client;
    const editing = (presence?.controllers ?? []).map(({ id }) => editedBy(id)).join("\n");
    if (presence === this.drawn && editing === this.editing) return;
    this.drawn = presence;
    this.editing = editing;
    const watching = presence?.counts.viewers ?? 0;
    if (presence) write(this.heading, watching ? desk.count("watch", watching) : desk.t("watchNobody"));
    for (const [key, list] of this.lists) {
      const people = presence?.[key] ?? [];
      const rest = key === "viewers" ? watching - people.length : 0;
      list.replaceChildren(
        ...people.map((person) => entryOf(person, subject)),
        ...(rest > 0 ? [h("li", { text: desk.t("more", { n: rest.toLocaleString(document.documentElement.lang) }) })] : []),
      );
    }
  }
}

function entryOf(person, subject) {
  const editing = editedBy(person.id);
  const what = editing ? h("span", { class: "muted", text: editing }) : null;
  return h("li", {}, icon(person.kind === "guest" ? "monitor" : "user-round"), nameOf(person, subject), what);
}

function nameOf(person, subject) {
  const name = person.name || desk.t(person.kind === "guest" ? "aGuest" : "somebody");
  return h("span", { text: person.id === subject?.id ? desk.t("you", { name }) : name });
}

customElements.define("desk-people", People);
