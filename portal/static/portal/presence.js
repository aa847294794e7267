// Reads the list of who is here again every two seconds, while somebody looks at the page.

const SECONDS = 2;
const list = document.getElementById("presence");

async function follow() {
  if (document.hidden) return;
  const answer = await fetch(list.dataset.address, { credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  const chosen = list.querySelector("input:checked")?.value;
  list.innerHTML = await answer.text();
  for (const one of list.querySelectorAll("input")) one.checked = one.value === chosen;
}

setInterval(() => follow().catch(() => {}), SECONDS * 1000);
