// The WebSocket of a client in the model: a test says when what was sent arrives, and when the line is cut.

export function lineClass(server) {
  return class Line {
    constructor(address, protocols) {
      Object.assign(this, { address, person: protocols[1].split(".")[1] });
      this._up = [null]; // the handshake
      this._down = [];
      server.lines.push(this);
    }

    // Of the client

    send(data) {
      this._up.push(JSON.parse(data));
    }

    close() {
      this._end();
    }

    // Of the server

    say(message) {
      this._down.push(message);
    }

    // Of the test

    arrive(count = Infinity) {
      if (!this.connectionId && count > 0 && this._up.length) {
        this._up.shift();
        server.connect(this);
      }
      server.take(this, this._up.splice(0, count));
    }

    // With `hasten`, answers overtake news, as they may; they overtake no state.
    deliver(count = Infinity, hasten = false) {
      for (let left = count; left > 0 && this._down.length && this._isUp; left -= 1) {
        const place = hasten ? this._down.findIndex(({ type }) => ["ack", "connected", "role-changed"].includes(type)) : 0;
        const [message] = this._down.splice(Math.max(place, 0), 1);
        this.onmessage({ data: JSON.stringify(message) });
      }
    }

    // Some of what the client has sent arrives, and nothing more of the server's.
    cut(arriving = 0) {
      if (!this._isUp) return;
      this.arrive(arriving);
      this._end();
      this.onclose({ code: 1006, reason: "" });
    }

    get isQuiet() {
      return !this._up.length && !this._down.length;
    }

    get _isUp() {
      return server.lines.includes(this);
    }

    _end() {
      server.lines = server.lines.filter((line) => line !== this);
      this._down = [];
    }
  };
}
