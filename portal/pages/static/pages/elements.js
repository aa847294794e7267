// Elements and sentences, as Chromium 76 can make them.
export function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

// A sentence of the template, with what belongs in its braces.
export function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Let an element be another one for the eye: nothing of it moves from where it stood.
export function drawAnew(element) {
  element.hidden = true;
  element.getBoundingClientRect();
  element.hidden = false;
}
