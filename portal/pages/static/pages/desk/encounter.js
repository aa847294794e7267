// What viewers may see of all items, and whose turn it is.
import { all, h, one, write } from "./dom.js";
import { drawFailure, failureBox } from "./failure.js";
import { desk, Part } from "./model.js";

class Encounter extends Part {
  build() {
    this.turns = one("[data-turns]", this);
    this.order = one("[data-order]", this);
    this.round = one("[data-round]", this);
    const turn = (run) => () => desk.change({ itemId: null, key: "turn" }, run);
    one("[data-next-turn]", this).addEventListener("click", turn(() => desk.client.nextTurn()));
    one("[data-previous-turn]", this).addEventListener("click", turn(() => desk.client.previousTurn()));
    this.switches = all("input[type=checkbox]", this);
    for (const input of this.switches) {
      input.addEventListener("change", () => desk.patchView({ [input.name]: input.checked }));
    }
    this.display = one("select", this);
    this.display.addEventListener("change", () => this.showAs(this.display.value));
    for (const input of [...this.switches, this.display]) this.say(input.name, input.closest("label"));
    this.say("turn", one(".turns", this));
  }

  showAs(healthDisplay) {
    const [before, after] = [desk.state.healthDisplay, healthDisplay].map((display) => desk.t(`health-${display}`));
    desk.change({ itemId: null, key: "healthDisplay", before, after }, () => desk.client.update({ healthDisplay }));
  }

  // Where it stands that a change of the whole portal view was refused: below what was pressed.
  say(key, control) {
    const box = failureBox();
    box.dataset.key = key;
    control.after(box);
    desk.addEventListener("draw", () => drawFailure(box, desk.failure(null, key)));
  }

  draw() {
    const { state } = desk;
    if (!state) return;
    for (const input of this.switches) input.checked = Boolean(state[input.name]);
    if (this.display.value !== state.healthDisplay) this.display.value = state.healthDisplay;
    const { encounter } = state;
    this.turns.hidden = !encounter?.order.length;
    if (this.turns.hidden) return;
    write(this.round, desk.t("round", { n: encounter.round }));
    const rows = encounter.order.map(({ itemId }) => [desk.item(itemId)?.name ?? itemId, itemId === encounter.turn]);
    const drawn = JSON.stringify(rows);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.order.replaceChildren(...rows.map(([name, isTurn]) => h("li", { text: String(name), "aria-current": isTurn ? "true" : null })));
    const now = this.order.querySelector("[aria-current]");
    if (now) this.order.scrollTop = now.offsetTop - this.order.clientHeight / 3;
  }
}

customElements.define("desk-encounter", Encounter);
