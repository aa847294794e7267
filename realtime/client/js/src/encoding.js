// How messages are written and read. Bytes are a Uint8Array in both encodings.
const BYTES = "$bytes";

const json = {
  encode: (message) => JSON.stringify(message, replaced),
  // Few messages have bytes, and a reviver is slow
  decode: (text) => JSON.parse(text, text.includes(`"${BYTES}"`) ? revived : undefined),
};

export async function encodingOf(name) {
  return name === "msgpack" ? import("../portal-msgpack.js") : json;
}

function replaced(_, value) {
  return value instanceof Uint8Array ? { [BYTES]: base64(value) } : value;
}

function revived(_, value) {
  if (!value || typeof value[BYTES] !== "string") return value;
  return Uint8Array.from(atob(value[BYTES]), (character) => character.charCodeAt(0));
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
