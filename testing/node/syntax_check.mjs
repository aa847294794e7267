// Reads modules as ES2018, apart from `import()`, which browsers had before; prints what is wrong as JSON.
import { readFileSync } from "node:fs";
import { parse } from "acorn";

const wrong = [];
for (const path of process.argv.slice(2)) {
  const code = readFileSync(path, "utf8").replace(/\bimport\(/g, "load(");
  try {
    parse(code, { ecmaVersion: 2018, sourceType: "module" });
  } catch (error) {
    wrong.push(`${path}: ${error.message}`);
  }
}
console.log(JSON.stringify(wrong));
