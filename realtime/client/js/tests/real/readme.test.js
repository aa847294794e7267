// The examples of README.md, as they are written there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { closing, joined, loaded, resolved, SERVER, until } from "./server.js";

const PACKAGE = new URL("../../", import.meta.url);
const README = readFileSync(new URL("README.md", PACKAGE), "utf8");
const MODULES = { "portal-client": new URL(JSON.parse(readFileSync(new URL("package.json", PACKAGE))).exports["."].default, PACKAGE) };

function written(name) {
  const [, code] = README.match(new RegExp(`^\`\`\`js ${name}\\n(.*?)^\`\`\``, "ms"));
  return code;
}

// The example as a module; what it imports is found where it is here.
function example(name) {
  const code = written(name).replace(/from "([^"]+)"/g, (_, from) => `from "${MODULES[from] || `file://${resolved(from)}`}"`);
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

for (const [name, lines] of Object.entries({ view: 15, controller: 15, react: 10, vue: 10 })) {
  test(`${name} has at most ${lines} lines`, () => assert.ok(written(name).trimEnd().split("\n").length <= lines));
}

test("the view and the controller", async () => {
  const kept = new Map();
  globalThis.localStorage = { getItem: (key) => kept.get(key) || null, setItem: (key, value) => kept.set(key, value) };
  const { show } = await example("view");
  const { play } = await example("controller");
  const drawn = [];
  const view = closing(show(SERVER.url, SERVER.portalViewId, SERVER.share, (what) => drawn.push(what)));
  await view.connect();
  assert.equal(kept.get(SERVER.share), view.guest);
  const warnings = [];
  const controller = closing(await play(SERVER.url, SERVER.portalViewId, () => SERVER.controller, (text) => warnings.push(text)));
  await until(view, () => view.state.currentItemId === "ogre" && drawn.length > 1);
  assert.equal(drawn.at(-1).title, view.state.name);
  const again = closing(show(SERVER.url, SERVER.portalViewId, SERVER.share, () => {}));
  await again.connect();
  assert.equal(again.subject.id, view.subject.id);
  await assert.rejects(controller.update({ name: "" }));
  assert.equal(warnings.length, 1);
  await controller.removeItem("ogre");
});

test("the React hook", async () => {
  globalThis.IS_REACT_ACT_ENVIRONMENT = true;
  const { createElement } = loaded("react");
  const { act, create } = loaded("react-test-renderer");
  const { usePortalState } = await example("react");
  const client = joined(SERVER.controller);
  await client.connect();
  const Title = () => createElement("h1", null, usePortalState(client).name);
  let root;
  await act(async () => (root = create(createElement(Title))));
  const { name } = client.state;
  assert.deepEqual(root.toJSON().children, [name]);
  let stored;
  await act(async () => (stored = client.update({ name: "Night" })));
  assert.deepEqual(root.toJSON().children, ["Night"]);
  await act(async () => stored);
  await act(async () => root.unmount());
  await client.update({ name });
});

test("the Vue composable", async () => {
  const { effectScope, watchEffect } = await import(`file://${resolved("vue")}`);
  const { usePortalState } = await example("vue");
  const client = joined(SERVER.controller);
  await client.connect();
  const { name } = client.state;
  const seen = [];
  const scope = effectScope();
  scope.run(() => {
    const state = usePortalState(client);
    watchEffect(() => seen.push(state.value.name), { flush: "sync" });
  });
  await client.update({ name: "Night" });
  scope.stop();
  await client.update({ name });
  assert.equal(seen[0], name);
  assert.ok(seen.slice(1).every((one) => one === "Night") && seen.length > 1);
});
