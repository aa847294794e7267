// The desk: each part is an element of its own, and all of them look at one model.
import "./adding.js";
import "./editor.js";
import "./encounter.js";
import "./history.js";
import "./items.js";
import "./keys.js";
import "./line.js";
import { one } from "./dom.js";
import { desk } from "./model.js";
import "./people.js";
import "./screen.js";
import "./sharing.js";
import "./steps.js";
import "./tabs.js";

// What waits would be lost.
addEventListener("beforeunload", (event) => {
  if (desk.pending.size || one("desk-adding").isBusy) event.preventDefault();
});

desk.start();
