// Next, Previous and Black out: in the right column of a laptop, in the bottom bar of a phone.
import { one, write } from "./dom.js";
import { desk, Part } from "./model.js";

class Steps extends Part {
  build() {
    this.previous = one("[data-previous]", this);
    this.black = one("[data-black]", this);
    this.next = one("[data-next]", this);
    this.previous.addEventListener("click", () => desk.step(-1));
    this.next.addEventListener("click", () => desk.step(1));
    this.black.addEventListener("click", () => desk.toggleBlackout());
  }

  draw() {
    const { state } = desk;
    const next = state && desk.neighbour(1);
    // Never `disabled`: a button that somebody presses again and again keeps the focus
    this.previous.setAttribute("aria-disabled", String(!(state && desk.neighbour(-1))));
    this.next.setAttribute("aria-disabled", String(!next));
    this.black.setAttribute("aria-pressed", String(Boolean(state?.blackout)));
    write(this.next.querySelector("[data-name]"), next ? String(next.name ?? "") : "");
    write(this.black.querySelector("span"), desk.t(state?.blackout ? "resume" : "blackOut"));
  }
}

customElements.define("desk-steps", Steps);
