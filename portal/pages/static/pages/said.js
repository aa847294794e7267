// A refusal in the language of the page: the server's own sentences are English, and its codes are the contract.
// The rule is that of `portal.pages.said`, which says them in pages that the server writes.
const NAME = /\{(\w+)\}/g;
const BEGINNING = /^(?:Nothing was \w+: )?(?:[\w.[\]]+: )?/;
const NUMBER = /^(?:0|[1-9]\d{0,14}|[1-9]\d{0,2}(?:,\d{3}){1,4})$/; // as many digits as are exact

const { sentences, codes } = JSON.parse(document.querySelector("[data-refusals]").dataset.refusals);
const patterns = sentences.map(([english, translated]) => {
  const parts = english.split(NAME); // every second one is a name
  const names = parts.filter((_, place) => place % 2 === 1);
  const pattern = parts.map((part, place) => (place % 2 ? "([^]+)" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))).join("");
  return { pattern: new RegExp(`^${pattern}$`), names, translated };
});

// What a refusal with a code and a sentence says; empty if it has neither words nor a sentence.
export function said({ code, message }) {
  const text = String(message || "");
  return translated(text) || translated(text.replace(BEGINNING, "")) || codes[code] || text;
}

function translated(text) {
  for (const { pattern, names, translated: sentence } of patterns) {
    const found = pattern.exec(text);
    if (found) return sentence.replace(NAME, (_, name) => localized(found[1 + names.indexOf(name)]));
  }
  return "";
}

function localized(value) {
  return NUMBER.test(value) ? Number(value.replace(/,/g, "")).toLocaleString(document.documentElement.lang) : value;
}
