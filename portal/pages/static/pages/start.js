// Questions as dialogs instead of pages of their own, buttons that copy a link, and times as the reader's clock has them.
for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || !window.HTMLDialogElement) return;
  event.preventDefault();
  ask(link.href);
});

async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = page?.querySelector("#confirm");
  if (!form) {
    location.assign(address); // it says what is wrong
    return;
  }
  form.classList.remove("panel");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "question");
  dialog.append(document.adoptNode(form));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  form.querySelector("[data-close]").addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.showModal();
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    const word = button.querySelector("span");
    word.setAttribute("aria-live", "polite");
    word.textContent = (await copied(field)) ? button.dataset.copied : button.dataset.press;
  });
}

// Over plain http there is no clipboard: the older way may work, and else the text is selected, for a person to copy.
async function copied(field) {
  field.focus();
  field.select();
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(field.value);
      return true;
    }
    return document.execCommand("copy");
  } catch {
    return false;
  }
}
