// One line to the server: it connects, notices that it is dead, and comes back as the server says.
import { encodingOf } from "./encoding.js";
import { PortalError } from "./error.js";
import { CLOSE_REASONS, FINAL_CODES, RECONNECT, SUBPROTOCOLS } from "./tables.js";

// All in milliseconds
const PING_EVERY = 25000;
const ANSWER_WITHIN = 10000;
const LATE = 2000; // a timer that fires so late has slept
const CONNECT_WITHIN = 10000;
const STATE_WITHIN = 30000; // a long state on a slow network
const LONGEST_TIMER = 2147483647; // a longer one fires at once
const RECONNECT_WITHIN = 1000; // until the server has said another time
const LONGEST_WINDOW = 20000;
const STEADY = 5000; // a line that lived so long has ended the loss before
const STUCK = 3000; // an attempt of this age is made again when the network comes back
const RENEW_AGAIN = 10000;

// `owner` is the client.
export class Line {
  constructor(options, world, owner) {
    this.status = "closed";
    this.nextAttemptAt = null;
    this.lastMessageAt = null;
    this.error = null;
    this.guest = null;
    this._options = options;
    this._world = world;
    this._owner = owner;
    this._timers = {};
    this._within = RECONNECT_WITHIN;
    this._attempt = null; // what belongs to one attempt: {socket, credential, said}
    this._onOnline = () => this.wake();
    this._onVisible = () => this._isHidden() || this.wake();
  }

  open() {
    this._lostAt = null;
    this._refused = null;
    this._listen("addEventListener");
    this._connect();
  }

  // End for good; `error` says why, or that the owner wants it.
  close(error) {
    if (this.status === "closed") return;
    this.error = error.code === "closed" ? null : error;
    this._drop();
    this._listen("removeEventListener");
    this.status = "closed";
    this.nextAttemptAt = null;
    this._owner._lineEnded(error);
    this._owner._lineChanged();
  }

  send(message) {
    this._attempt.socket.send(this._encoding.encode(message));
  }

  // Try at once what can be tried: the network is back, somebody looks, or there is something to send.
  wake() {
    const now = this._now();
    if (this.status === "waiting" && !this._isParked()) this._wait(Math.max(now, this._notBefore));
    else if (this.status === "connecting" && now - this._startedAt > STUCK) this._connect();
    else if (this.status === "open" && !this._isAsking && now - this.lastMessageAt > ANSWER_WITHIN) this._ping();
  }

  // Connect

  async _connect() {
    this._drop();
    const attempt = (this._attempt = { socket: null, credential: null, said: null });
    this._startedAt = this._now();
    this._become("connecting");
    try {
      const given = await this._options.getCredential();
      this._encoding = await encodingOf(this._options.encoding);
      if (attempt !== this._attempt) return;
      attempt.credential = this._choose(given || {});
    } catch (error) {
      if (attempt === this._attempt) this._lose(0, error.code, error);
      return;
    }
    if (attempt.credential) this._dial(attempt);
    else this.close(this._refused ? this.error : new PortalError("credential-missing", "getCredential has given none."));
  }

  // The credential as a subprotocol, but never one that was refused.
  _choose({ token, ticket, share, guest }) {
    const kinds = [["bearer", token], ["ticket", ticket], ["guest", (share || guest) && (this.guest || guest)], ["share", share]];
    const offers = kinds.filter(([, value]) => value).map((kind) => kind.join("."));
    return offers.find((offer) => offer !== this._refused);
  }

  _dial(attempt) {
    let socket;
    try {
      const encoding = SUBPROTOCOLS[this._options.encoding || "json"];
      socket = new this._world.WebSocket(this._address(), [encoding, attempt.credential]);
    } catch (error) {
      this.close(error); // the address can never work
      return;
    }
    attempt.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => attempt === this._attempt && this._take(data, attempt);
    socket.onclose = ({ code, reason }) => attempt === this._attempt && this._lose(code, reason);
    socket.onerror = () => {}; // `close` follows, and says more
    socket.onopen = () => attempt === this._attempt && this._after("connect", STATE_WITHIN, () => this._lose(0, ""));
    this._after("connect", CONNECT_WITHIN, () => this._lose(0, ""));
  }

  _address() {
    const { url, portalViewId, name, as } = this._options;
    const asked = { ...this._owner._comeBack(), name, as };
    const query = Object.keys(asked)
      .filter((key) => asked[key] !== undefined)
      .map((key) => `${key}=${encodeURIComponent(asked[key])}`);
    const base = String(url).replace(/^http/, "ws").replace(/\/+$/, "");
    return `${base}/ws/portal-view/${encodeURIComponent(portalViewId)}${query.length ? "?" : ""}${query.join("&")}`;
  }

  // Read

  _take(data, attempt) {
    this.lastMessageAt = this._now();
    if (this._isAsking) this._pingLater();
    let message;
    try {
      message = this._encoding.decode(data);
    } catch (error) {
      this._lose(0, "", error);
      return;
    }
    if (message.reconnectWithin) this._within = message.reconnectWithin; // in `connected` and `pong`
    if (message.type === "connected") this._begin(message);
    else if (message.type === "error") attempt.said = message;
    else if (message.type === "going-away") attempt.said = { code: message.type, retryAfter: message.retryAfter };
    else if (message.type === "token-expiring") this._renew(attempt);
    this._owner._take(message);
    if (message.type === "connected" && attempt === this._attempt) this._become("open");
  }

  _begin({ guest }) {
    this._stop("connect");
    this.guest = guest || null;
    this._refused = null;
    this.error = null;
    this._openedAt = this.lastMessageAt;
    this._pingLater();
  }

  async _renew(attempt) {
    try {
      const { token, ticket } = (await this._options.getCredential()) || {};
      if (attempt !== this._attempt || !(token || ticket)) return;
      await this._owner._call(token ? { type: "auth", token } : { type: "auth", ticket });
      attempt.credential = this._choose({ token, ticket });
    } catch (error) {
      if (attempt === this._attempt) this._after("renew", RENEW_AGAIN, () => this._renew(attempt));
    }
  }

  // Notice a dead line

  _pingLater() {
    this._isAsking = false;
    this._stop("answer");
    this._after("ping", PING_EVERY, () => this._ping());
  }

  _ping(isAgain) {
    const due = this._now() + ANSWER_WITHIN;
    this._isAsking = true;
    this._stop("ping");
    this.send({ type: "ping" });
    this._after("answer", ANSWER_WITHIN, () => {
      if (!isAgain && this._now() - due > LATE) this._ping(true);
      else this._lose(0, "");
    });
  }

  // Come back

  _lose(code, reason, failure) {
    const now = this._now();
    const { said, credential } = this._attempt;
    const isSteady = this.status === "open" && now - this._openedAt >= STEADY;
    const why = reason || CLOSE_REASONS[code] || (said && said.code === "going-away" ? said.code : "");
    const heard = said && said.code === why ? said : {};
    const advice = RECONNECT[why] || (FINAL_CODES.includes(code) ? "no" : "with back-off");
    this._drop();
    this.error = failure || new PortalError(why || "connection-lost", heard.message || "The connection was lost.", heard);
    if (advice === "no") {
      this.close(this.error);
      return;
    }
    if (advice === "with a new credential") {
      this._refused = credential;
      this.guest = null;
    }
    const isFirst = this._lostAt === null || isSteady;
    if (isFirst) this._lostAt = now;
    this._notBefore = now + (heard.retryAfter || 0);
    // The server has spread the times of those whom it sends away
    const isSpread = why === "going-away" && heard.retryAfter !== undefined;
    this._wait(this._notBefore + (isSpread ? 0 : this._world.Math.random() * this._window(isFirst, now)));
  }

  // Full jitter: later attempts are spread over as long as the loss lasts, so that all are back in that time again.
  _window(isFirst, now) {
    if (isFirst) return this._within;
    return Math.min(LONGEST_WINDOW, Math.max(1.5 * this._within, now - this._lostAt));
  }

  _wait(at) {
    const later = () => (this._isParked() ? this._become("waiting") : this._connect());
    this._become("waiting", this._isParked() ? null : at);
    if (this.nextAttemptAt !== null) this._after("attempt", at - this._now(), later);
  }

  // A page that nobody looks at comes back only if it has something to say.
  _isParked() {
    return this._isHidden() && !this._owner._hasWork();
  }

  _isHidden() {
    const { document } = this._world;
    return Boolean(document) && document.visibilityState === "hidden";
  }

  _listen(how) {
    const { document } = this._world;
    if (this._world[how]) this._world[how]("online", this._onOnline);
    if (!document) return;
    document[how]("visibilitychange", this._onVisible);
    document[how]("resume", this._onVisible);
  }

  _drop() {
    const attempt = this._attempt;
    this._attempt = null;
    this._isAsking = false;
    for (const name of Object.keys(this._timers)) this._stop(name);
    if (attempt && attempt.socket) attempt.socket.close();
    if (this.status === "open") this._owner._lineLost();
  }

  _become(status, nextAttemptAt = null) {
    if (status === this.status && nextAttemptAt === this.nextAttemptAt) return;
    this.status = status;
    this.nextAttemptAt = nextAttemptAt;
    this._owner._lineChanged();
  }

  _now() {
    return this._world.Date.now();
  }

  _after(name, milliseconds, action) {
    this._stop(name);
    this._timers[name] = this._world.setTimeout(action, Math.min(LONGEST_TIMER, Math.max(0, milliseconds)));
  }

  _stop(name) {
    this._world.clearTimeout(this._timers[name]);
    delete this._timers[name];
  }
}
