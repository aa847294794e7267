// What is stored: at once in `state`, in `confirmed` when the server has it, and never twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, dialled, heard, opened, outcome, STATE } from "./world.js";

const hp = (state) => state.items.find(({ id }) => id === "ogre").hp;

// What the server has of this client, by ref.
async function lost(world) {
  world.socket.closes();
  await world.pass(1000);
}

test("an update shows at once, and is confirmed by its ack", async () => {
  const { client, world } = await opened();
  const states = heard(client, "state");
  const confirmed = heard(client, "confirmed");
  const promise = client.updateItem("ogre", { hp: 9 });
  assert.equal(hp(client.state), 9);
  assert.equal(hp(client.confirmed), 12);
  assert.deepEqual(world.socket.messages, [{ type: "item-update", itemId: "ogre", payload: { hp: 9 }, ref: 1 }]);
  assert.equal(await outcome(promise), "pending");
  world.socket.acks(1, 6);
  assert.equal(hp(client.confirmed), 9);
  assert.equal(client.version, 6);
  assert.equal(client.state, client.confirmed);
  assert.equal(await outcome(promise), 6);
  assert.equal(states.length, 2);
  assert.equal(confirmed.length, 1);
});

test("a change of the caller's object after the call changes nothing", async () => {
  const { client, world } = await opened();
  const patch = { tags: ["big"], gone: undefined };
  client.updateItem("ogre", patch);
  patch.tags.push("angry");
  world.socket.acks(1, 6);
  assert.deepEqual(client.confirmed.items[0], { id: "ogre", hp: 12, tags: ["big"] });
});

test("each method sends its message", async () => {
  const { client, world } = await opened();
  client.update({ name: "Night" });
  client.addItem({ id: "imp" }, 0);
  client.moveItem("imp", 2);
  client.batch([{ type: "item-update", itemId: "ogre", payload: { hp: 1 } }]);
  client.removeItem("mage");
  client.nextTurn();
  client.previousTurn();
  assert.deepEqual(world.socket.messages, [
    { type: "portal-view-update", payload: { name: "Night" }, ref: 1 },
    { type: "item-add", payload: { id: "imp" }, index: 0, ref: 2 },
    { type: "item-move", itemId: "imp", index: 2, ref: 3 },
    { type: "batch", changes: [{ type: "item-update", itemId: "ogre", payload: { hp: 1 } }], ref: 4 },
    { type: "item-remove", itemId: "mage", ref: 5 },
    { type: "encounter-next", ref: 6 },
    { type: "encounter-previous", ref: 7 },
  ]);
  assert.equal(client.state.name, "Night");
  assert.deepEqual(client.state.items, [{ id: "ogre", hp: 1 }, { id: "imp" }]);
  assert.deepEqual(client.confirmed, STATE);
});

test("a refused update is rolled back, with an event", async () => {
  const { client, world } = await opened();
  const seen = [];
  client.addEventListener("refused", ({ detail }) => seen.push([detail.error.code, detail.message.payload, hp(client.state)]));
  const promise = client.updateItem("ogre", { hp: "many" });
  client.updateItem("mage", { hp: 1 });
  assert.equal(hp(client.state), "many");
  world.socket.says({ type: "error", ref: 1, code: "invalid-payload", message: "No.", details: { hp: "So." } });
  assert.deepEqual(seen, [["invalid-payload", { hp: "many" }, 12]]);
  assert.equal(client.state.items[1].hp, 1);
  await assert.rejects(promise, { code: "invalid-payload", message: "No.", details: { hp: "So." } });
});

test("changes of others come below mine", async () => {
  const { client, world } = await opened();
  client.updateItem("ogre", { hp: 9 });
  world.socket.says({ type: "item-updated", payload: { itemId: "ogre", hp: 3, ac: 15 }, index: 0, version: 6 });
  assert.deepEqual(client.state.items[0], { id: "ogre", hp: 9, ac: 15 });
  assert.equal(hp(client.confirmed), 3);
});

test("an ack whose turn has not come keeps its change in the state", async () => {
  const { client, world } = await opened();
  const promise = client.updateItem("ogre", { hp: 9 });
  world.socket.acks(1, 7);
  assert.equal(hp(client.confirmed), 12);
  assert.equal(hp(client.state), 9);
  assert.equal(await outcome(promise), "pending");
  world.socket.says({ type: "item-updated", payload: { itemId: "mage", hp: 3 }, index: 1, version: 6 });
  assert.equal(hp(client.confirmed), 9);
  assert.equal(await outcome(promise), 7);
});

test("an item without an id gets one at once, unless it is a record of another system", async () => {
  const { client, world } = await opened();
  client.addItem({ name: "Imp" });
  client.addItem({ _id: "x1", name: "Foreign" });
  const [mine, foreign] = world.socket.messages.map(({ payload }) => payload);
  assert.match(mine.id, /^[0-9a-f]{32}$/);
  assert.equal(client.state.items[2].id, mine.id);
  assert.equal(foreign.id, undefined);
  assert.ok(client.state.items[3].id);
  world.socket.acks(1, 6, { itemId: mine.id });
  world.socket.acks(2, 7, { itemId: "of-the-server" });
  assert.equal(client.confirmed.items[3].id, "of-the-server");
});

// Waiting

test("updates wait while the line is down, and go out in their order", async () => {
  const { client, world } = await dialled();
  const promise = client.update({ name: "Night" });
  client.updateItem("ogre", { hp: 9 });
  world.socket.connects();
  assert.deepEqual(
    world.socket.messages.map(({ type, ref, retry }) => [type, ref, retry]),
    [
      ["portal-view-update", 1, undefined],
      ["item-update", 2, undefined],
    ],
  );
  assert.equal(client.state.name, "Night");
  world.socket.acks(1, 6);
  assert.equal(await outcome(promise), 6);
});

test("at most 100 wait", async () => {
  const { client, world } = await opened();
  world.socket.closes();
  const refused = heard(client, "refused");
  const promises = Array.from({ length: 101 }, (_, hp) => client.updateItem("ogre", { hp }));
  assert.equal(await outcome(promises[99]), "pending");
  assert.equal(await outcome(promises[100]), "queue-full");
  assert.equal(refused.length, 1);
  assert.equal(hp(client.state), 99);
  await world.pass(1000);
  world.socket.connects();
  assert.equal(world.socket.messages.length, 100);
});

test("an update while it waits does not shorten the wait", async () => {
  const { client, world } = await opened();
  world.socket.closes();
  client.update({ name: "Night" });
  await world.pass(499);
  assert.equal(world.sockets.length, 1);
});

test("without connect(), and after close(), updates are rejected", async () => {
  const { client } = await opened();
  const waiting = client.update({ name: "Night" });
  client.close();
  assert.equal(await outcome(waiting), "unknown-outcome"); // it was sent
  assert.equal(await outcome(client.update({ name: "Night" })), "not-connected");
  assert.equal(client.state, client.confirmed);
});

test("what never left is rejected with the reason of the end", async () => {
  const { client, world } = await dialled();
  const waiting = client.update({ name: "Night" });
  world.socket.says({ type: "error", code: "no-access", message: "There is no such portal view." });
  world.socket.closes(1008, "no-access");
  await assert.rejects(waiting, { code: "no-access", message: "There is no such portal view." });
});

// Sending again

test("an update without an answer goes out again, with its receipt", async () => {
  const { client, world } = await opened();
  const first = client.connectionId;
  const promise = client.updateItem("ogre", { hp: 9 });
  await lost(world);
  world.socket.connects();
  const again = { type: "item-update", itemId: "ogre", payload: { hp: 9 }, ref: 1, retry: true, connectionId: first };
  assert.deepEqual(world.socket.messages, [again]);
  await lost(world);
  world.socket.connects();
  assert.deepEqual(world.socket.messages, [again]); // the connection that sent it first
  world.socket.acks(1, 6);
  assert.equal(hp(client.state), 9); // it is stored, and its message is on its way
  assert.equal(await outcome(promise), "pending");
  world.socket.says({ type: "item-updated", payload: { itemId: "ogre", hp: 9 }, index: 0, version: 6 });
  assert.equal(await outcome(promise), 6);
  assert.equal(hp(client.confirmed), 9);
  assert.equal(client.version, 6);
});

test("a repeated addition that was stored before is not shown twice", async () => {
  const { client, world } = await opened();
  const promise = client.addItem({ name: "Imp" });
  const { payload } = world.socket.messages[0];
  await lost(world);
  const state = { ...STATE, version: 6, items: [...STATE.items, payload] };
  world.socket.connects({ version: 6, state });
  assert.equal(client.state.items.length, 3);
  world.socket.acks(1, 6, { itemId: payload.id });
  assert.equal(await outcome(promise), 6);
  assert.deepEqual(client.confirmed, state);
});

test("an ack that was held when the line broke counts", async () => {
  const { client, world } = await opened();
  const promise = client.updateItem("ogre", { hp: 9 });
  world.socket.acks(1, 7);
  world.socket.closes();
  assert.equal(hp(client.state), 9);
  await world.pass(1000);
  world.socket.connects({ version: 8, state: { ...STATE, version: 8 } });
  assert.deepEqual(world.socket.messages, []);
  assert.equal(await outcome(promise), 7);
  assert.equal(client.state, client.confirmed);
});

test("an ack that was held counts in another epoch, and when the client is closed", async () => {
  for (const isClosed of [true, false]) {
    const { client, world } = await opened();
    const promise = client.updateItem("ogre", { hp: 9 });
    world.socket.acks(1, 7);
    if (isClosed) client.close();
    else {
      await lost(world);
      world.socket.connects({ version: 2, epoch: "two", state: { ...STATE, version: 2 } });
    }
    assert.equal(await outcome(promise), 7);
    assert.equal(client.state, client.confirmed);
  }
});

test("it comes back with version and epoch", async () => {
  const { client, world } = await opened();
  world.socket.says({ type: "portal-view-updated", payload: { name: "Night" }, version: 6 });
  await lost(world);
  assert.match(world.socket.address, /\?version=6&epoch=one$/);
  const before = client.confirmed;
  world.socket.connects({ version: 6, recovered: true, state: undefined });
  assert.equal(client.confirmed, before);
});

test("amid a version it asks for the whole state", async () => {
  const { client, world } = await opened();
  client.updateItem("ogre", { hp: 9 });
  client.updateItem("ogre", { hp: 8 });
  world.socket.acks(1, 6);
  await lost(world);
  assert.doesNotMatch(world.socket.address, /version/);
});

test("what was sent ten minutes ago may be forgotten, and is not sent again", async () => {
  const { client, world } = await opened();
  const sent = client.updateItem("ogre", { hp: 9 });
  world.socket.closes();
  const waiting = client.updateItem("ogre", { hp: 8 });
  await world.pass(541_000);
  world.socket.connects();
  assert.equal(await outcome(sent), "unknown-outcome");
  assert.deepEqual(
    world.socket.messages.map(({ payload, retry }) => [payload.hp, retry]),
    [[8, undefined]],
  );
  assert.equal(await outcome(waiting), "pending");
});

test("the receipts of one person are not those of another", async () => {
  const { client, world } = await opened();
  const sent = client.updateItem("ogre", { hp: 9 });
  await lost(world);
  world.socket.connects({ subject: { ...ADA, id: "bo" } });
  assert.equal(await outcome(sent), "unknown-outcome");
  assert.deepEqual(world.socket.messages, []);
});

// The role

test("who has become a viewer has the viewers' state", async () => {
  const { client, world } = await opened();
  const roles = heard(client, "role");
  const promise = client.updateItem("ogre", { hp: 9 });
  const state = { ...STATE, items: [], version: 2 };
  world.socket.says({ type: "role-changed", role: "viewer", epoch: "two", version: 2, state });
  world.socket.acks(1, 2);
  assert.equal(await outcome(promise), 2);
  assert.deepEqual(roles, ["viewer"]);
  assert.deepEqual(client.state, state);
});

// send()

test("send() tells what the server says", async () => {
  const { client, world } = await opened();
  const point = client.send({ type: "pointer", itemId: "ogre", x: 0.1, y: 0.2 });
  const effect = client.send({ type: "portal-view-update", payload: { effect: "thunder" } });
  assert.deepEqual(world.socket.messages, [
    { type: "pointer", itemId: "ogre", x: 0.1, y: 0.2, ref: 1 },
    { type: "portal-view-update", payload: { effect: "thunder" }, ref: 2 },
  ]);
  world.socket.acks(1, 5);
  world.socket.refuses(2, "forbidden");
  assert.equal(await outcome(point), 5);
  assert.equal(await outcome(effect), "forbidden");
  assert.equal(client.state, client.confirmed);
});

test("send() never waits", async () => {
  const { client, world } = await opened();
  const sent = client.send({ type: "request-sync" });
  world.socket.closes();
  assert.equal(await outcome(sent), "connection-lost");
  assert.equal(await outcome(client.send({ type: "request-sync" })), "not-connected");
  await world.pass(1000);
  world.socket.connects();
  assert.deepEqual(world.socket.messages, []);
});

test("send() takes nothing that is stored", async () => {
  const { client, world } = await opened();
  for (const message of [
    { type: "item-remove", itemId: "ogre" },
    { type: "portal-view-update", payload: { effect: "thunder", name: "Night" } },
  ]) {
    assert.equal(await outcome(client.send(message)), "invalid-message");
  }
  assert.deepEqual(world.socket.messages, []);
});

// The camera

test("a gesture sends ten cameras a second, and always the last", async () => {
  const { client, world } = await opened();
  const promises = [];
  for (let x = 0; x < 100; x += 1) {
    promises.push(client.setCamera({ x, y: 0, zoom: 1 }));
    assert.equal(client.state.camera.x, x);
    await world.pass(10);
  }
  await world.pass(200);
  const { messages } = world.socket;
  assert.ok(messages.length <= 11, `${messages.length}`);
  assert.equal(messages[0].payload.camera.x, 0);
  assert.equal(messages.at(-1).payload.camera.x, 99);
  for (const { ref } of messages) world.socket.acks(ref, 5 + ref);
  for (const promise of promises) assert.equal(typeof (await outcome(promise)), "number");
  assert.equal(client.state, client.confirmed);
  assert.equal(client.confirmed.camera.x, 99);
});

test("an update goes behind the camera that was set before it", async () => {
  const { client, world } = await opened();
  client.setCamera({ x: 1, y: 0, zoom: 1 });
  client.setCamera({ x: 2, y: 0, zoom: 1 });
  client.update({ currentItemId: "mage" });
  client.setCamera({ x: 3, y: 0, zoom: 1 });
  await world.pass(100);
  assert.deepEqual(
    world.socket.messages.map(({ payload }) => (payload.camera ? payload.camera.x : payload.currentItemId)),
    [1, 2, "mage", 3],
  );
});

test("of a gesture without a line, only the last camera waits", async () => {
  const { client, world } = await opened();
  world.socket.closes();
  for (let x = 0; x < 300; x += 1) client.setCamera({ x, y: 0, zoom: 1 });
  await world.pass(1000);
  world.socket.connects();
  assert.deepEqual(
    world.socket.messages.map(({ payload }) => payload.camera.x),
    [299],
  );
});

test("without a line, too, a camera stays before the update that came after it", async () => {
  const { client, world } = await opened();
  world.socket.closes();
  client.setCamera({ x: 1, y: 0, zoom: 1 });
  client.update({ currentItemId: "mage" });
  client.setCamera({ x: 2, y: 0, zoom: 1 });
  await world.pass(1000);
  world.socket.connects();
  assert.deepEqual(
    world.socket.messages.map(({ payload }) => (payload.camera ? payload.camera.x : payload.currentItemId)),
    [1, "mage", 2],
  );
});

test("a camera that waits for its turn ends with the client", async () => {
  const { client, world } = await opened();
  client.setCamera({ x: 1, y: 0, zoom: 1 });
  const last = client.setCamera({ x: 2, y: 0, zoom: 1 });
  client.close();
  await world.pass(1000);
  assert.equal(await outcome(last), "closed");
  assert.equal(world.socket.messages.length, 1);
  client.connect();
  await world.pass(0);
  world.socket.connects();
  client.setCamera({ x: 3, y: 0, zoom: 1 });
  assert.equal(world.socket.messages.length, 1);
});

// What a client can know before the server

const order = [{ itemId: "ogre" }, { itemId: "mage" }];

for (const [what, before, act, found] of [
  ["the next turn", { encounter: { round: 1, turn: "ogre", order } }, "nextTurn", { round: 1, turn: "mage", order }],
  ["a new round", { encounter: { round: 1, turn: "mage", order } }, "nextTurn", { round: 2, turn: "ogre", order }],
  ["the first turn", { encounter: { round: 0, turn: null, order } }, "nextTurn", { round: 1, turn: "ogre", order }],
  ["the turn before", { encounter: { round: 2, turn: "ogre", order } }, "previousTurn", { round: 1, turn: "mage", order }],
  ["the beginning", { encounter: { round: 1, turn: "ogre", order } }, "previousTurn", { round: 1, turn: "ogre", order }],
  ["nobody's turn", { encounter: { round: 0, turn: null, order } }, "previousTurn", { round: 0, turn: null, order }],
  ["no encounter", { encounter: null }, "nextTurn", null],
]) {
  test(`${what} shows at once`, async () => {
    const { client } = await opened({}, { state: { ...STATE, ...before } });
    client[act]();
    assert.deepEqual(client.state.encounter, found);
  });
}

test("what is current stays current", async () => {
  const current = { currentItem: 1, currentItemId: "mage", camera: { x: 1, y: 1, zoom: 2 }, autoResetImageState: true };
  const { client } = await opened({}, { state: { ...STATE, ...current } });
  client.addItem({ id: "imp" }, 0);
  assert.equal(client.state.currentItem, 2);
  client.update({ currentItem: 0 });
  assert.equal(client.state.currentItemId, "imp");
  assert.equal(client.state.camera, null);
  client.update({ currentItemId: "ogre", camera: { x: 0, y: 0, zoom: 3 } });
  assert.equal(client.state.camera.zoom, 3);
  client.update({ currentItem: 0 });
  client.removeItem("imp");
  assert.deepEqual([client.state.currentItem, client.state.currentItemId], [null, null]);
  assert.equal(client.confirmed.currentItem, 1);
});

// Size

test("500 items and 50 messages a second are little work", async () => {
  const items = Array.from({ length: 500 }, (_, n) => ({ id: `i${n}`, hp: n, name: `Item ${n}` }));
  const { client, world } = await opened({}, { state: { ...STATE, items } });
  for (let n = 0; n < 20; n += 1) client.updateItem(`i${n}`, { hp: 0 });
  const start = process.cpuUsage();
  for (let n = 0; n < 500; n += 1) {
    world.socket.says({ type: "item-updated", payload: { itemId: `i${n}`, hp: -1 }, index: n, version: 6 + n });
  }
  const { user, system } = process.cpuUsage(start);
  assert.equal(client.version, 505);
  assert.ok(user + system < 2_000_000, `ten seconds of messages took ${(user + system) / 1000} ms`); // a fifth of one core
});
