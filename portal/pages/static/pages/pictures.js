// Uploads and replaces a library's pictures: two at a time, each with a preview and a ring; a failed one stays.
const AT_ONCE = 2;
const RING = `<svg class="ring" viewBox="0 0 36 36" aria-hidden="true"><circle cx="18" cy="18" r="16" pathLength="100"/><circle class="done" cx="18" cy="18" r="16" pathLength="100"/></svg>`;

class PortalPictures extends HTMLElement {
  connectedCallback() {
    this.waiting = [];
    this.running = 0;
    this.csrf = this.querySelector("[name=csrfmiddlewaretoken]").value;
    this.uploads = this.querySelector("[data-uploads]");
    const input = this.querySelector("#files");
    input.addEventListener("change", () => {
      this.add([...input.files]);
      input.value = "";
    });
    this.listenForDrops(this.querySelector(".drop"));
    document.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length) this.add([...event.clipboardData.files]);
    });
    this.offerReplacing();
  }

  listenForDrops(zone) {
    const over = (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      zone.classList.add("over");
    };
    document.addEventListener("dragenter", over);
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) zone.classList.remove("over");
    });
    document.addEventListener("drop", (event) => {
      zone.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      this.add([...event.dataTransfer.files]);
    });
  }

  add(files) {
    for (const file of files) {
      const name = file.name.replace(/\.[^.]*$/, "").slice(0, 200) || file.name;
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
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("X-CSRFToken", this.csrf);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    said.textContent = this.dataset.sending;
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      ring.style.strokeDashoffset = String(100 - (100 * loaded) / total);
      if (loaded === total) said.textContent = this.dataset.making;
    });
    return new Promise((resolve, reject) => {
      request.addEventListener("error", () => reject(new Error(this.dataset.away)));
      request.addEventListener("load", () => {
        if (request.status < 300) resolve();
        else reject(new Error(sentence(request.responseText) ?? this.dataset.failed));
      });
      request.send(file);
    });
  }

  fail({ row, said }, message) {
    said.textContent = "";
    row.querySelector(".ring").style.display = "none";
    row.querySelector(".fault").textContent = message;
    row.querySelector(".acts").hidden = false;
  }

  // The list as the server has it now, in the place of the one that is shown; the upload's row ends.
  async refresh({ row, said }) {
    said.textContent = this.dataset.stored;
    const answer = await fetch(this.dataset.page, { cache: "no-store" }).catch(() => null);
    const list = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-list]");
    if (!list) return;
    this.querySelector("[data-list]").replaceWith(document.adoptNode(list));
    this.drop(row);
    this.offerReplacing();
  }

  offerReplacing() {
    for (const input of this.querySelectorAll("[data-replace]")) {
      input.hidden = this.querySelector(`label[for="${input.id}"]`).hidden = false;
      input.addEventListener("change", () => {
        const { image } = input.closest("[data-image]").dataset;
        const name = input.closest("[data-image]").querySelector(".name").textContent;
        this.line(input.files[0], "PUT", `${this.dataset.api}/${image}/file`, name);
        this.next();
      });
    }
  }
}

function sentence(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return undefined; // no answer of ours: a proxy's page
  }
}

customElements.define("portal-pictures", PortalPictures);
