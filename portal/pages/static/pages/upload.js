// Files to the REST API of pictures: what pages do alike that take them.
import { said } from "./said.js";

export const AT_ONCE = 2;
export const RING = `<svg class="ring" viewBox="0 0 36 36" aria-hidden="true"><circle cx="18" cy="18" r="16" pathLength="100"/><circle class="done" cx="18" cy="18" r="16" pathLength="100"/></svg>`;

// The name of a picture from that of its file.
export function nameOf(file) {
  return file.name.replace(/\.[^.]*$/, "").slice(0, 200) || file.name;
}

// Call `add` with the files that are chosen, dropped on the page, or pasted; `zone` is marked while some are above it.
export function takeFiles(input, zone, add) {
  whenChosen(input, add);
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
    add([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) add([...event.clipboardData.files]);
  });
}

// Call `take` with the files of an input, also with those that were chosen before this script was there.
export function whenChosen(input, take) {
  const look = () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) take(files);
  };
  input.addEventListener("change", look);
  look();
}

// Send one; `progress(loaded, total)` is called meanwhile. The answer, or an error with a sentence from `words`.
export function send({ file, method, address, csrf, words, progress }) {
  const request = new XMLHttpRequest();
  request.open(method, address);
  request.setRequestHeader("X-CSRFToken", csrf);
  request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded, total));
  return new Promise((resolve, reject) => {
    request.addEventListener("error", () => reject(new Error(words.away)));
    request.addEventListener("load", () => {
      const answer = parsed(request.responseText);
      if (request.status < 300) resolve(answer);
      else reject(new Error(said(answer ?? {}) || words.failed));
    });
    request.send(file);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no answer of ours: a proxy's page
  }
}
