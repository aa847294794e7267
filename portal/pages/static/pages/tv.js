// Shows a code until a controller adds this screen, and then goes to what it is to show.
import { stayAwake } from "./awake.js";

const POLL_MILLISECONDS = 2000;
const LONGEST_MILLISECONDS = 60000;

const root = document.querySelector("#tv");
const [code, qr, line] = ["#code", "#qr", "#line"].map((id) => root.querySelector(id));
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// The answer, or null if it was refused for good; waits and tries again as long as the server is away or busy.
async function ask(address, body) {
  for (let failures = 0; ; failures++) {
    let wait = Math.min(LONGEST_MILLISECONDS, POLL_MILLISECONDS * 2 ** failures) * (0.5 + Math.random() / 2);
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
      if (answer.ok) {
        line.textContent = "";
        return await answer.json();
      }
      if (answer.status < 500 && answer.status !== 429) return null;
      wait = Math.max(wait, 1000 * Number(answer.headers.get("Retry-After") || 0));
    } catch (error) {
      // the server is away
    }
    line.textContent = root.dataset.again;
    await sleep(wait);
  }
}

async function run() {
  for (;;) {
    const screen = await ask(root.dataset.api, {});
    if (screen === null) {
      line.textContent = root.dataset.refused;
      return;
    }
    show(screen.code);
    for (let found = { state: "waiting" }; found !== null; found = await ask(root.dataset.claim, { claim: screen.claim })) {
      if (found.state === "ready") {
        location.replace(root.dataset.view + found.token);
        return;
      }
      await sleep(POLL_MILLISECONDS);
    }
  }
}

function show(text) {
  code.textContent = text;
  qr.src = `${root.dataset.qr}?code=${encodeURIComponent(text)}`;
  qr.hidden = false;
}

root.hidden = false; // it is in the middle: a slow browser would draw the first half of it, and move that for the rest
stayAwake(document.querySelector("#hint"));
run();
