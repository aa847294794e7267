// The fold against every example of docs/fold-vectors.json.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Fold } from "../src/fold.js";

const VECTORS = JSON.parse(readFileSync(new URL("../../../../docs/fold-vectors.json", import.meta.url), "utf8"));

for (const { name, steps, state } of VECTORS) {
  test(name, () => {
    const fold = new Fold();
    for (const { send, receive } of steps) {
      if (send) fold.send(send);
      else if (receive) fold.receive(receive);
      else fold.disconnect();
    }
    const { updatedAt, ...found } = fold.state; // it is not folded
    assert.deepEqual(found, state);
  });
}

test("there are examples for both roles", () => {
  for (const role of ["controller", "viewer"]) assert.ok(VECTORS.some((one) => one.role === role));
});
