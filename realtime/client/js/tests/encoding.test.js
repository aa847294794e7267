// Both encodings: what goes out, what comes in, and what is no message.
import assert from "node:assert/strict";
import { test } from "node:test";
import { heard, opened, World, dialled } from "./world.js";

const file = process.env.PORTAL_CLIENT ? "portal-msgpack.min.js" : "portal-msgpack.js";
const { decode, encode } = await import(`../${file}`);

const bytesOf = (hex) => Uint8Array.from(hex.split(" ").filter(Boolean), (octet) => parseInt(octet, 16));
const read = (hex) => decode(bytesOf(hex).buffer);
const hexOf = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(" ");
const again = (value) => decode(encode(value).buffer);

const NUMBERS = [0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, Number.MAX_SAFE_INTEGER]
  .flatMap((value) => [value, -value, -value - 1])
  .filter(Number.isSafeInteger)
  .concat([-31, -32, -33, -127, -128, -129, -32768, -32769, -2147483648, -2147483649, 0.5, -0, 1e300, 5e-324]);

test("numbers come back", () => {
  for (const value of NUMBERS) assert.ok(Object.is(again(value), value === 0 && !Object.is(value, -0) ? 0 : value), String(value));
});

test("texts come back", () => {
  for (const size of [0, 1, 31, 32, 255, 256, 65535, 65536]) assert.equal(again("x".repeat(size)), "x".repeat(size));
  for (const text of ["Grüße", "𝄞", "\uFEFFmark", "a\u0000b"]) assert.equal(again(text), text);
});

test("bytes, lists and objects come back", () => {
  for (const size of [0, 1, 255, 256, 65536]) {
    assert.deepEqual(again(new Uint8Array(size).fill(7)), new Uint8Array(size).fill(7));
  }
  for (const size of [0, 15, 16, 65535, 65536]) {
    const values = Array.from({ length: size }, (_, n) => n);
    assert.deepEqual(again(values), values);
    const object = Object.fromEntries(values.map((n) => [`k${n}`, n]));
    assert.deepEqual(again(object), object);
  }
  const message = { type: "x", nested: [{ a: [null, true, false, { b: -1.5 }] }], empty: {} };
  assert.deepEqual(again(message), message);
});

test("random values come back", () => {
  let seed = 1;
  const random = (most) => (seed = (seed * 48271) % 2147483647) % most;
  const make = (levels) => {
    const kind = random(levels ? 8 : 6);
    if (kind === 0) return null;
    if (kind === 1) return random(2) === 1;
    if (kind === 2) return random(2 ** 31) * (random(2) ? 1 : -1) * 2 ** random(21);
    if (kind === 3) return random(1000) / 7;
    if (kind === 4) return "é".repeat(random(300));
    if (kind === 5) return new Uint8Array(random(300));
    const values = Array.from({ length: random(20) }, () => make(levels - 1));
    return kind === 6 ? values : Object.fromEntries(values.map((value, n) => [`key ${n}`, value]));
  };
  for (let n = 0; n < 300; n += 1) {
    const value = make(4);
    assert.deepEqual(again(value), value);
  }
});

for (const [value, hex] of [
  [{ a: 1 }, "81 a1 61 01"],
  [[200, -1, -200], "93 cc c8 ff d1 ff 38"],
  [2 ** 40, "cf 00 00 01 00 00 00 00 00"],
  [-(2 ** 40), "d3 ff ff ff 00 00 00 00 00"],
  [0.5, "cb 3f e0 00 00 00 00 00 00"],
  [new Uint8Array([1]), "c4 01 01"],
]) {
  test(`${hex} is written`, () => assert.equal(hexOf(encode(value)), hex));
}

test("it writes what JSON would", () => {
  const written = { a: undefined, b: NaN, c: Infinity, d: new Date(0), e: [undefined] };
  assert.deepEqual(again(written), JSON.parse(JSON.stringify(written)));
});

test("every form is read", () => {
  assert.deepEqual(read("cd 00 01"), 1);
  assert.deepEqual(read("ca 3f 00 00 00"), 0.5);
  assert.deepEqual(read("db 00 00 00 01 61"), "a");
  assert.deepEqual(read("df 00 00 00 01 a1 61 dd 00 00 00 01 c0"), { a: [null] });
  assert.deepEqual(read("c6 00 00 00 01 09"), new Uint8Array([9]));
});

for (const [what, hex] of [
  ["nothing", ""],
  ["a cut number", "cd 00"],
  ["a cut text", "a3 61"],
  ["a cut list", "92 01"],
  ["a list that says it is long", "dd ff ff ff ff"],
  ["a map that says it is long", "df ff ff ff ff"],
  ["bytes that say they are many", "c6 ff ff ff ff"],
  ["something behind the value", "01 02"],
  ["the type that is never used", "c1"],
  ["an extension type", "d4 01 00"],
  ["a time", "d6 ff 00 00 00 00"],
  ["a number as a key", "81 01 01"],
  ["a key that would change the object", "81 a9 5f 5f 70 72 6f 74 6f 5f 5f 01"],
  ["text that is not UTF-8", "a1 ff"],
  ["NaN", "cb 7f f8 00 00 00 00 00 00"],
  ["an infinity", "ca 7f 80 00 00"],
  ["too many levels", "91 ".repeat(100) + "01"],
]) {
  test(`${what} is not read`, () => assert.throws(() => read(hex), Error));
}

test("every cut of a message is noticed", () => {
  const whole = encode({ type: "connected", state: { items: [{ id: "ogre", hp: 12.5 }], bytes: new Uint8Array(3) } });
  for (let size = 0; size < whole.length; size += 1) assert.throws(() => decode(whole.slice(0, size).buffer));
});

test("a client speaks MessagePack", async () => {
  const world = new World();
  const { client } = await dialled({ encoding: "msgpack" }, world);
  while (!world.socket) await world.pass(0);
  const { socket } = world;
  assert.equal(socket.protocols[0], "portal.v1.msgpack");
  assert.equal(socket.binaryType, "arraybuffer");
  const says = (message) => socket.onmessage({ data: encode(message).buffer });
  const connected = { type: "connected", role: "viewer", subject: {}, connectionId: "c", version: 1, epoch: "e" };
  says({ ...connected, recovered: false, state: { items: [], version: 1 } });
  assert.deepEqual(client.state, { items: [], version: 1 });
  const messages = heard(client, "message");
  says({ type: "portal-view-updated", payload: { sound: new Uint8Array([1, 2]) } });
  assert.deepEqual(messages[0].payload.sound, new Uint8Array([1, 2]));
  client.send({ type: "request-sync" });
  assert.deepEqual(decode(socket.sent[0].buffer), { type: "request-sync", ref: 1 });
});

test("bytes are bytes in JSON, too", async () => {
  const { client, world } = await opened();
  const messages = heard(client, "message");
  world.socket.says({ type: "portal-view-updated", payload: { sound: { $bytes: "UklGRg==" } } });
  assert.deepEqual(messages[0].payload.sound, new Uint8Array([82, 73, 70, 70]));
  client.send({ type: "portal-view-update", payload: { sound: new Uint8Array([82, 73, 70, 70]) } });
  assert.deepEqual(world.socket.messages[0].payload, { sound: { $bytes: "UklGRg==" } });
});
