// The live parts of sharing: how many watch by each link, and the link on the screens.
import { PortalClient } from "../client/portal-client.min.js";

const EVERY_MILLISECONDS = 3000;

const links = document.querySelector("#links");

async function count() {
  if (document.visibilityState === "hidden") return;
  const answer = await fetch(links.dataset.watching).catch(() => null); // the server is away: the numbers stay
  if (!answer || !answer.ok) return;
  for (const [id, sentence] of Object.entries(await answer.json())) {
    const line = links.querySelector(`[data-link="${id}"]`);
    if (line && line.textContent !== sentence) line.textContent = sentence;
  }
}

if (links) setInterval(count, EVERY_MILLISECONDS);

const button = document.querySelector("#show");
const fault = document.querySelector("#show-fault");

async function getCredential() {
  const { ticket, csrf, view } = button.dataset;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
  const answer = await fetch(ticket, { method: "POST", headers, body: JSON.stringify({ portalViewId: view }) });
  return answer.ok ? answer.json() : null;
}

// A command: the screens that are there now show it, and nothing is stored. The link is a secret.
async function show(isShown) {
  const { site, view, at, code, qr } = button.dataset;
  const client = new PortalClient({ url: location.origin + site, portalViewId: view, getCredential });
  try {
    await client.connect();
    const payload = isShown ? { joinAt: at, joinCode: code, joinQr: qr } : { joinAt: "" };
    await client.send({ type: "portal-view-update", payload });
  } finally {
    client.close();
  }
}

async function toggle() {
  const isShown = button.getAttribute("aria-pressed") !== "true";
  button.disabled = true;
  fault.textContent = "";
  try {
    await show(isShown);
    button.setAttribute("aria-pressed", String(isShown));
    button.querySelector("span").textContent = isShown ? button.dataset.take : button.dataset.show;
  } catch (error) {
    fault.textContent = button.dataset.failed;
  } finally {
    button.disabled = false;
  }
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", toggle);
}
