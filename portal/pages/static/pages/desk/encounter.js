// What viewers may see of all items, and whose turn it is.
import { h, write } from "./dom.js";
import { desk, Part } from "./model.js";

class Encounter extends Part {
  build() {
    this.turns = this.querySelector("[data-turns]");
    this.order = this.querySelector("[data-order]");
    this.round = this.querySelector("[data-round]");
    const turn = (run) => () => desk.change({ itemId: null, key: "turn" }, run);
    this.querySelector("[data-next-turn]").addEventListener("click", turn(() => desk.client.nextTurn()));
    this.querySelector("[data-previous-turn]").addEventListener("click", turn(() => desk.client.previousTurn()));
    this.switches = [...this.querySelectorAll("input[type=checkbox]")];
    for (const input of this.switches) {
      input.addEventListener("change", () => desk.patchView({ [input.name]: input.checked }));
    }
    this.display = this.querySelector("select");
    this.display.addEventListener("change", () => desk.patchView({ healthDisplay: this.display.value }));
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
  }
}

customElements.define("desk-encounter", Encounter);
