// The numbers of health in an item, wherever they stand (docs/hidden-information.md, "Health").
const CURRENT = ["hp", "currenthp", "hpcurrent", "hitpoints", "currenthitpoints", "hitpointscurrent", "health", "currenthealth", "healthcurrent"];
const MAXIMUM = ["maxhp", "hpmax", "maximumhp", "maxhitpoints", "hitpointsmax", "maximumhitpoints", "hitpointmaximum", "maxhealth", "healthmax", "maximumhealth", "basehitpoints"];
const NOW = ["current", "value", "now"];
const MOST = ["max", "maximum", "base", "total"];
const ARMOUR = ["ac", "armorclass", "armourclass"];

/** The key of an object that has one of the names, in any spelling. @param {any} object @param {string[]} names */
function keyOf(object, names) {
  const keys = Object.keys(object);
  const plain = keys.map((key) => key.toLowerCase().replace(/[^a-z0-9]/g, ""));
  for (const name of names) {
    const place = plain.indexOf(name);
    if (place >= 0 && object[keys[place]] !== null) return keys[place];
  }
  return null;
}

/** @param {any} value */
function numberOf(value) {
  const number = typeof value === "string" && value.trim() ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

/**
 * What an item says of health; each patch keeps the form in which it is written. Null without any.
 * @param {any} item
 */
export function healthOf(item) {
  const key = keyOf(item, CURRENT);
  const maxKey = keyOf(item, MAXIMUM);
  if (!key && !maxKey) return null;
  const value = key ? item[key] : null;
  const max = maxKey ? numberOf(item[maxKey]) : null;
  const patchMax = (number) => ({ [maxKey ?? "maxHp"]: number });
  if (value && typeof value === "object") {
    const [inner, innerMax] = [keyOf(value, NOW) ?? "value", keyOf(value, MOST)];
    return {
      current: numberOf(value[inner]),
      max: innerMax ? numberOf(value[innerMax]) : max,
      patch: (number) => ({ [key]: { ...value, [inner]: number } }),
      patchMax: (number) => (innerMax ? { [key]: { ...value, [innerMax]: number } } : patchMax(number)),
    };
  }
  const [first, second] = typeof value === "string" ? value.split("/") : [value];
  const isPair = second !== undefined;
  return {
    current: numberOf(first) ?? max,
    max: isPair ? numberOf(second) : max,
    patch: (number) => ({ [key ?? "hp"]: isPair ? `${number}/${second}` : typeof value === "string" ? String(number) : number }),
    patchMax: (number) => (isPair ? { [key]: `${first}/${number}` } : patchMax(number)),
  };
}

/** The key of an item's armour class. @param {any} item */
export function armourKey(item) {
  return keyOf(item, ARMOUR) ?? "ac";
}

/**
 * What `-7`, `+3`, `=20` or `20` makes of a number; null if it is none of them. Damage does not go below 0.
 * @param {string} text @param {number} current
 */
export function counted(text, current) {
  const found = /^\s*([-+=\u2212]?)\s*(-?\d+)\s*$/.exec(text);
  if (!found) return null;
  const [, sign, digits] = found;
  const number = Number(digits);
  if (sign === "+") return current + number;
  if (sign === "" || sign === "=") return number;
  return Math.max(Math.min(current, 0), current - number);
}

/** What viewers see of it, in words; null if they see nothing. @param {any} seen an item as viewers get it */
export function seenHealth(seen, t) {
  const health = seen?.health;
  if (!health) return null;
  if (health.display === "bar") return t("seen-bar", { percent: Math.round(health.fraction * 100) });
  if (health.display === "words") return t(`word-${health.word}`);
  return health.max === null ? String(health.current) : `${health.current} / ${health.max}`;
}
