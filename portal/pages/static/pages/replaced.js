// Pictures of this site whose address has stayed while another picture took its place: docs/images.md.
const ADDRESS = /^(https?:\/\/[\w.-]+(:\d+)?)?\/[\w./-]+(\?size=\d+)?$/;
const replaced = new Set(); // addresses without their size; this page asks again for each of these

// The addresses of texts in a message that stores nothing, and tells again what items show: docs/protocol.md.
export function replacedBy({ type, version, payload, changes }) {
  if (version !== undefined) return [];
  if (type === "batch-applied") return [].concat(...changes.map(replacedBy));
  if (type !== "item-updated") return [];
  const addresses = addressesIn(payload).map(whole);
  addresses.forEach((address) => replaced.add(address));
  return addresses;
}

// Load a picture, and decode it. The browser may have kept the one before, and shows it for the same address.
export async function load(img, address) {
  if (!replaced.has(whole(address))) {
    img.src = address;
    await img.decode();
    return;
  }
  const answer = await fetch(address, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${address} was answered with ${answer.status}`);
  img.src = URL.createObjectURL(await answer.blob());
  try {
    await img.decode();
  } finally {
    URL.revokeObjectURL(img.src);
  }
}

// The address of a whole picture, whatever size of it is asked for.
export function whole(address) {
  try {
    const { origin, pathname } = new URL(address, location.href);
    return origin + pathname;
  } catch (error) {
    return address; // nothing can be asked for there
  }
}

function addressesIn(value) {
  if (typeof value === "string") return ADDRESS.test(value) ? [value] : [];
  if (!value || typeof value !== "object") return [];
  return [].concat(...Object.keys(value).map((key) => addressesIn(value[key])));
}
