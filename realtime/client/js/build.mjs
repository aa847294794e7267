// Writes the minified modules: `make client`. With a folder as its argument, it writes them there.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const { build } = createRequire(new URL("../../../testing/node/", import.meta.url))("esbuild");

await build({
  absWorkingDir: HERE,
  entryPoints: ["portal-client.js", "portal-msgpack.js"],
  entryNames: "[name].min",
  outdir: process.argv[2] || ".",
  bundle: true,
  splitting: true, // the first loads the second when it is asked for
  format: "esm",
  target: "es2018",
  supported: { "dynamic-import": true }, // the browsers of then have it
  minify: true,
  mangleProps: /^_[a-z]/, // what is ours alone; records have an "_id", which is written as text
  legalComments: "none",
  logLevel: "warning",
});
