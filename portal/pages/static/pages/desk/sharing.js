// The page of sharing above the desk: its forms and questions lead on in the same place.
import { enliven } from "../enliven.js";
import "../share.js";
import { all, one, write } from "./dom.js";
import { desk } from "./model.js";

const box = one("#sharing");
const place = one("[data-place]", box);
const fault = one(".fault", box);

/** Show a part of another page; with a body, by a form's POST. @param {string} address @param {FormData} [body] */
async function go(address, body) {
  write(fault, "");
  const answer = await fetch(address, body ? { method: "POST", body } : {}).catch(() => null);
  if (!answer) return write(fault, desk.t("away"));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.querySelector("portal-share, #confirm");
  if (!part) return location.assign(address); // it says what is wrong, or asks to log in
  const hadFocus = place.contains(document.activeElement);
  // With what the server says of the form before
  place.replaceChildren(...[...page.querySelectorAll("p.said"), part].map((one) => document.adoptNode(one)));
  enliven(place);
  if (!hadFocus) return;
  const heading = one("h1, h2", place);
  heading.tabIndex = -1;
  heading.focus();
}

for (const link of all("[data-share]")) {
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    box.showPopover();
    go(link.href);
  });
}

box.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog], a[data-close]");
  if (!link) return;
  event.preventDefault();
  go(link.href);
});

box.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.method === "post") go(event.target.action, new FormData(event.target));
});

// What stood there is a secret, and asks the server again and again
box.addEventListener("toggle", ({ newState }) => newState === "closed" && place.replaceChildren());
