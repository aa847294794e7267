// Says refusals as a page does: said.js, in a document of its own. A line of JSON each, in and out.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [path, lang, refusals] = process.argv.slice(2);
globalThis.document = { documentElement: { lang }, querySelector: () => ({ dataset: { refusals } }) };
const { said } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(path, "utf8"))}`);
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(said(JSON.parse(line))));
