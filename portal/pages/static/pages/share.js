// The live parts of sharing: how many watch by each link, and the link on the screens.
import { PortalClient } from "../client/portal-client.min.js";
import { getTicket } from "./ticket.js";

const EVERY_MILLISECONDS = 3000;

class PortalShare extends HTMLElement {
  connectedCallback() {
    this.links = this.querySelector("[data-watching]");
    this.button = this.querySelector("[data-show]");
    this.fault = this.querySelector("[data-fault]");
    if (this.links) this.counting = setInterval(() => this.count(), EVERY_MILLISECONDS);
    if (!this.button) return;
    this.button.addEventListener("click", () => this.toggle());
  }

  disconnectedCallback() {
    clearInterval(this.counting);
  }

  async count() {
    if (document.visibilityState === "hidden") return;
    const answer = await fetch(this.links.dataset.watching).catch(() => null); // the server is away: the numbers stay
    if (!answer || !answer.ok) return;
    for (const [id, sentence] of Object.entries(await answer.json())) {
      const line = this.links.querySelector(`[data-link="${id}"]`);
      if (line && line.textContent !== sentence) line.textContent = sentence;
    }
  }

  async toggle() {
    const { button, fault } = this;
    const isShown = button.getAttribute("aria-pressed") !== "true";
    button.disabled = true;
    fault.textContent = "";
    try {
      await show(button.dataset, isShown);
      button.setAttribute("aria-pressed", String(isShown));
      button.querySelector("span").textContent = isShown ? button.dataset.take : button.dataset.show;
    } catch (error) {
      fault.textContent = button.dataset.failed;
    } finally {
      button.disabled = false;
    }
  }
}

// A command: the screens that are there now show it, and nothing is stored. The link is a secret.
async function show({ site, view, at, code, qr, ticket, csrf }, isShown) {
  const getCredential = () => getTicket({ address: ticket, portalViewId: view, csrf });
  const client = new PortalClient({ url: location.origin + site, portalViewId: view, getCredential });
  try {
    await client.connect();
    const payload = isShown ? { joinAt: at, joinCode: code, joinQr: qr } : { joinAt: "" };
    await client.send({ type: "portal-view-update", payload });
  } finally {
    client.close();
  }
}

customElements.define("portal-share", PortalShare);
