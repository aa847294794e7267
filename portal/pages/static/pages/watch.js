// Watches one portal view: as the guest that this browser was before, or as a new one of the link.
import { Folded } from "./fold.js";
import { forget, keep, read } from "./store.js";

const FINAL = {
  "link-withdrawn": "This link was withdrawn. Ask whoever invited you for a new one.",
  "link-expired": "This link has expired. Ask whoever invited you for a new one.",
  "share-invalid": "There is no such link. Ask whoever invited you for a new one.",
  "portal-view-deleted": "What you were watching was deleted.",
  "access-withdrawn": "You cannot watch this any more.",
  "no-access": "You cannot watch this any more.",
  "not-found": "There is nothing to watch here.",
  "origin-not-allowed": "This page cannot watch from here. Tell whoever runs this site.",
  "host-not-allowed": "This page cannot watch from here. Tell whoever runs this site.",
  "https-required": "Open this page with https:// instead of http://.",
};
const OF_THE_CREDENTIAL = new Set(["token-invalid", "token-expired", "session-ended", "user-unavailable", "credential-missing"]);
const WAITING = {
  "link-full": "All places of this link are taken. This page tries again by itself.",
  "portal-view-full": "All places are taken. This page tries again by itself.",
};
const AGAIN = "Connecting again …";
const SILENT_MILLISECONDS = 3_000;
const LONGEST_MILLISECONDS = 60_000;

const root = document.querySelector("#watch");
const [picture, name, line] = ["#picture", "#name", "#line"].map((id) => root.querySelector(id));
const { socket: path, protocol, share, key, join, cookie, images } = root.dataset;

let failures = 0;
let folded = new Folded();
let saying = 0;
let admitted = Promise.resolve();
let wanted = "";
let misses = 0;
let asking = 0;

function connect() {
  const credential = read(key);
  if (!credential && !share) return end("Type the code again to watch.", join);
  const address = new URL(path, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address, [protocol, credential ? `guest.${credential}` : `share.${share}`]);
  let fault = {};
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "error" || message.type === "going-away") fault = message;
    if (message.type === "connected") begin(message);
    folded.receive(message);
    show();
  });
  socket.addEventListener("close", ({ reason }) => closed(reason || fault.code, fault.retryAfter, Boolean(credential)));
}

function begin(message) {
  failures = 0;
  folded = new Folded();
  root.classList.add("live");
  if (message.guest) keep(key, message.guest);
  admitted = admit();
  say("");
}

function closed(reason, retryAfter, wasKnown) {
  if (OF_THE_CREDENTIAL.has(reason) && wasKnown) {
    forget(key);
    return connect();
  }
  if (Object.hasOwn(FINAL, reason)) return end(FINAL[reason]);
  if (OF_THE_CREDENTIAL.has(reason)) return end(FINAL["share-invalid"]);
  const wait = retryAfter ?? backOff(failures++);
  if (Object.hasOwn(WAITING, reason)) say(WAITING[reason]);
  else sayLater(AGAIN);
  setTimeout(connect, wait);
}

function backOff(times) {
  return Math.min(LONGEST_MILLISECONDS, 1000 * 2 ** times) * (0.5 + Math.random() / 2);
}

// A final end is a quiet page: what happened, and what to do.
function end(sentence, link) {
  root.classList.remove("live");
  want("");
  name.textContent = "";
  say(sentence);
  if (link) {
    const anchor = document.createElement("a");
    Object.assign(anchor, { href: link, textContent: "Join" });
    line.append(" ", anchor);
  }
}

function say(sentence) {
  clearTimeout(saying);
  saying = 0;
  line.textContent = sentence;
}

// Short interruptions are not mentioned.
function sayLater(sentence) {
  saying ||= setTimeout(() => say(sentence), SILENT_MILLISECONDS);
}

function show() {
  const { state } = folded;
  if (!state) return;
  const item = state.blackout ? null : state.items[state.currentItem];
  want(addressOf(item?.image));
  picture.alt = wanted ? String(item.name ?? "") : "";
  name.textContent = state.blackout ? "" : String(item ? (item.name ?? "") : state.name);
  name.classList.toggle("alone", !item);
}

function addressOf(image) {
  return typeof image === "string" && /^(https?:\/\/|\/(?!\/)|data:image\/)/.test(image) ? image : "";
}

// No header is sent with a picture: a cookie says that this guest asks for it.
async function admit() {
  const guest = read(key);
  if (!guest) return;
  const headers = { "Content-Type": "application/json" };
  try {
    await fetch(cookie, { method: "POST", headers, body: JSON.stringify({ guest }) });
  } catch {
    // the server is away: the picture is asked for again
  }
}

function want(image) {
  if (image === wanted) return;
  clearTimeout(asking);
  wanted = image;
  misses = 0;
  if (image) return ask(image);
  picture.hidden = true;
  picture.removeAttribute("src");
}

async function ask(image) {
  if (isOurs(image)) await admitted;
  if (image === wanted) picture.src = image;
}

function isOurs(image) {
  try {
    const { origin, pathname } = new URL(image, location.href);
    return origin === location.origin && pathname.startsWith(images);
  } catch {
    return false; // it is no address
  }
}

picture.addEventListener("load", () => {
  picture.hidden = !wanted;
  misses = 0;
});

// Nothing is shown in place of a picture that does not come; one of this site is asked for again.
picture.addEventListener("error", () => {
  picture.hidden = true;
  if (!wanted || !isOurs(wanted)) return;
  admitted = admit();
  asking = setTimeout(ask, backOff(misses++), wanted);
});

async function stayOn() {
  try {
    if (document.visibilityState === "visible") await navigator.wakeLock?.request("screen");
  } catch {
    // the device saves energy: nothing to do about it
  }
}

document.addEventListener("visibilitychange", stayOn);
stayOn();
connect();
