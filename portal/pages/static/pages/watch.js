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
const { socket: path, protocol, share, key, join } = root.dataset;

let failures = 0;
let folded = new Folded();
let saying = 0;

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
  say("");
}

function closed(reason, retryAfter, wasKnown) {
  if (OF_THE_CREDENTIAL.has(reason) && wasKnown) {
    forget(key);
    return connect();
  }
  if (Object.hasOwn(FINAL, reason)) return end(FINAL[reason]);
  if (OF_THE_CREDENTIAL.has(reason)) return end(FINAL["share-invalid"]);
  const backOff = Math.min(LONGEST_MILLISECONDS, 1000 * 2 ** failures++) * (0.5 + Math.random() / 2);
  if (Object.hasOwn(WAITING, reason)) say(WAITING[reason]);
  else sayLater(AGAIN);
  setTimeout(connect, retryAfter ?? backOff);
}

// A final end is a quiet page: what happened, and what to do.
function end(sentence, link) {
  root.classList.remove("live");
  picture.hidden = true;
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
  const image = addressOf(item?.image);
  if (image && picture.getAttribute("src") !== image) picture.src = image;
  picture.hidden = !image;
  picture.alt = image ? String(item.name ?? "") : "";
  name.textContent = state.blackout ? "" : String(item ? (item.name ?? "") : state.name);
  name.classList.toggle("alone", !item);
}

function addressOf(image) {
  return typeof image === "string" && /^(https?:\/\/|\/(?!\/)|data:image\/)/.test(image) ? image : "";
}

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
