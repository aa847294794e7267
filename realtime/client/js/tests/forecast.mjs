// What a client shows while its updates wait, for portal/tests/test_js_client_forecast.py: commands and answers as lines
// of JSON. {begin: state} is a state of the server, {add: message} asks for a change, {refuse: true} has the server refuse
// the last one; each answer is {state, sent}: what is shown, and the last message as it would be sent.
import { createInterface } from "node:readline";
import { Updates } from "../src/updates.js";

let refs = 0;
const owner = { status: "waiting", _nextRef: () => (refs += 1), _refused: () => {} };
let confirmed, updates, sent;

for await (const line of createInterface({ input: process.stdin })) {
  const { begin, add, refuse } = JSON.parse(line);
  if (begin) {
    confirmed = begin;
    updates = new Updates(globalThis, owner);
  }
  if (add) {
    updates.add(add);
    sent = updates._entries[updates.size - 1].message;
  }
  if (refuse) updates.answer({ type: "error", ref: refs, code: "refused", message: "No." });
  console.log(JSON.stringify({ state: updates.on(confirmed), sent }));
}
