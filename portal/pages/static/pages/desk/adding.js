// New items: from templates, or from pictures that are chosen, dropped or pasted. All begin hidden.
import { AT_ONCE, nameOf, RING, send, takeFiles } from "../upload.js";
import { all, h, one } from "./dom.js";
import { desk, Part } from "./model.js";

const TEMPLATES = {
  note: () => ({ type: "note", name: desk.t("newNote"), text: "" }),
  creature: () => ({ type: "token", name: desk.t("newCreature"), hp: 10, maxHp: 10, ac: 10 }),
};

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function add(item) {
  const id = newId();
  desk.change({ itemId: id, key: "visible" }, () => desk.client.addItem({ id, ...item, visible: false }));
  return id;
}

class Adding extends Part {
  build() {
    this.waiting = [];
    this.running = 0;
    this.uploads = one("[data-uploads]");
    takeFiles(one("input[type=file]", this), desk.root, (files) => this.take(files));
    for (const button of all("[data-template]", this)) {
      button.addEventListener("click", () => {
        desk.select(add(TEMPLATES[button.dataset.template]()));
        one("desk-editor").begin();
      });
    }
  }

  get isBusy() {
    return this.running + this.waiting.length > 0;
  }

  take(files) {
    for (const file of files) this.line(file);
    this.uploads.scrollIntoView({ block: "nearest" });
    this.next();
  }

  line(file) {
    const picture = h("img", { src: URL.createObjectURL(file), alt: "", width: 56, height: 56 });
    picture.onerror = () => picture.remove();
    const row = h(
      "li",
      { class: "upload" },
      h("span", { class: "thumbnail" }, picture),
      h("span", { class: "what" }, h("span", { class: "name", text: nameOf(file) }), h("span", { class: "said" })),
    );
    row.insertAdjacentHTML("beforeend", RING);
    const fault = h("p", { class: "fault", role: "alert" });
    const job = { file, row, fault, picture };
    const acts = h(
      "span",
      { class: "acts" },
      h("button", { type: "button", text: desk.t("retry"), onclick: () => this.again(job) }),
      h("button", { type: "button", class: "plain", text: desk.t("remove"), onclick: () => this.drop(job) }),
    );
    job.acts = acts;
    row.append(fault, acts);
    this.uploads.append(row);
    this.wait(job);
  }

  again(job) {
    this.wait(job);
    this.next();
  }

  wait(job) {
    job.acts.hidden = true;
    job.fault.textContent = "";
    job.row.classList.remove("failed");
    job.row.querySelector(".said").textContent = desk.t("waits");
    this.waiting.push(job);
  }

  drop(job) {
    URL.revokeObjectURL(job.picture.src);
    job.row.remove();
  }

  next() {
    while (this.running < AT_ONCE && this.waiting.length) {
      this.running += 1;
      const job = this.waiting.shift();
      this.send(job)
        .then(({ images }) => {
          for (const { name, url } of images) add({ type: "image", name, image: url });
          this.drop(job);
        })
        .catch((error) => this.fail(job, error.message))
        .finally(() => {
          this.running -= 1;
          this.next();
        });
    }
  }

  send({ file, row }) {
    const ring = row.querySelector(".ring .done");
    const said = row.querySelector(".said");
    said.textContent = desk.t("uploading");
    const progress = (loaded, total) => {
      ring.style.strokeDashoffset = String(100 - (100 * loaded) / total);
      if (loaded === total) said.textContent = desk.t("beingStored");
    };
    const address = `${desk.root.dataset.images}?name=${encodeURIComponent(nameOf(file))}`;
    const words = { away: desk.t("away"), failed: desk.t("failed") };
    return send({ file, method: "POST", address, csrf: desk.csrf, words, progress });
  }

  fail({ row, fault, acts }, message) {
    row.classList.add("failed");
    row.querySelector(".said").textContent = "";
    fault.textContent = message;
    acts.hidden = false;
    row.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("desk-adding", Adding);
