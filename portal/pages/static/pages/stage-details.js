// What else viewers may see of an item: its actions, what is under `public`, and what the library discloses of records.
import { make } from "./elements.js";
import { isAddress } from "./stage-picture.js";

const ACTIONS = ["actions", "bonusActions", "reactions", "legendaryActions"];
// What is drawn elsewhere, or is no word for people
const OTHERS = "id type name image thumbnail alt text caption color public health ac initiative conditions visible".split(" ");
const MOST_FACTS = 40;

export class Details {
  constructor(texts) {
    this.texts = texts;
    this.element = make("div", "stage-details");
    this.drawn = "";
    this.isEmpty = true;
    this.element.hidden = true;
  }

  update(item) {
    const groups = item ? ACTIONS.map((kind) => [kind, actionsOf(item[kind])]).filter(([, rows]) => rows.length) : [];
    const facts = item ? factsOf(item, this.texts) : [];
    const drawn = JSON.stringify([groups, facts]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.isEmpty = groups.length + facts.length === 0;
    this.element.textContent = "";
    if (facts.length) this.element.append(listOf(facts));
    for (const [kind, rows] of groups) this.element.append(make("p", "stage-kind", this.texts[kind]), listOf(rows));
    this.element.hidden = this.isEmpty;
  }
}

function listOf(rows) {
  const list = make("dl", "stage-rows");
  for (const [name, text] of rows) {
    const row = make("div", "");
    row.append(make("dt", "", name), make("dd", "", text));
    list.append(row);
  }
  return list;
}

function actionsOf(list) {
  const named = (Array.isArray(list) ? list : []).filter((action) => action && action.name);
  return named.map(({ name, text }) => [String(name), String(text || "")]);
}

// Rows of a name and a text; of what is nested, each value is a row with the name next to it.
function factsOf(item, texts) {
  const found = [];
  const add = (name, value) => {
    if (found.length >= MOST_FACTS || value === null || value === undefined || value === "" || isAddress(value)) return;
    if (Array.isArray(value) && value.every((one) => typeof one !== "object")) {
      const words = value.filter((one) => !isAddress(one)).map((one) => wordOf(one, texts));
      if (words.length) found.push([name, words.join(", ")]);
    } else if (Array.isArray(value)) value.forEach((one) => add(name, one));
    else if (typeof value === "object") Object.keys(value).forEach((key) => add(labelOf(key), value[key]));
    else found.push([name, wordOf(value, texts)]);
  };
  add("", item.public);
  for (const key of Object.keys(item)) if (!OTHERS.includes(key) && !ACTIONS.includes(key)) add(labelOf(key), item[key]);
  return found;
}

function wordOf(value, texts) {
  return typeof value === "boolean" ? texts[value ? "yes" : "no"] : String(value);
}

// "armorNotes", "armor_notes": Armor notes
function labelOf(key) {
  const words = key.replace(/[_-]+/g, " ").replace(/([a-z0-9])([A-Z])/g, (_, before, after) => `${before} ${after.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
