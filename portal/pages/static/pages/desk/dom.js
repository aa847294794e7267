// Elements, icons and what is asked of them often.
const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with properties, `data-`, `aria-` and other attributes, listeners (`onclick`) and children.
 * @param {string} tag
 * @param {Record<string, any>} [given]
 * @param {...(Node | string | null | false)} children
 * @returns {any}
 */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "text") element.textContent = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children) if (child !== null && child !== false) element.append(child);
  return element;
}

/** The first element that a selector finds. @param {string} selector @param {ParentNode} [within] @returns {any} */
export function one(selector, within = document) {
  return within.querySelector(selector);
}

/** All of them. @param {string} selector @param {ParentNode} [within] @returns {any[]} */
export function all(selector, within = document) {
  return [...within.querySelectorAll(selector)];
}

const { icons } = one("#desk").dataset;

/** An icon of the sprite; the word stands beside it. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Write text only if it is another, so that it is read aloud once. @param {any} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Put another icon into a button. @param {any} button @param {string} name */
export function setIcon(button, name) {
  const address = `${icons}#${name}`;
  const use = button.querySelector("use");
  if (use.getAttribute("href") !== address) use.setAttribute("href", address);
}

/** Whether somebody writes there, so that keys are letters. @param {any} element */
export function isTyping(element) {
  return Boolean(element.closest("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]"));
}
