// How a client connects, notices a dead line, and comes back.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { CLOSE_REASONS, ERRORS, FINAL_CODES, RECONNECT } from "../src/tables.js";
import { ADA, dialled, heard, opened, outcome, PortalError, STATE } from "./world.js";

test("it dials the portal view, with the credential out of the address", async () => {
  const { client, world } = await dialled({ name: "Ada & Bo" });
  assert.equal(client.status, "connecting");
  assert.equal(world.socket.address, "wss://portal.example.org/base/ws/portal-view/view?name=Ada%20%26%20Bo");
  assert.deepEqual(world.socket.protocols, ["portal.v1.json", "bearer.t1"]);
  world.socket.connects();
  assert.equal(client.status, "open");
  assert.equal(client.role, "controller");
  assert.deepEqual(client.subject, ADA);
  assert.deepEqual(client.confirmed, STATE);
  assert.equal(client.lastMessageAt, world.time);
});

for (const [given, protocol] of [
  [{ ticket: "x" }, "ticket.x"],
  [{ share: "s" }, "share.s"],
  [{ share: "s", guest: "g" }, "guest.g"],
]) {
  test(`${protocol} is a credential`, async () => {
    const { world } = await dialled({ getCredential: async () => given });
    assert.equal(world.socket.protocols[1], protocol);
  });
}

test("connect() tells when it is open, and close() ends it", async () => {
  const { client, world } = await opened();
  assert.equal(await outcome(client.connect()), undefined);
  client.close();
  assert.equal(client.status, "closed");
  assert.equal(client.error, null);
  assert.ok(world.socket.isClosed);
  await world.pass(600_000);
  assert.equal(world.sockets.length, 1);
});

test("connect() rejects with what is final", async () => {
  const { client, world } = await dialled();
  const opening = client.connect();
  world.socket.says({ type: "error", code: "no-access", message: "There is no such portal view." });
  world.socket.closes(1008, "no-access");
  await assert.rejects(opening, { code: "no-access", message: "There is no such portal view." });
});

test("after close() it comes back with what it has", async () => {
  const { client, world } = await opened();
  client.close();
  client.connect();
  await world.pass(0);
  assert.match(world.socket.address, /\?version=5&epoch=one$/);
});

// The first attempt after a loss

for (const within of [undefined, 500, 5000]) {
  test(`the first attempt is uniform within ${within || "1000, unless the server says more"}`, async () => {
    for (const random of [0, 0.25, 0.999]) {
      const { client, world } = await opened({}, { reconnectWithin: within });
      await world.pass(10_000);
      world.random = random;
      world.socket.closes();
      assert.equal(client.status, "waiting");
      assert.equal(client.nextAttemptAt - world.time, random * (within || 1000));
      assert.equal(client.error.code, "connection-lost");
      await world.pass(Math.max(0, client.nextAttemptAt - world.time - 1));
      assert.equal(world.sockets.length, random ? 1 : 2);
      await world.pass(1);
      assert.equal(world.sockets.length, 2);
    }
  });
}

test("later attempts have full jitter, over as long as the loss lasts, up to 20 s", async () => {
  const { client, world } = await opened({}, { reconnectWithin: 2000 });
  await world.pass(10_000);
  const lostAt = world.time;
  world.random = 0.999;
  world.socket.closes();
  const windows = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await world.pass(client.nextAttemptAt - world.time);
    world.socket.closes();
    const window = (client.nextAttemptAt - world.time) / 0.999;
    assert.ok(Math.abs(window - Math.min(20_000, Math.max(3000, world.time - lostAt))) < 1, `${window}`);
    windows.push(window);
  }
  assert.equal(windows[0], 3000);
  assert.ok(windows.at(-1) > 19_999);
  world.random = 0;
  await world.pass(20_000);
  world.socket.closes();
  assert.equal(client.nextAttemptAt, world.time);
});

test("a line that breaks at once again does not begin anew", async () => {
  const { client, world } = await opened();
  await world.pass(10_000);
  world.random = 0.999;
  world.socket.closes();
  await world.pass(1000);
  world.socket.connects();
  await world.pass(4000);
  world.socket.closes();
  assert.ok(client.nextAttemptAt - world.time > 4000);
});

test("an attempt that gets no answer ends after 10 s", async () => {
  const { client, world } = await dialled();
  await world.pass(9999);
  assert.equal(client.status, "connecting");
  await world.pass(1);
  assert.equal(client.status, "waiting");
  assert.ok(world.socket.isClosed);
});

test("a state may take longer, once the line is there", async () => {
  const { client, world } = await dialled();
  await world.pass(9000);
  world.socket.onopen();
  await world.pass(29_999);
  assert.equal(client.status, "connecting");
  await world.pass(1);
  assert.equal(client.status, "waiting");
});

test("a very long retryAfter does not mean at once", async () => {
  const { world } = await dialled();
  world.socket.says({ type: "error", code: "disconnected", message: "Come back later.", retryAfter: 2 ** 40 });
  world.socket.closes(1013, "disconnected");
  world.setTimeout = (_, milliseconds) => assert.ok(milliseconds < 2 ** 31);
  await world.online();
  assert.equal(world.sockets.length, 1);
});

test("who connects again when it is closed gets a line of its own", async () => {
  const { client, world } = await opened();
  client.addEventListener("status", ({ detail }) => detail.status === "closed" && client.connect(), { once: true });
  world.socket.closes(1000, "portal-view-deleted");
  const opening = client.connect();
  await world.pass(0);
  world.socket.connects();
  assert.equal(await outcome(opening), undefined);
});

// The closing tables

const closeOf = (reason) => ERRORS[reason] || { "portal-view-deleted": 1000, "going-away": 1012 }[reason] || 1013;

for (const [reason, advice] of Object.entries(RECONNECT)) {
  test(`after ${reason}: ${advice}`, async () => {
    let tokens = 0;
    const getCredential = () => ({ token: `t${(tokens += 1)}` });
    const { client, world } = await opened({ getCredential });
    await world.pass(10_000);
    const last = reason === "going-away" ? { type: reason } : { type: "error", code: reason, message: "So it is." };
    const retryAfter = advice === "after retryAfter" ? 7000 : undefined;
    world.socket.says({ ...last, retryAfter });
    world.socket.closes(closeOf(reason), reason);
    assert.equal(client.error.code, reason);
    if (advice === "no") {
      assert.equal(client.status, "closed");
      await world.pass(600_000);
      assert.equal(world.sockets.length, 1);
      return;
    }
    const least = retryAfter || 0;
    const jitter = reason === "going-away" ? 0 : 500;
    assert.equal(client.nextAttemptAt - world.time, least + jitter);
    await world.online(); // nothing makes it come before retryAfter
    assert.equal(world.sockets.length, least ? 1 : 2);
    await world.pass(least);
    assert.equal(world.socket.protocols[1], "bearer.t2");
  });
}

test("without retryAfter, it comes back with back-off", async () => {
  for (const reason of Object.keys(RECONNECT).filter((one) => RECONNECT[one] === "after retryAfter")) {
    const { client, world } = await opened();
    world.socket.closes(closeOf(reason), reason);
    assert.equal(client.nextAttemptAt - world.time, 500, reason);
  }
});

test("the retryAfter of another error does not count", async () => {
  const { client, world } = await opened();
  world.socket.says({ type: "error", code: "rate-limited", message: "Slower.", retryAfter: 7000 });
  world.socket.closes();
  assert.equal(client.nextAttemptAt - world.time, 500);
});

test("closes without a reason are judged by their code", async () => {
  for (const code of [1000, 1001, 1003, 1006, 1008, 1009, 1011, 1012, 1013, 4000]) {
    const { client, world } = await opened();
    world.socket.closes(code);
    const isFinal = FINAL_CODES.includes(code) || RECONNECT[CLOSE_REASONS[code]] === "no";
    assert.equal(client.status, isFinal ? "closed" : "waiting", String(code));
    assert.equal(client.error.code, CLOSE_REASONS[code] || "connection-lost");
  }
  assert.deepEqual(FINAL_CODES, [1000, 1003, 1009]);
});

test("a reason that is not known means back-off", async () => {
  const { client, world } = await opened();
  world.socket.closes(1008, "constructor");
  assert.equal(client.status, "waiting");
});

test("who is sent away comes back as the server has said, also if the close was lost", async () => {
  const { client, world } = await opened();
  world.socket.says({ type: "going-away", retryAfter: 3210 });
  world.socket.closes();
  assert.equal(client.nextAttemptAt - world.time, 3210);
});

// Credentials

test("a credential that was refused is not sent again", async () => {
  const { client, world } = await dialled();
  world.socket.says({ type: "error", code: "token-expired", message: "The token has expired." });
  world.socket.closes(1008, "token-expired");
  assert.equal(client.status, "waiting");
  await world.pass(20_000);
  assert.equal(client.status, "closed");
  assert.equal(client.error.code, "token-expired");
  assert.equal(client.error.message, "The token has expired.");
  assert.equal(world.sockets.length, 1);
});

test("a guest comes back as the same guest, and by the link if that is refused", async () => {
  const { client, world } = await dialled({ getCredential: () => ({ share: "s" }) });
  world.socket.connects({ role: "viewer", guest: "g1" });
  assert.equal(client.guest, "g1");
  world.socket.closes();
  await world.pass(1000);
  assert.equal(world.socket.protocols[1], "guest.g1");
  world.socket.says({ type: "error", code: "token-expired", message: "It has expired." });
  world.socket.closes(1008, "token-expired");
  assert.equal(client.guest, null);
  await world.pass(20_000);
  assert.equal(world.socket.protocols[1], "share.s");
});

test("a credential that was refused once may be good later", async () => {
  const tokens = ["t1", "t2", "t1"];
  const { world } = await dialled({ getCredential: () => ({ token: tokens.shift() }) });
  world.socket.closes(1008, "session-ended");
  await world.pass(1000);
  world.socket.connects();
  world.socket.closes();
  await world.pass(2000);
  assert.deepEqual(
    world.sockets.map(({ protocols }) => protocols[1]),
    ["bearer.t1", "bearer.t2", "bearer.t1"],
  );
});

test("a credential that comes too late is not used", async () => {
  const given = [];
  const getCredential = () => new Promise((resolve) => given.push(resolve));
  const { client, world } = await dialled({ getCredential });
  client.close();
  given[0]({ token: "t1" });
  await world.pass(0);
  assert.equal(world.sockets.length, 0);
  client.connect();
  given[1]({ token: "t2" });
  await world.pass(0);
  world.socket.connects();
  world.socket.says({ type: "token-expiring", expiresIn: 60 });
  world.socket.closes();
  await world.pass(1000);
  given[3]({ token: "t4" });
  await world.pass(0);
  world.socket.connects();
  given[2]({ token: "t3" });
  await world.pass(0);
  assert.deepEqual(world.socket.messages, []);
});

test("after close() nothing listens any more", async () => {
  const { client, world } = await opened();
  assert.equal(getEventListeners(world.document, "visibilitychange").length, 1);
  client.close();
  for (const type of ["visibilitychange", "resume"]) assert.deepEqual(getEventListeners(world.document, type), []);
});

test("without a credential it is closed", async () => {
  const { client } = await dialled({ getCredential: () => null });
  assert.equal(client.status, "closed");
  assert.equal(client.error.code, "credential-missing");
});

test("a getCredential that fails is asked again, unless what it says is final", async () => {
  let asked = 0;
  const fails = () => {
    asked += 1;
    throw new TypeError("Failed to fetch");
  };
  const { client, world } = await dialled({ getCredential: fails });
  assert.equal(client.status, "waiting");
  assert.equal(client.error.message, "Failed to fetch");
  await world.pass(1000);
  assert.equal(asked, 2);
  const refused = await dialled({
    getCredential: () => {
      throw new PortalError("no-access", "You are not a member.");
    },
  });
  assert.equal(refused.client.status, "closed");
});

test("an address that can never work closes it", async () => {
  const { world } = await dialled({ getCredential: () => null });
  world.WebSocket = class {
    constructor() {
      throw new SyntaxError("Not a URL");
    }
  };
  const { client } = await dialled({}, world);
  assert.equal(client.status, "closed");
  assert.equal(client.error.message, "Not a URL");
});

test("a token is renewed before it expires", async () => {
  let tokens = 0;
  const { world } = await opened({ getCredential: () => ({ token: `t${(tokens += 1)}` }) });
  world.socket.says({ type: "token-expiring", expiresIn: 60 });
  await world.pass(0);
  assert.deepEqual(world.socket.messages, [{ type: "auth", token: "t2", ref: 1 }]);
  world.socket.acks(1, 5);
  await world.pass(0);
  world.socket.closes(1008, "token-expired"); // t2 is what was refused now
  tokens = 1;
  await world.pass(1000);
  assert.equal(world.sockets.length, 1);
});

test("a renewal that fails is tried again, on this connection only", async () => {
  let asked = 0;
  const getCredential = () => {
    asked += 1;
    if (asked === 2) throw new TypeError("Failed to fetch");
    return { ticket: `x${asked}` };
  };
  const { world } = await opened({ getCredential });
  world.socket.says({ type: "token-expiring", expiresIn: 60 });
  await world.pass(9999);
  assert.deepEqual(world.socket.messages, []);
  await world.pass(1);
  assert.deepEqual(world.socket.messages, [{ type: "auth", ticket: "x3", ref: 1 }]);
  world.socket.refuses(1, "ticket-invalid");
  await world.pass(10_000);
  assert.equal(world.socket.messages.length, 2);
  world.socket.closes();
  assert.equal(world.sockets.length, 1);
  await world.pass(1000);
  world.socket.connects();
  await world.pass(15_000);
  assert.deepEqual(world.socket.messages, []);
});

test("a guest has nothing to renew its line with", async () => {
  const { world } = await opened({ getCredential: () => ({ share: "s" }) });
  world.socket.says({ type: "token-expiring", expiresIn: 60 });
  await world.pass(30_000);
  assert.deepEqual(world.socket.messages, []);
});

// A dead line

test("it pings every 25 s, and a line without an answer for 10 s is dead", async () => {
  const { client, world } = await opened();
  await world.pass(24_999);
  assert.equal(world.socket.pings, 0);
  await world.pass(1);
  assert.equal(world.socket.pings, 1);
  await world.pass(9999);
  world.socket.says({ type: "pong", timestamp: 1 });
  await world.pass(25_000);
  assert.equal(world.socket.pings, 2);
  await world.pass(10_000);
  assert.equal(client.status, "waiting");
  assert.ok(world.socket.isClosed);
});

test("any message shows that the line lives", async () => {
  const { client, world } = await opened();
  await world.pass(25_000);
  world.socket.says({ type: "portal-view-updated", payload: { effect: "thunder" } });
  await world.pass(24_999);
  assert.equal(client.status, "open");
  assert.equal(world.socket.pings, 1);
});

test("a timer that fires late asks again before it judges", async () => {
  const { client, world } = await opened();
  await world.pass(25_000);
  await world.sleep(3_600_000);
  assert.equal(client.status, "open");
  assert.equal(world.socket.pings, 2);
  await world.pass(5000);
  world.socket.says({ type: "pong", timestamp: 1 });
  await world.pass(24_000);
  assert.equal(client.status, "open");
});

test("it asks again once only", async () => {
  const { client, world } = await opened();
  await world.pass(25_000);
  await world.sleep(3_600_000);
  await world.sleep(3_600_000);
  assert.equal(client.status, "waiting");
});

test("an open line that was silent is asked when somebody looks", async () => {
  const { world } = await opened();
  await world.pass(9000);
  await world.shows("visible");
  assert.equal(world.socket.pings, 0);
  await world.pass(2000);
  await world.shows("visible");
  await world.shows("visible");
  assert.equal(world.socket.pings, 1);
});

test("what cannot be read ends the line", async () => {
  const { client, world } = await opened();
  world.socket.onmessage({ data: "{" });
  assert.equal(client.status, "waiting");
  assert.equal(client.error.name, "SyntaxError");
});

// When to try

for (const what of ["online", "visibilitychange", "resume"]) {
  test(`${what} tries at once`, async () => {
    const { world } = await opened();
    world.random = 0.999;
    world.socket.closes();
    await world.pass(1);
    if (what === "online") await world.online();
    else world.document.dispatchEvent(new Event(what));
    await world.pass(0);
    assert.equal(world.sockets.length, 2);
  });
}

test("an attempt that is stuck is made again when the network is back", async () => {
  const { world } = await dialled();
  await world.pass(2000);
  await world.online();
  assert.equal(world.sockets.length, 1);
  await world.pass(2000);
  await world.online();
  assert.equal(world.sockets.length, 2);
  assert.ok(world.sockets[0].isClosed);
});

test("a hidden page keeps its line, and does not come back until somebody looks", async () => {
  const { client, world } = await opened();
  await world.shows("hidden");
  await world.pass(30_000);
  assert.equal(client.status, "open");
  world.socket.closes();
  await world.online();
  await world.pass(600_000);
  assert.equal(client.status, "waiting");
  assert.equal(client.nextAttemptAt, null);
  assert.equal(world.sockets.length, 1);
  await world.shows("visible");
  assert.equal(world.sockets.length, 2);
});

test("a hidden page comes back if updates wait", async () => {
  const { client, world } = await opened();
  await world.shows("hidden");
  world.socket.closes();
  client.update({ name: "Night" });
  await world.pass(0);
  assert.equal(world.sockets.length, 2);
});

test("a page that is hidden while it waits stops waiting", async () => {
  const { client, world } = await opened();
  world.socket.closes();
  await world.shows("hidden");
  await world.pass(1000);
  assert.equal(client.nextAttemptAt, null);
  assert.equal(world.sockets.length, 1);
});

test("status events say what happens, and when", async () => {
  const { client, world } = await dialled();
  const events = heard(client, "status");
  world.socket.connects();
  world.socket.closes();
  await world.pass(1000);
  client.close();
  assert.deepEqual(
    events.map(({ status }) => status),
    ["open", "waiting", "connecting", "closed"],
  );
  assert.equal(events[1].nextAttemptAt, 1_000_500);
  assert.equal(events[1].lastMessageAt, 1_000_000);
  assert.equal(events[1].error.code, "connection-lost");
});

test("nothing of an old socket is heard", async () => {
  const { client, world } = await opened();
  world.socket.closes();
  await world.pass(1000);
  const [old] = world.sockets;
  old.says({ type: "portal-view-updated", payload: { name: "Old" }, version: 6 });
  old.closes(1008, "no-access");
  assert.equal(client.version, 5);
  assert.equal(client.status, "connecting");
});
