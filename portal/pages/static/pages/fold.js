// The state of a viewer, folded from what the server sends (docs/protocol.md, section 5).
const BESIDE = ["currentItem", "currentItemId", "camera", "encounter"];

export class Folded {
  constructor() {
    this.state = null;
    this.version = 0;
  }

  receive(message) {
    switch (message.type) {
      case "connected":
      case "role-changed":
        if (message.state) this.state = structured(message.state);
        this.#reach(message.version);
        break;
      case "sync-response":
        if (message.source === "server" && message.version >= this.version) {
          this.state = structured(message.payload);
          this.version = message.version;
        }
        break;
      default:
        if (this.state && message.version > this.version && this.#apply(message)) this.#reach(message.version);
    }
  }

  #reach(version) {
    this.version = version;
    if (this.state) this.state.version = version;
  }

  // Whether it is a message that changes the state.
  #apply(message) {
    const { items } = this.state;
    const place = items.findIndex(({ id }) => id === (message.itemId ?? message.payload?.itemId));
    switch (message.type) {
      case "batch-applied":
        message.changes.forEach((change) => this.#apply(change));
        break;
      case "portal-view-updated":
        this.#patch(message.payload);
        break;
      case "item-added":
        items.splice(message.index, 0, message.item);
        break;
      case "item-removed":
        if (place >= 0) items.splice(place, 1);
        break;
      case "item-moved":
        if (place >= 0) items.splice(message.index, 0, ...items.splice(place, 1));
        break;
      case "item-updated":
        if (place >= 0) items[place] = merged(items[place], message.payload);
        break;
      default:
        return false;
    }
    this.#patch(Object.fromEntries(BESIDE.filter((key) => key in message).map((key) => [key, message[key]])));
    return true;
  }

  // Set keys of the state; others are commands, and no part of it.
  #patch(payload) {
    for (const [key, value] of Object.entries(payload)) {
      if (Object.hasOwn(this.state, key)) this.state[key] = value;
    }
  }
}

function structured(state) {
  return { ...state, items: [...state.items] };
}

function merged(item, { itemId, id, ...patch }) {
  return Object.fromEntries(Object.entries({ ...item, ...patch }).filter(([key]) => !(key in patch && patch[key] === null)));
}
