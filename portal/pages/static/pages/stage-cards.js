// A creature's card: portrait, name, health, armour class, conditions. What is not shown leaves no gap.
import { drawAnew, make } from "./elements.js";
import { Details } from "./stage-details.js";
import { writeName } from "./stage-names.js";
import { load, whole } from "./replaced.js";
import { isAddress } from "./stage-picture.js";

const SVG = "http://www.w3.org/2000/svg";
const SHIELD = "M12 1 3 4v7c0 6 4 10 9 12 5-2 9-6 9-12V4z";
const NEXT = 4;
const WORDS = ["unhurt", "scratched", "wounded", "critical", "down"];
const LINE = 10; // letters of a card in the strip; what is longer needs two lines
const TURN = 2.1; // how many times as wide as another card
const GAP = 0.6; // em
const LEFT = 1.25; // em
const RIGHT = 0.05; // of the width

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
    if (this.item && this.element.classList.contains("is-turn") !== isTurn) {
      drawAnew(this.element);
      this.element.classList.remove("is-placed");
    }
    this.item = item;
    this.element.classList.toggle("is-turn", isTurn);
    if (isTurn) this.element.setAttribute("aria-current", "true");
    else this.element.removeAttribute("aria-current");
    const name = String(item.name || "");
    this.status.update(item);
    this.details.update(item);
    this._portray(faceOf(item, this.site), name);
  }

  // After it has its width.
  fit() {
    writeName(this.name, String(this.item.name || ""));
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
    if (address) await this._load(address);
  }

  // Another picture has taken the place of the one at that address.
  renew(address) {
    if (this.address && whole(this.address) === address) this._load(this.address);
  }

  async _load(address) {
    const img = new Image();
    img.alt = "";
    img.referrerPolicy = "no-referrer";
    try {
      if (this.site.isOurs(address)) await this.site.admit(false);
      await load(img, address);
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
    this.shown = []; // the cards in their order
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
      if (place && place.nextSibling === card.element) this.element.append(place); // the turn went on: one card moves
      else if (card.element !== place) this.element.insertBefore(card.element, place);
      before = card.element;
    }
    this.shown = shown.map(({ id }) => this.cards.get(id));
    this._more(more);
    this.element.hidden = shown.length === 0;
  }

  // Put each card in its place: beside one another on a wide stage, or below one another. A transform is no shift.
  place(isWide) {
    if (isWide) this._placeBeside(this.shown);
    else this._placeBelow(this.shown);
    this.element.getBoundingClientRect();
    for (const { element } of this.shown) element.classList.add("is-placed"); // from now on it eases to another one
  }

  _placeBeside(cards) {
    const hasWords = cards.some(({ item: { health } }) => health && health.display === "words");
    this.element.classList.toggle("is-high", hasWords && WORDS.some((word) => this.texts[word].length > LINE));
    const em = parseFloat(getComputedStyle(this.element).fontSize);
    const beside = this.rest ? this.rest.offsetWidth : 0;
    const room = (1 - RIGHT) * this.element.clientWidth - LEFT * em - beside - GAP * em * cards.length;
    const shares = cards.map(({ element }) => (element.classList.contains("is-turn") ? TURN : 1));
    const one = room / shares.reduce((sum, share) => sum + share, 0);
    let left = LEFT * em;
    cards.forEach(({ element }, index) => {
      element.style.width = `${one * shares[index]}px`;
      element.style.transform = `translateX(${left}px)`;
      left += one * shares[index] + GAP * em;
    });
    if (this.rest) this.rest.style.transform = `translateX(${left}px)`;
    for (const card of cards) card.fit();
    this.element.style.height = "";
  }

  _placeBelow(cards) {
    for (const { element } of cards) element.style.width = "";
    for (const card of cards) card.fit();
    this.element.style.height = `${stack(cards.map(({ element }) => element))}px`;
  }

  _more(more) {
    if (this.rest) this.rest.remove();
    this.rest = more > 0 ? make("li", "stage-more", `+${more}`) : null;
    if (this.rest) this.element.append(this.rest);
  }

  renew(address) {
    for (const card of this.cards.values()) card.renew(address);
  }

  point(id, milliseconds) {
    const card = this.cards.get(id);
    if (!card) return;
    card.element.classList.add("is-pointed");
    clearTimeout(card.timer);
    card.timer = setTimeout(() => card.element.classList.remove("is-pointed"), milliseconds);
  }
}

// Put elements below one another, which all begin at the same place; returns the height of all.
export function stack(elements) {
  return elements.reduce((top, element) => {
    element.style.transform = `translateY(${top}px)`;
    return top + element.offsetHeight;
  }, 0);
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
