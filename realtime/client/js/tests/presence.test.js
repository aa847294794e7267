// Who is there, and what comes as events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADA, heard, opened } from "./world.js";

const ada = { ...ADA, role: "controller", since: "2026-11-28T19:00:00.000Z" };
const bo = { kind: "guest", id: "bo", name: null, role: "viewer", since: "2026-11-28T19:00:00.000Z" };

test("presence is a list of people, kept by changes", async () => {
  const { client, world } = await opened();
  const events = heard(client, "presence");
  const counts = { controllers: 1, viewers: 0 };
  world.socket.says({ type: "presence", event: "snapshot", controllers: [ada], viewers: [], counts });
  assert.deepEqual(client.presence, { controllers: [ada], viewers: [], counts });
  world.socket.says({ type: "presence", event: "change", joined: [bo], left: [], counts: { controllers: 1, viewers: 1 } });
  assert.deepEqual(client.presence.viewers, [bo]);
  const named = { ...bo, name: "Bo" };
  world.socket.says({ type: "presence", event: "change", joined: [], left: [], viewers: [named], counts: { controllers: 1, viewers: 1 } });
  assert.deepEqual(client.presence.viewers, [named]);
  world.socket.says({ type: "presence", event: "change", joined: [], left: [ada, named], counts: { controllers: 0, viewers: 0 } });
  assert.deepEqual(client.presence, { controllers: [], viewers: [], counts: { controllers: 0, viewers: 0 } });
  assert.equal(events.length, 4);
});

test("viewers have counts", async () => {
  const { client, world } = await opened({}, { role: "viewer" });
  world.socket.says({ type: "presence", event: "snapshot", counts: { controllers: 1, viewers: 7 } });
  assert.deepEqual(client.presence, { controllers: [], viewers: [], counts: { controllers: 1, viewers: 7 } });
});

test("another role begins without presence", async () => {
  const { client, world } = await opened();
  world.socket.says({ type: "presence", event: "snapshot", controllers: [ada], viewers: [], counts: {} });
  world.socket.says({ type: "role-changed", role: "viewer", epoch: "two", version: 5, state: client.confirmed });
  assert.equal(client.presence, null);
});

test("each property has an event, and each message one", async () => {
  const { client, world } = await opened();
  const names = ["role", "subject", "version", "confirmed", "state", "presence", "message"];
  const events = Object.fromEntries(names.map((name) => [name, heard(client, name)]));
  world.socket.says({ type: "portal-view-updated", payload: { name: "Night" }, version: 6 });
  world.socket.says({ type: "portal-view-updated", payload: { effect: "thunder" } });
  assert.deepEqual(
    names.map((name) => events[name].length),
    [0, 0, 1, 1, 1, 0, 2],
  );
  assert.equal(events.state[0].name, "Night");
  assert.equal(events.message[1].payload.effect, "thunder");
});

test("the same person after a loss is no event", async () => {
  const { client, world } = await opened();
  const subjects = heard(client, "subject");
  world.socket.closes();
  await world.pass(1000);
  world.socket.connects();
  assert.deepEqual(subjects, []);
  world.socket.closes();
  await world.pass(20_000);
  world.socket.connects({ subject: { ...ADA, name: "Ada L." } });
  assert.equal(subjects.length, 1);
});

test("a listener may call the client", async () => {
  const { client, world } = await opened();
  client.addEventListener("state", () => client.state.name === "Night" && client.update({ name: "Day" }), { once: true });
  world.socket.says({ type: "portal-view-updated", payload: { name: "Night" }, version: 6 });
  assert.equal(client.state.name, "Day");
  assert.equal(client.confirmed.name, "Night");
});
