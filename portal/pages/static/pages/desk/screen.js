// "On screen now": the stage's own code on a viewer's socket, so it is exactly what viewers see.
import { Stage } from "../stage.js";
import { keep } from "../store.js";
import { all, one, write } from "./dom.js";
import { Hand } from "./hand.js";
import { desk, Part } from "./model.js";

class Screen extends Part {
  build() {
    this.stage = new Stage(one(".stage-view", this), desk.viewer, {});
    this.hand = new Hand(this.stage, desk.root.dataset.hand);
    this.hint = one("[data-hint]", this);
    this.away = one("[data-away]", this);
    this.large = one("[data-large]", this);
    for (const button of all("[data-zoom]", this)) {
      button.addEventListener("click", () => this.hand.zoom(Number(button.dataset.zoom)));
    }
    for (const button of all("[data-right]", this)) {
      button.addEventListener("click", () => this.hand.move(Number(button.dataset.right), Number(button.dataset.down)));
    }
    one("[data-whole]", this).addEventListener("click", () => this.hand.whole());
    this.large.addEventListener("click", () => {
      const isLarge = this.classList.toggle("enlarged");
      this.large.setAttribute("aria-pressed", String(isLarge));
    });
  }

  draw() {
    const viewers = desk.client.presence?.viewers ?? [];
    const hasCamera = Boolean(this.hand.box);
    one("[data-camera]", this).hidden = !hasCamera;
    one("[data-moves]", this).hidden = !hasCamera || this.hand.camera.zoom <= 1;
    this.away.hidden = desk.viewer.status === "open" || desk.client.status !== "open";
    const isFirst = viewers.length > 0 && !desk.remembers("has-shown");
    write(this.hint, isFirst ? desk.t("isWatching", { name: viewers[0].name ?? desk.t("aGuest") }) : "");
  }
}

// The share code, in the preview's place until the first viewer is there.
class Invite extends Part {
  build() {
    this.made = one("[data-made]", this);
    this.fault = one(".fault", this);
    one("form", this).addEventListener("submit", (event) => this.share(event));
    one("[data-close]", this).addEventListener("click", () => {
      keep(desk.memory("has-viewers"), "1");
      desk.draw();
    });
  }

  draw() {
    const counts = desk.client.presence?.counts;
    if (counts?.viewers) keep(desk.memory("has-viewers"), "1");
    const isWanted = Boolean(counts) && !counts.viewers && !desk.remembers("has-viewers");
    if (this.hidden === !isWanted) return;
    this.hidden = !isWanted;
    this.closest("section").classList.toggle("inviting", isWanted);
  }

  // The page of sharing makes the link, and keeps it for this browser; what it shows stands here, too.
  async share(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    button.disabled = true;
    this.fault.textContent = "";
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const shared = page.querySelector(".shared");
      if (!shared) throw new Error(page.querySelector(".errorlist, .panel h1, h1")?.textContent ?? desk.t("failed"));
      const parts = [".qr", ".address", "p.code"].map((name) => shared.querySelector(name)).filter(Boolean);
      this.made.replaceChildren(...parts.map((part) => document.adoptNode(part)));
      form.hidden = true;
    } catch (error) {
      this.fault.textContent = error instanceof TypeError ? desk.t("away") : error.message;
    } finally {
      button.disabled = false;
    }
  }
}

customElements.define("desk-screen", Screen);
customElements.define("desk-invite", Invite);
