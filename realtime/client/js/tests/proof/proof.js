// Random operations on real lines to a real server, which a test restarts meanwhile: `node proof.js`, with PORTAL_PROOF
// {tables: [...], sequences, seed}. Prints a line for each sequence, and ends with status 1 at the first fault.
import { createRequire } from "node:module";
import { Table } from "./table.js";

globalThis.WebSocket = createRequire(new URL("../../../../../testing/node/", import.meta.url))("ws"); // Node 20 has none
const { tables, sequences, seed } = JSON.parse(process.env.PORTAL_PROOF);
const STEPS = 40;

// mulberry32
function randomOf(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function play(given, place) {
  const table = new Table(given, randomOf(seed + place));
  await table.begin();
  for (let sequence = place; sequence < sequences; sequence += tables.length) {
    for (let step = 0; step < STEPS; step += 1) await table.step();
    await table.quiet();
    console.log(`sequence ${sequence}`);
  }
  table.end();
}

await Promise.all(tables.map(play));
process.exit(0);
