// Undo: random changes, in the way the client foresees them, are taken back one after the other.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { forecast } from "../../realtime/client/js/src/forecast.js";
import { backwards } from "../pages/static/pages/desk/backwards.js";

const fc = createRequire(new URL("../../testing/node/", import.meta.url))("fast-check");

const IDS = ["ogre", "mage", "map", "imp", "bat"];
const id = fc.constantFrom(...IDS);
const place = fc.nat({ max: IDS.length });
const fields = fc.dictionary(fc.constantFrom("name", "hp", "text", "visible", "show"), fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.constant({ health: "bar" })));
const item = fc.record({ id, fields }).map((one) => ({ ...withoutNulls(one.fields), id: one.id }));
const camera = fc.option(fc.record({ x: fc.constant(0.5), y: fc.constant(0.5), zoom: fc.integer({ min: 1, max: 4 }) }));

function withoutNulls(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

const start = fc
  .record({
    items: fc.uniqueArray(item, { selector: (one) => one.id, maxLength: 4 }),
    current: fc.nat(),
    camera,
    fighters: fc.subarray(IDS),
    hasEncounter: fc.boolean(),
    turn: fc.nat(),
    round: fc.integer({ min: 1, max: 3 }),
    blackout: fc.boolean(),
    autoResetImageState: fc.boolean(),
  })
  .map(({ items, current, fighters, hasEncounter, turn, round, ...rest }) => {
    const currentItem = items.length && current % 2 ? current % items.length : null;
    const order = fighters.filter((one) => items.some((other) => other.id === one)).map((itemId) => ({ itemId }));
    const encounter = hasEncounter ? { order, turn: order.length ? order[turn % order.length].itemId : null, round } : null;
    return { ...rest, items, currentItem, currentItemId: currentItem === null ? null : items[currentItem].id, encounter, version: 1 };
  });

// What people do at a desk; `forecast` leaves out what is not possible.
const change = fc.oneof(
  fc.record({ id, payload: fields }).map((one) => ({ type: "item-update", itemId: one.id, payload: one.payload })),
  fc.record({ item, index: place }).map((one) => ({ type: "item-add", payload: one.item, index: one.index })),
  fc.record({ id }).map((one) => ({ type: "item-remove", itemId: one.id })),
  fc.record({ id, index: place }).map((one) => ({ type: "item-move", itemId: one.id, index: one.index })),
  fc.record({ id }).map((one) => ({ type: "portal-view-update", payload: { currentItemId: one.id } })),
  fc.record({ camera }).map((payload) => ({ type: "portal-view-update", payload })),
  fc.record({ blackout: fc.boolean() }).map((payload) => ({ type: "portal-view-update", payload })),
  fc.constant({ type: "encounter-next" }),
  fc.constant({ type: "encounter-previous" }),
);

// Of the prototypes of JSON.
function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

function isPossible(state, { type, itemId, payload, index }) {
  const wanted = itemId ?? payload?.currentItemId;
  if (type === "item-add") return !state.items.some((one) => one.id === payload.id) && index <= state.items.length;
  if (type === "item-move") return index < state.items.length && state.items.some((one) => one.id === itemId);
  return wanted === undefined || wanted === null || state.items.some((one) => one.id === wanted);
}

// As the server does: what is removed has no turn and is not in the fight any more.
function settled(state) {
  const { encounter, items } = state;
  if (!encounter || encounter.order.every(({ itemId }) => items.some((one) => one.id === itemId))) return state;
  const order = encounter.order.filter(({ itemId }) => items.some((one) => one.id === itemId));
  const at = encounter.order.findIndex(({ itemId }) => itemId === encounter.turn);
  const after = encounter.order.slice(at).concat(encounter.order.slice(0, at));
  const next = after.find(({ itemId }) => order.some((one) => one.itemId === itemId));
  return { ...state, encounter: { ...encounter, order, turn: next ? next.itemId : null } };
}

function done(state, changes) {
  return changes.reduce((before, one) => settled(forecast(before, one, one.type === "item-add" ? [one.payload.id] : [])), state);
}

const RUNS = { numRuns: 3_000 };

test("what nobody else changed is as before, and done again as after", () => {
  fc.assert(
    fc.property(start, fc.array(change, { maxLength: 12 }), (given, wanted) => {
      const [first, changes] = plain([given, wanted]);
      const past = [];
      let state = first;
      for (const one of changes.filter((wanted) => isPossible(first, wanted) || wanted.type === "item-add")) {
        if (!isPossible(state, one)) continue;
        const after = done(state, [one]);
        past.push([state, after]);
        state = after;
      }
      for (const [before, after] of past.slice().reverse()) {
        const again = done(after, backwards(before, after, after));
        assert.deepEqual(again, before);
        assert.deepEqual(done(again, backwards(after, again, again)), after);
      }
      for (const [before, after] of past.reverse()) state = done(state, backwards(before, after, state));
      assert.deepEqual(state, first);
    }),
    RUNS,
  );
});

test("what somebody else changed since stays", () => {
  fc.assert(
    fc.property(start, change, fc.array(change, { maxLength: 4 }), (...given) => {
      const [before, mine, others] = plain(given);
      fc.pre(isPossible(before, mine));
      const after = done(before, [mine]);
      const now = others.reduce((state, one) => (isPossible(state, one) ? done(state, [one]) : state), after);
      const changes = backwards(before, after, now);
      let state = now;
      for (const one of changes) {
        assert.ok(isPossible(state, one), JSON.stringify(one));
        state = done(state, [one]);
      }
      for (const item of now.items) {
        const [was, mineWas, left] = [before, after, state].map(({ items }) => items.find((one) => one.id === item.id));
        if (!left) {
          assert.deepEqual([was, item], [undefined, mineWas]); // I added it, and nobody touched or showed it
          assert.ok(now.currentItemId !== item.id || after.currentItemId === item.id);
          continue;
        }
        for (const key of new Set([...Object.keys(item), ...Object.keys(left)])) {
          if (JSON.stringify(item[key]) === JSON.stringify(left[key])) continue;
          assert.deepEqual(item[key], mineWas[key]);
          assert.deepEqual(left[key], was[key]);
        }
      }
      const { turn = null, order = [] } = state.encounter ?? {};
      assert.ok(turn === null || order.some(({ itemId }) => itemId === turn));
      for (const key of ["blackout", "camera"]) {
        if (JSON.stringify(after[key]) === JSON.stringify(now[key]) || state.currentItemId !== now.currentItemId) continue;
        assert.deepEqual(state[key], now[key]);
      }
    }),
    RUNS,
  );
});

test("a fighter comes back to its place, though the fight went on", () => {
  const order = ["ogre", "mage", "imp"].map((itemId) => ({ itemId }));
  const items = order.map(({ itemId }) => ({ id: itemId }));
  const before = { items, currentItem: null, currentItemId: null, camera: null, encounter: { order, turn: "mage", round: 1 } };
  const after = done(before, [{ type: "item-remove", itemId: "mage" }]);
  const now = done(after, [{ type: "encounter-next" }]);
  const { encounter } = done(now, backwards(before, after, now));
  assert.deepEqual(encounter, { order, turn: "ogre", round: 2 });
});
