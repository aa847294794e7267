// The top bar: whether the line is good, what waits for it, and whether viewers see anything.
import { h, one, write } from "./dom.js";
import { said } from "../said.js";
import { desk, Part } from "./model.js";

const LOGGED_OUT = ["credential-missing", "session-ended", "token-invalid", "token-expired", "ticket-invalid", "user-unavailable"];

class Line extends Part {
  build() {
    this.word = one("[role=status]", this);
    this.when = h("span", { class: "when", "aria-hidden": "true" });
    this.now = h("button", { type: "button", class: "plain", text: desk.t("tryNow"), onclick: () => desk.client.tryNow() });
    this.logIn = h("a", { href: desk.root.dataset.login, text: desk.t("logIn") });
    this.append(this.when, this.now, this.logIn);
    setInterval(() => desk.client.status === "waiting" && this.draw(), 1_000);
  }

  draw() {
    const { nextAttemptAt, error, role } = desk.client;
    const status = this.look();
    const waiting = desk.waiting();
    const isOut = status === "closed" && LOGGED_OUT.includes(error?.code);
    this.dataset.status = status;
    this.now.hidden = status !== "waiting";
    this.logIn.hidden = !isOut;
    if (status !== "waiting") write(this.when, "");
    else if (nextAttemptAt) write(this.when, inSeconds(nextAttemptAt)); // during an attempt, what was said before stays
    write(this.word, waiting && status !== "closed" ? desk.count("wait", waiting) : lineOf(status, isOut, error, role));
  }

  // An attempt after a loss looks like the wait for it, so that nothing flickers.
  look() {
    const { status } = desk.client;
    return status === "connecting" && this.dataset.status === "waiting" ? "waiting" : status;
  }
}

function lineOf(status, isOut, error, role) {
  if (status === "open") return desk.t(role === "viewer" ? "onlyWatch" : "live");
  if (status === "waiting") return desk.t("reconnecting");
  if (status === "connecting") return desk.t("connecting");
  if (!error) return desk.t("connecting");
  return isOut ? desk.t("off") : `${desk.t("off")}: ${said(error)}`;
}

function inSeconds(at) {
  return desk.t("nextTry", { n: Math.max(0, Math.ceil((at - Date.now()) / 1000)) });
}

class Blackout extends Part {
  build() {
    one("[data-resume]", this).addEventListener("click", () => desk.toggleBlackout());
  }

  draw() {
    const isBlack = Boolean(desk.state?.blackout);
    if (this.hidden !== isBlack) return;
    const hadFocus = this.contains(document.activeElement);
    this.hidden = !isBlack;
    document.body.classList.toggle("black", isBlack);
    if (hadFocus) one("[data-black]").focus();
  }
}

customElements.define("desk-line", Line);
customElements.define("desk-blackout", Blackout);
