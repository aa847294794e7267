// The page around the stage: who watches, the line in words, and how it ends.
import { PortalClient } from "../client/portal-client.min.js";
import { stayAwake } from "./awake.js";
import { filled } from "./elements.js";
import { Stage } from "./stage.js";
import { forget, keep, read } from "./store.js";
import { getTicket } from "./ticket.js";

const SILENT = 3000; // short interruptions are not mentioned
const SECOND = 1000;
const FULL = ["link-full", "portal-view-full", "too-many-connections", "disconnected"];
const OF_A_GUEST = ["token-invalid", "token-expired", "session-ended", "user-unavailable", "credential-missing"];

const root = document.querySelector("#watch");
const [canvas, line, end, hint] = ["#stage", "#line", "#end", "#hint"].map((id) => document.querySelector(id));
const { site, view, share, key, csrf, ticket, cookie } = root.dataset;

// A member shows the session of the page for a ticket; a guest shows what this browser keeps, or the link.
async function getCredential() {
  return ticket ? getTicket({ address: ticket, portalViewId: view, csrf }) : { share, guest: read(key) };
}

const url = location.origin + site;
const client = new PortalClient({ url, portalViewId: view, getCredential, as: ticket ? "viewer" : undefined });

// No header is sent with a picture: a cookie says that this guest asks for it.
let admitted = { guest: "", promise: Promise.resolve() };

function admit(isAgain) {
  const { guest } = client;
  if (guest && (isAgain || guest !== admitted.guest)) {
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ guest }) };
    const promise = fetch(cookie, request).catch(() => {}); // the server is away: the picture is asked for again
    admitted = { guest, promise };
  }
  return admitted.promise;
}

let stage = null;
let lostAt = 0;
let ticking = 0;

function follow({ detail: { status, error } }) {
  if (status === "open") {
    if (client.guest) keep(key, client.guest);
    lostAt = 0;
    clearInterval(ticking);
    ticking = 0;
    line.hidden = true;
    leave();
  } else if (status === "closed") finish(error ? error.code : "");
  else {
    lostAt = lostAt || Date.now();
    ticking = ticking || setInterval(tell, SECOND);
    if (error && FULL.includes(error.code)) say(error.code);
  }
}

// The line in words, if it is long gone, and nothing else says so.
function tell() {
  line.hidden = Date.now() - lostAt < SILENT || !end.hidden;
  const seen = client.lastMessageAt;
  const seconds = Math.round((Date.now() - seen) / SECOND);
  line.textContent = seen && client.state ? filled(line.dataset.again, { seconds }) : line.dataset.first;
}

// A quiet page: what happened, and what to do.
function say(code) {
  const ends = Array.from(document.querySelector("#ends").content.children);
  const found = ends.find(({ dataset }) => dataset.codes.split(" ").includes(code)) || ends[ends.length - 1];
  end.textContent = "";
  end.append(document.importNode(found, true));
  end.hidden = false;
  canvas.hidden = true;
  line.hidden = true;
}

function leave() {
  end.hidden = true;
  canvas.hidden = false;
}

function finish(code) {
  clearInterval(ticking);
  if (OF_A_GUEST.includes(code) && key) forget(key);
  say(code);
  stage.close();
}

function isTooOld() {
  return !window.ResizeObserver || !HTMLImageElement.prototype.decode;
}

if (isTooOld()) document.querySelector("#too-old").hidden = false;
else {
  stage = new Stage(canvas, client, { admit, canLook: true });
  client.addEventListener("status", follow);
  client.connect().catch(() => {}); // `follow` has told
  stayAwake(hint);
}
