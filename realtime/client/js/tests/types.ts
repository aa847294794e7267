// Read by `tsc --noEmit` alone: what the types must allow, and what they must refuse.
import { PortalClient, PortalError, type Change, type State } from "../portal-client.js";
import { decode, encode } from "../portal-msgpack.js";

const client = new PortalClient({
  url: "https://portal.example.org",
  portalViewId: "view",
  getCredential: async () => ({ share: "token", guest: null }),
  encoding: "msgpack",
});

export async function allowed(): Promise<number> {
  await client.connect();
  const state: State | null = client.state;
  const name: string | undefined = state?.items[0]?.name;
  const changes: Change[] = [{ type: "item-update", itemId: "ogre", payload: { hp: 1 } }, { type: "encounter-next" }];
  const versions: number[] = [
    await client.update({ name, currentItemId: null }),
    await client.updateItem("ogre", { hp: 12 }),
    await client.addItem({ name: "Imp" }, 0),
    await client.batch(changes),
    await client.setCamera({ x: 0.5, y: 0.5, zoom: 1 }),
    await client.send({ type: "pointer", itemId: 7, x: 0, y: 1 }),
  ];
  client.addEventListener("refused", ({ detail }) => console.log(detail.error.code === "invalid-payload"));
  client.addEventListener("status", ({ detail: { status, nextAttemptAt } }) => console.log(status, nextAttemptAt));
  client.addEventListener("message", ({ detail }) => {
    if (detail.type === "pointer") console.log(detail.x, detail.pointerId);
  });
  decode(encode(versions).buffer as ArrayBuffer);
  const unsaid: PortalError = new PortalError("queue-full", "Too many.");
  return unsaid.retryAfter ?? versions[0]!;
}

// @ts-expect-error a client needs the id of the portal view
new PortalClient({ url: "", getCredential: () => null });
// @ts-expect-error no such encoding
new PortalClient({ url: "", portalViewId: "", getCredential: () => null, encoding: "cbor" });
// @ts-expect-error nobody sets the state
client.state = null;
// @ts-expect-error healthDisplay is one of three words
client.update({ healthDisplay: "colours" });
// @ts-expect-error a pointer has a place
client.send({ type: "pointer", itemId: "ogre" });
// @ts-expect-error no such change
client.batch([{ type: "item-explode" }]);
// @ts-expect-error no such event
client.addEventListener("explosion", () => {});
// @ts-expect-error no such code
new PortalError("exploded", "");
