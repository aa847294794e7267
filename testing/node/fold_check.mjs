// Folds the viewers' examples of docs/fold-vectors.json with the module of the pages; prints what is wrong as JSON.
import { readFileSync } from "node:fs";
import { deepStrictEqual } from "node:assert";

const [module, vectors] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const { Folded } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
const mine = JSON.parse(vectors).filter(({ role, steps }) => role === "viewer" && steps.every((step) => step.receive));
const wrong = [];
for (const { name, steps, state } of mine) {
  const folded = new Folded();
  for (const { receive } of steps) folded.receive(receive);
  const { updatedAt, ...found } = folded.state; // it is not folded
  try {
    deepStrictEqual(found, state);
  } catch (error) {
    wrong.push({ name, error: error.message });
  }
}
console.log(JSON.stringify({ checked: mine.length, wrong }));
