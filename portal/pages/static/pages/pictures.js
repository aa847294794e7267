// Uploads and replaces a library's pictures: two at a time, each with a preview and a ring; a failed one stays.
import { load, replace } from "./replaced.js";
import { AT_ONCE, nameOf, RING, send, takeFiles, whenChosen } from "./upload.js";

class PortalPictures extends HTMLElement {
  connectedCallback() {
    this.waiting = [];
    this.running = 0;
    this.csrf = this.querySelector("[name=csrfmiddlewaretoken]").value;
    this.uploads = this.querySelector("[data-uploads]");
    takeFiles(this.querySelector("#files"), this.querySelector(".drop"), (files) => this.add(files));
    this.offerReplacing();
    // What is not sent yet would be lost
    addEventListener("beforeunload", (event) => {
      if (this.running + this.waiting.length) event.preventDefault();
    });
  }

  add(files) {
    for (const file of files) {
      const name = nameOf(file);
      this.line(file, "POST", `${this.dataset.api}?name=${encodeURIComponent(name)}`, name);
    }
    this.next();
  }

  line(file, method, address, name) {
    const row = document.createElement("li");
    row.innerHTML = `<img alt="" width="56" height="56">${RING}<div class="what"><p class="name"></p><p class="said-of muted small"></p><p class="fault" role="alert"></p></div><div class="acts" hidden><button type="button" class="plain" data-retry></button><button type="button" class="plain" data-remove></button></div>`;
    const picture = row.querySelector("img");
    picture.src = URL.createObjectURL(file);
    picture.onerror = () => picture.replaceWith(Object.assign(document.createElement("span"), { className: "blank" }));
    row.querySelector(".name").textContent = name;
    const job = { file, method, address, row, said: row.querySelector(".said-of") };
    const [retry, remove] = row.querySelectorAll("button");
    retry.textContent = this.dataset.retry;
    remove.textContent = this.dataset.remove;
    retry.addEventListener("click", () => this.wait(job) || this.next());
    remove.addEventListener("click", () => this.drop(row));
    this.uploads.append(row);
    this.uploads.hidden = false;
    this.wait(job);
  }

  wait(job) {
    job.row.querySelector(".acts").hidden = true;
    job.row.querySelector(".fault").textContent = "";
    job.row.querySelector(".ring").style.display = "";
    job.said.textContent = this.dataset.waiting;
    this.waiting.push(job);
  }

  drop(row) {
    const picture = row.querySelector("img");
    if (picture) URL.revokeObjectURL(picture.src);
    row.remove();
    this.uploads.hidden = !this.uploads.childElementCount;
  }

  next() {
    while (this.running < AT_ONCE && this.waiting.length) {
      this.running += 1;
      const job = this.waiting.shift();
      this.send(job)
        .then(() => this.refresh(job))
        .catch((error) => this.fail(job, error.message))
        .finally(() => {
          this.running -= 1;
          this.next();
        });
    }
  }

  send({ file, method, address, row, said }) {
    const ring = row.querySelector(".ring .done");
    said.textContent = this.dataset.sending;
    const progress = (loaded, total) => {
      ring.style.strokeDashoffset = String(100 - (100 * loaded) / total);
      if (loaded === total) said.textContent = this.dataset.making;
    };
    return send({ file, method, address, csrf: this.csrf, words: this.dataset, progress });
  }

  fail({ row, said }, message) {
    said.textContent = "";
    row.querySelector(".ring").style.display = "none";
    row.querySelector(".fault").textContent = message;
    row.querySelector(".acts").hidden = false;
  }

  // The list as the server has it now, in the place of the one that is shown; the upload's row ends.
  async refresh({ method, address, row, said }) {
    said.textContent = this.dataset.stored;
    const answer = await fetch(this.dataset.page, { cache: "no-store" }).catch(() => null);
    const list = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-list]");
    if (!list) return;
    this.querySelector("[data-list]").replaceWith(document.adoptNode(list));
    this.drop(row);
    this.offerReplacing();
    if (method === "PUT") this.renew(address);
  }

  // Another picture has the same address: what the browser has kept of the one before is not it.
  renew(address) {
    const picture = this.querySelector(`[data-image="${address.split("/").slice(-2)[0]}"] img`);
    if (!picture) return;
    replace(picture.src);
    load(picture, picture.src).catch(() => {}); // the one before stays
  }

  offerReplacing() {
    for (const input of this.querySelectorAll("[data-replace]")) {
      whenChosen(input, ([file]) => {
        const { image } = input.closest("[data-image]").dataset;
        const name = input.closest("[data-image]").querySelector(".name").textContent;
        this.line(file, "PUT", `${this.dataset.api}/${image}/file`, name);
        this.next();
      });
    }
  }
}

customElements.define("portal-pictures", PortalPictures);
