// MessagePack (github.com/msgpack/msgpack, spec.md) as Portal speaks it: what JSON can say, and bytes as Uint8Array.
const MOST_LEVELS = 64;
const WORD = 4294967296; // 2 ** 32

// The value as octets; like JSON, it leaves out keys without a value, and takes null for NaN and the infinities.
export function encode(value) {
  const writer = { octets: new Uint8Array(256), length: 0 };
  write(writer, value);
  return writer.octets.slice(0, writer.length);
}

// The value in an ArrayBuffer; an Error if it is not MessagePack, or says what JSON cannot.
export function decode(buffer) {
  const reader = { view: new DataView(buffer), at: 0, levels: 0 };
  const value = read(reader);
  if (reader.at !== buffer.byteLength) throw new Error("There is something behind the value.");
  return value;
}

// Write

function write(writer, value) {
  if (value && typeof value.toJSON === "function") value = value.toJSON();
  if (typeof value === "number") number(writer, value);
  else if (typeof value === "boolean") head(writer, value ? 0xc3 : 0xc2);
  else if (typeof value === "string") {
    const octets = new TextEncoder().encode(value);
    if (octets.length < 32) head(writer, 0xa0 | octets.length);
    else sized(writer, octets.length, 0xd9, 0xda, 0xdb);
    append(writer, octets);
  } else if (value instanceof Uint8Array) {
    sized(writer, value.length, 0xc4, 0xc5, 0xc6);
    append(writer, value);
  } else if (Array.isArray(value)) {
    counted(writer, value.length, 0x90, 0xdc);
    for (const one of value) write(writer, one);
  } else if (value && typeof value === "object") {
    const keys = Object.keys(value).filter((key) => value[key] !== undefined);
    counted(writer, keys.length, 0x80, 0xde);
    for (const key of keys) {
      write(writer, key);
      write(writer, value[key]);
    }
  } else head(writer, 0xc0);
}

function number(writer, value) {
  if (!Number.isFinite(value)) head(writer, 0xc0);
  else if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    head(writer, 0xcb);
    room(writer, 8).setFloat64(writer.length - 8, value);
  } else if (value >= -32 && value < 128) head(writer, value & 0xff);
  else if (value >= 0) {
    if (value < WORD) sized(writer, value, 0xcc, 0xcd, 0xce);
    else long(writer, 0xcf, value);
  } else if (value >= -128) head(writer, 0xd0, 1, value & 0xff);
  else if (value >= -32768) head(writer, 0xd1, 2, value & 0xffff);
  else if (value >= -2147483648) head(writer, 0xd2, 4, value >>> 0);
  else long(writer, 0xd3, value);
}

function long(writer, type, value) {
  head(writer, type);
  const view = room(writer, 8);
  view.setUint32(writer.length - 8, Math.floor(value / WORD) >>> 0);
  view.setUint32(writer.length - 4, value >>> 0);
}

function counted(writer, count, short, type) {
  if (count < 16) head(writer, short | count);
  else sized(writer, count, null, type, type + 1);
}

// A type and an unsigned number, in the fewest octets for which there is a type.
function sized(writer, size, type8, type16, type32) {
  if (size < 256 && type8) head(writer, type8, 1, size);
  else if (size < 65536) head(writer, type16, 2, size);
  else head(writer, type32, 4, size);
}

function head(writer, type, width = 0, value = 0) {
  const view = room(writer, 1 + width);
  const at = writer.length - width;
  view.setUint8(at - 1, type);
  if (width === 1) view.setUint8(at, value);
  else if (width === 2) view.setUint16(at, value);
  else if (width === 4) view.setUint32(at, value);
}

function append(writer, octets) {
  room(writer, octets.length);
  writer.octets.set(octets, writer.length - octets.length);
}

// Make room for so many more octets.
function room(writer, count) {
  writer.length += count;
  if (writer.length > writer.octets.length) {
    const larger = new Uint8Array(2 * writer.length);
    larger.set(writer.octets);
    writer.octets = larger;
  }
  return new DataView(writer.octets.buffer);
}

// Read

function read(reader) {
  const type = unsigned(reader, 1);
  if (type < 0x80) return type;
  if (type < 0x90) return map(reader, type & 0x0f);
  if (type < 0xa0) return list(reader, type & 0x0f);
  if (type < 0xc0) return text(reader, type & 0x1f);
  if (type >= 0xe0) return type - 256;
  switch (type) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return octets(reader, unsigned(reader, 1 << (type - 0xc4))).slice();
    case 0xca:
      return finite(reader.view.getFloat32(past(reader, 4)));
    case 0xcb:
      return finite(reader.view.getFloat64(past(reader, 8)));
    case 0xcc:
    case 0xcd:
    case 0xce:
      return unsigned(reader, 1 << (type - 0xcc));
    case 0xcf:
      return unsigned(reader, 4) * WORD + unsigned(reader, 4);
    case 0xd0:
      return reader.view.getInt8(past(reader, 1));
    case 0xd1:
      return reader.view.getInt16(past(reader, 2));
    case 0xd2:
      return reader.view.getInt32(past(reader, 4));
    case 0xd3:
      return reader.view.getInt32(past(reader, 4)) * WORD + unsigned(reader, 4);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return text(reader, unsigned(reader, 1 << (type - 0xd9)));
    case 0xdc:
    case 0xdd:
      return list(reader, unsigned(reader, 2 << (type - 0xdc)));
    case 0xde:
    case 0xdf:
      return map(reader, unsigned(reader, 2 << (type - 0xde)));
    default:
      throw new Error(`There is no value of the type ${type}.`);
  }
}

function list(reader, count) {
  return oneLevelDown(reader, () => {
    const values = [];
    while (values.length < count) values.push(read(reader));
    return values;
  });
}

function map(reader, count) {
  return oneLevelDown(reader, () => {
    const value = {};
    for (let i = 0; i < count; i += 1) {
      const key = read(reader);
      if (typeof key !== "string" || key === "__proto__") throw new Error("This cannot be a key.");
      value[key] = read(reader);
    }
    return value;
  });
}

function oneLevelDown(reader, readAll) {
  reader.levels += 1;
  if (reader.levels > MOST_LEVELS) throw new Error("There are too many levels.");
  const value = readAll();
  reader.levels -= 1;
  return value;
}

function text(reader, size) {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets(reader, size));
}

function octets(reader, size) {
  const at = past(reader, size);
  return new Uint8Array(reader.view.buffer, at, size);
}

function unsigned(reader, width) {
  const at = past(reader, width);
  if (width === 1) return reader.view.getUint8(at);
  return width === 2 ? reader.view.getUint16(at) : reader.view.getUint32(at);
}

function finite(value) {
  if (!Number.isFinite(value)) throw new Error("JSON has no such number.");
  return value;
}

// Go on behind so many octets; where they begin.
function past(reader, size) {
  const { at } = reader;
  if (size > reader.view.byteLength - at) throw new Error("The end is missing.");
  reader.at += size;
  return at;
}
