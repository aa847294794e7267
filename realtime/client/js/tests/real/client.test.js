// Clients and a real server: what one does, the others have, also over a line that is cut.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { joined, proxied, SERVER, stored, until } from "./server.js";

for (const encoding of ["json", "msgpack"]) {
  test(`what a controller does, a viewer sees (${encoding})`, async () => {
    const controller = joined(SERVER.controller, { encoding });
    const viewer = joined(SERVER.viewer, { encoding });
    await Promise.all([controller.connect(), viewer.connect()]);
    assert.deepEqual([controller.role, viewer.role], ["controller", "viewer"]);
    await controller.batch([
      { type: "item-add", payload: { id: "ogre", name: "Ogre" } },
      { type: "item-add", payload: { id: "mage", name: "Mage" } },
      { type: "portal-view-update", payload: { currentItemId: "ogre", showEncounter: true } },
    ]);
    await controller.update({ encounter: { round: 1, turn: "ogre", order: [{ itemId: "ogre" }, { itemId: "mage" }] } });
    const version = await controller.nextTurn();
    await controller.moveItem("mage", 0);
    await controller.updateItem("ogre", { hp: 9, name: "Big ogre" });
    await controller.setCamera({ x: 0.25, y: 0.5, zoom: 2, rotation: 0 });
    assert.equal(controller.version, version + 3);
    await until(viewer, () => viewer.state.camera !== null);
    assert.equal(viewer.state.encounter.turn, "mage");
    assert.equal(viewer.state.items[viewer.state.currentItem].name, "Big ogre");
    for (const [client, token] of [[controller, SERVER.controller], [viewer, SERVER.viewer]]) {
      assert.equal(client.state, client.confirmed);
      assert.deepEqual({ ...client.state, updatedAt: null }, { ...(await stored(token)), updatedAt: null });
    }
    await Promise.all([controller.removeItem("ogre"), controller.removeItem("mage")]);
  });
}

test("commands reach the others, with bytes, from one encoding to the other", async () => {
  const controller = joined(SERVER.controller, { encoding: "msgpack" });
  const viewer = joined(SERVER.viewer);
  await Promise.all([controller.connect(), viewer.connect()]);
  let heard = null;
  viewer.addEventListener("message", ({ detail }) => detail.type === "portal-view-updated" && (heard = detail.payload));
  await controller.send({ type: "portal-view-update", payload: { sound: new Uint8Array([1, 2, 255]) } });
  await until(viewer, () => heard);
  assert.deepEqual(heard, { sound: new Uint8Array([1, 2, 255]) });
});

test("what the server refuses is rolled back", async () => {
  const controller = joined(SERVER.controller);
  await controller.connect();
  const before = controller.confirmed;
  await assert.rejects(controller.update({ name: "" }), { code: "invalid-payload" });
  assert.equal(controller.state, before);
  const viewer = joined(SERVER.viewer);
  await viewer.connect();
  await assert.rejects(viewer.update({ name: "Mine" }), { code: "forbidden" });
});

test("a token that is none of the server's is told", async () => {
  const stranger = joined("nonsense");
  await assert.rejects(stranger.connect(), { code: "token-invalid" });
  assert.equal(stranger.status, "closed");
});

test("a portal view that does not exist is final", async () => {
  const lost = joined(SERVER.controller, { portalViewId: "00000000-0000-0000-0000-000000000000" });
  await assert.rejects(lost.connect(), { code: "no-access" });
});

test("updates over a line that is cut are stored once, and both ends agree", async () => {
  const proxy = await proxied();
  // Chance is what matters here; the wait is not
  const world = Object.assign(Object.create(globalThis), { Math: { random: () => Math.random() / 20 }, setTimeout, clearTimeout });
  const controller = joined(SERVER.controller, { url: proxy.url, world });
  await controller.connect();
  const cutting = (async () => {
    for (let n = 0; n < 8; n += 1) {
      await sleep(20 + 80 * Math.random());
      proxy.cut();
    }
  })();
  const promises = [];
  for (let n = 0; n < 60; n += 1) {
    promises.push(controller.addItem({ id: `i${n}`, name: `Item ${n}` }), controller.updateItem(`i${n}`, { hp: n }));
    await sleep(10);
  }
  await cutting;
  const versions = await Promise.all(promises);
  assert.ok(versions.every(Number.isInteger));
  const { items, version } = await stored(SERVER.controller);
  const mine = items.filter(({ id }) => /^i\d+$/.test(id));
  assert.deepEqual(mine, Array.from({ length: 60 }, (_, n) => ({ id: `i${n}`, name: `Item ${n}`, hp: n })));
  assert.equal(controller.version, version);
  assert.equal(controller.state, controller.confirmed);
  assert.deepEqual(controller.state.items, items);
  await controller.batch(mine.map(({ id }) => ({ type: "item-remove", itemId: id })));
});
