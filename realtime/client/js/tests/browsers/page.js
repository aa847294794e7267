// What portal/tests/test_js_client_in_browsers.py does in a page of a real browser: it has clients, each with a key.
import { PortalClient } from "/portal-client.min.js";

const PATIENCE = 30_000;
const ours = {};

// Bytes are {bytes: [1, 2]} on their way from and to the test.
const readable = (value) =>
  JSON.parse(JSON.stringify(value, (_, one) => (one instanceof Uint8Array ? { bytes: [...one] } : one)));
const meant = (value) =>
  JSON.parse(JSON.stringify(value), (_, one) => (one && one.bytes ? Uint8Array.from(one.bytes) : one));

// The global object for a client, but that its time passes so many times as fast, and that its chance may be known.
function world(speed, random) {
  const began = Date.now();
  return {
    WebSocket,
    document,
    addEventListener: (...given) => addEventListener(...given),
    removeEventListener: (...given) => removeEventListener(...given),
    Math: { random: () => (random === undefined ? Math.random() : random) },
    Date: { now: () => began + (Date.now() - began) * speed },
    setTimeout: (action, milliseconds) => setTimeout(action, milliseconds / speed),
    clearTimeout: (id) => clearTimeout(id),
  };
}

// Begin to connect. Each attempt is given the next of the credentials, and the last one again and again.
function begin({ key, credentials, speed, random, ...options }) {
  const one = (ours[key] = { asked: 0, heard: [], refused: [], outcomes: [] });
  const getCredential = () => {
    one.asked += 1;
    return credentials[Math.min(one.asked, credentials.length) - 1];
  };
  const others = speed || random ? { world: world(speed || 1, random) } : {};
  one.client = new PortalClient({ getCredential, ...options, ...others });
  one.client.addEventListener("message", ({ detail }) => one.heard.push(detail));
  one.client.addEventListener("refused", ({ detail }) => one.refused.push(detail.error.code));
  one.connected = outcome(one.client.connect());
}

const outcome = (promise) =>
  promise.then(
    (version) => ({ version: version === undefined ? null : version }),
    ({ code }) => ({ code }),
  );

function seen({ key }) {
  const { client, asked, heard, refused } = ours[key];
  const { status, nextAttemptAt, role, subject, version, state, confirmed, presence } = client;
  const code = client.error && client.error.code;
  const of = { status, nextAttemptAt, role, subject, version, state, confirmed, presence };
  return readable({ ...of, code, asked, heard, refused });
}

function start({ key, method, given }) {
  ours[key].outcomes.push(outcome(ours[key].client[method](...meant(given))));
}

async function until(key, isSo) {
  const end = Date.now() + PATIENCE;
  while (!isSo(ours[key].client, ours[key])) {
    if (Date.now() > end) throw new Error(`It never was: ${isSo}; but ${JSON.stringify(seen({ key }))}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return seen({ key });
}

function soon(key, promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`A promise has not settled: ${JSON.stringify(seen({ key }))}`)), PATIENCE);
  });
  return Promise.race([promise, late]);
}

// Have the page hidden, or shown. Nothing hides a page of a browser without a screen.
function hide({ isHidden }) {
  const visibilityState = { configurable: true, get: () => (isHidden ? "hidden" : "visible") };
  Object.defineProperty(document, "visibilityState", visibilityState);
  document.dispatchEvent(new Event("visibilitychange"));
}

globalThis.tests = {
  begin,
  seen,
  start,
  until,
  hide,
  connected: ({ key }) => soon(key, ours[key].connected),
  outcomes: ({ key }) => soon(key, Promise.all(ours[key].outcomes.splice(0))),
  close: ({ key }) => ours[key].client.close(),
  isOnline: () => navigator.onLine,
};
