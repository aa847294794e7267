// What pages of the server need in a browser: times as the reader's clock has them, and buttons that copy a link.
export function enliven(root) {
  for (const time of root.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      const word = button.querySelector("span");
      word.setAttribute("aria-live", "polite");
      word.textContent = (await copied(field)) ? button.dataset.copied : button.dataset.press;
    });
  }
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
