// Exchanges a code for a guest's seat, keeps its credential, and goes to watch.
import { said } from "./said.js";
import { keep } from "./store.js";

const form = document.querySelector("#join");
const fault = document.querySelector("#fault");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  fault.textContent = "";
  try {
    const { portalViewId, guest } = await ask();
    keep(`portal-guest-${portalViewId}`, guest);
    location.assign(form.dataset.view + portalViewId);
  } catch (error) {
    fault.textContent = error.message;
  } finally {
    button.disabled = false;
  }
});

async function ask() {
  const { code, name } = Object.fromEntries(new FormData(form));
  const body = JSON.stringify(name.trim() ? { code, name: name.trim() } : { code });
  const headers = { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(form.dataset.api, { method: "POST", headers, body });
  } catch (error) {
    throw new Error(form.dataset.away);
  }
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  throw new Error(said(found) || form.dataset.failed);
}
