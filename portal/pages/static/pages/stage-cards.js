// A creature's card: portrait, name, health, armour class, conditions. What is not shown leaves no gap.
import { make } from "./elements.js";
import { Details } from "./stage-details.js";
import { isAddress } from "./stage-picture.js";

const SVG = "http://www.w3.org/2000/svg";
const SHIELD = "M12 1 3 4v7c0 6 4 10 9 12 5-2 9-6 9-12V4z";
const NEXT = 4;

// What is known of a creature beside its name: health, armour class, conditions. The element is the same as long as it
// has the same parts, so that a bar moves.
export class Status {
  constructor(texts) {
    this.texts = texts;
    this.element = make("div", "stage-status");
    this.shape = "";
    this.bar = null;
  }

  update(item) {
    const { health, ac, conditions } = item || {};
    const named = (Array.isArray(conditions) ? conditions : []).map(nameOf).filter(Boolean);
    const shape = JSON.stringify([health && health.display === "bar" ? "bar" : health, ac, named]);
    if (shape !== this.shape) {
      this.shape = shape;
      const parts = [this._health(health), this._armour(ac), this._conditions(named)];
      this.element.textContent = "";
      this.element.append(...parts.filter(Boolean));
    }
    if (health && health.display === "bar") this._fill(health.fraction);
    this.isEmpty = !this.element.firstChild;
    this.element.hidden = this.isEmpty;
  }

  _health(health) {
    this.bar = null;
    if (!health) return null;
    const { display, current, max, temp, word } = health;
    if (display === "words") return make("span", `stage-word is-${word}`, this.texts[word] || word);
    if (display === "numbers") {
      const element = make("span", "stage-numbers");
      const more = temp ? ` +${temp}` : "";
      element.textContent = max === null ? `${current}${more}` : `${current}/${max}${more}`;
      element.setAttribute("role", "img");
      element.setAttribute("aria-label", `${this.texts.health} ${element.textContent}`);
      return element;
    }
    this.bar = make("span", "stage-bar");
    this.bar.setAttribute("role", "img");
    this.bar.append(make("span", "stage-fill"));
    return this.bar;
  }

  _fill(fraction) {
    const percent = `${Math.round(100 * fraction)} %`;
    this.bar.setAttribute("aria-label", `${this.texts.health} ${percent}`);
    this.bar.classList.toggle("is-full", fraction >= 1);
    this.bar.firstChild.style.transform = `scaleX(${fraction})`;
  }

  _armour(ac) {
    if (ac === undefined || ac === null) return null;
    const element = make("span", "stage-ac");
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", `${this.texts.armour} ${ac}`);
    const shield = document.createElementNS(SVG, "svg");
    shield.setAttribute("viewBox", "0 0 24 24");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", SHIELD);
    shield.append(path);
    element.append(shield, make("span", "", String(ac)));
    return element;
  }

  _conditions(named) {
    if (named.length === 0) return null;
    const list = make("ul", "stage-conditions");
    list.append(...named.map((name) => make("li", "", name)));
    return list;
  }
}

function nameOf(condition) {
  return typeof condition === "string" ? condition : (condition && condition.name) || "";
}

class Card {
  constructor(texts, site) {
    this.site = site;
    this.element = make("li", "stage-card");
    this.face = make("span", "stage-face");
    this.face.setAttribute("aria-hidden", "true");
    this.name = make("p", "stage-card-name");
    this.status = new Status(texts);
    this.details = new Details(texts);
    const rest = make("div", "stage-card-rest");
    rest.append(this.name, this.status.element, this.details.element);
    this.element.append(this.face, rest);
    this.address = null;
  }

  update(item, isTurn) {
    this.item = item;
    this.element.classList.toggle("is-turn", isTurn);
    if (isTurn) this.element.setAttribute("aria-current", "true");
    else this.element.removeAttribute("aria-current");
    const name = String(item.name || "");
    this.name.textContent = name;
    this.status.update(item);
    this.details.update(item);
    this._portray(faceOf(item, this.site), name);
  }

  // The portrait, or the first letter of the name until it is there.
  async _portray(address, name) {
    const letter = Array.from(name.trim())[0] || "";
    if (address === this.address) {
      if (!this.hasFace) this.face.textContent = letter;
      return;
    }
    this.address = address;
    this.hasFace = false;
    this.face.textContent = letter;
    if (!address) return;
    const img = new Image();
    img.alt = "";
    img.referrerPolicy = "no-referrer";
    try {
      if (this.site.isOurs(address)) await this.site.admit(false);
      img.src = address;
      await img.decode();
    } catch (error) {
      if (this.address === address) this.address = null; // the next change of the state asks again
      return;
    }
    if (this.address !== address) return;
    this.hasFace = true;
    this.face.textContent = "";
    this.face.append(img);
  }
}

// A small picture of an item: its thumbnail, or that of its picture in the library.
function faceOf({ thumbnail, image }, site) {
  if (isAddress(thumbnail)) return thumbnail;
  if (!isAddress(image)) return "";
  return site.isOurs(image) && !image.includes("?") ? `${image}?size=512` : image;
}

// Cards in a list, each the same element as long as its item is there.
export class Cards {
  constructor(texts, site) {
    this.texts = texts;
    this.site = site;
    this.element = make("ol", "stage-cards");
    this.cards = new Map();
  }

  // `shown` are items; `turn` is the id of the one that has the turn, and `more` how many others there are.
  update(shown, turn, more) {
    const kept = new Set(shown.map(({ id }) => id));
    for (const [id, card] of this.cards) {
      if (kept.has(id)) continue;
      card.element.remove();
      this.cards.delete(id);
    }
    let before = null;
    for (const item of shown) {
      if (!this.cards.has(item.id)) this.cards.set(item.id, new Card(this.texts, this.site));
      const card = this.cards.get(item.id);
      if (card.item !== item || card.turn !== turn) card.update(item, item.id === turn);
      card.turn = turn;
      const place = before ? before.nextSibling : this.element.firstChild;
      if (card.element !== place) this.element.insertBefore(card.element, place);
      before = card.element;
    }
    this._more(more);
    this.element.hidden = shown.length === 0;
  }

  _more(more) {
    if (this.rest) this.rest.remove();
    this.rest = more > 0 ? make("li", "stage-more", `+${more}`) : null;
    if (this.rest) this.element.append(this.rest);
  }

  point(id, milliseconds) {
    const card = this.cards.get(id);
    if (!card) return;
    card.element.classList.add("is-pointed");
    clearTimeout(card.timer);
    card.timer = setTimeout(() => card.element.classList.remove("is-pointed"), milliseconds);
  }
}

// The items of the encounter that viewers know, from the turn on.
export function inOrder({ items, encounter }) {
  if (!encounter) return [];
  const byId = new Map(items.map((item) => [item.id, item]));
  const order = encounter.order.map(({ itemId }) => byId.get(itemId)).filter(Boolean);
  const turn = order.findIndex(({ id }) => id === encounter.turn);
  return turn < 0 ? order : order.slice(turn).concat(order.slice(0, turn));
}

// How many of them a wide stage shows, that is `shape` times as wide as high.
export function roomFor(shape) {
  return 1 + Math.max(1, Math.min(NEXT, Math.floor((shape - 0.6) * 3.6)));
}

// Whether something is known of an item that belongs on a card.
export function isCreature({ health, ac, actions, conditions }) {
  return Boolean(health) || (Array.isArray(actions) && actions.length > 0) || (ac !== undefined && ac !== null) || (Array.isArray(conditions) && conditions.length > 0);
}
