// A line to the server that is slow, stands still, and is cut, as a test wants.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export class Proxy {
  constructor(url, random) {
    this._target = new URL(url);
    this._random = random;
    this._pairs = new Set();
    this._thaw = null; // the promise of the end of a standstill, with its end
    this.delay = 0; // milliseconds, at most, for each piece
  }

  async listen() {
    this._server = createServer((near) => this._open(near));
    this._server.listen(0, "127.0.0.1");
    await once(this._server, "listening");
    this.url = `http://127.0.0.1:${this._server.address().port}`;
    return this;
  }

  cut() {
    for (const pair of this._pairs) for (const one of pair) one.destroy();
    this.thaw();
  }

  freeze() {
    if (this._thaw) return;
    this._thaw = {};
    this._thaw.promise = new Promise((resolve) => Object.assign(this._thaw, { resolve }));
  }

  thaw() {
    if (this._thaw) this._thaw.resolve();
    this._thaw = null;
  }

  close() {
    this.cut();
    this._server.close();
  }

  _open(near) {
    const { hostname, port } = this._target;
    const pair = [near, connect({ host: hostname, port: Number(port) })];
    this._pairs.add(pair);
    for (const [one, other] of [pair, [...pair].reverse()]) {
      let before = Promise.resolve();
      one.on("data", (piece) => (before = before.then(() => this._pass(piece, other))));
      one.on("error", () => other.destroy());
      one.on("close", () => before.then(() => this._pairs.delete(pair) && other.destroy()));
    }
  }

  async _pass(piece, other) {
    if (this.delay) await sleep(this._random() * this.delay);
    if (this._thaw) await this._thaw.promise;
    if (!other.destroyed) other.write(piece);
  }
}
