// Made by `manage.py client_tables --write`; change the code of the server instead.

export type ErrorCode = "invalid-json" | "invalid-msgpack" | "invalid-message" | "invalid-payload" | "quota-exceeded" | "unknown-type" | "forbidden" | "not-found" | "unavailable" | "portal-view-id-missing" | "credential-missing" | "token-invalid" | "token-expired" | "user-unavailable" | "session-ended" | "ticket-invalid" | "share-invalid" | "link-withdrawn" | "link-expired" | "link-full" | "guest-name-invalid" | "no-access" | "origin-not-allowed" | "host-not-allowed" | "access-withdrawn" | "disconnected" | "too-slow" | "no-answer" | "rate-limited" | "too-many-connections" | "portal-view-full" | "https-required" | "socketio-not-supported" | "binary-not-supported" | "text-not-supported" | "message-too-big" | "internal-error";

export type Reason = "not-found" | "unavailable" | "portal-view-id-missing" | "credential-missing" | "token-invalid" | "token-expired" | "user-unavailable" | "session-ended" | "ticket-invalid" | "share-invalid" | "link-withdrawn" | "link-expired" | "link-full" | "guest-name-invalid" | "no-access" | "origin-not-allowed" | "host-not-allowed" | "access-withdrawn" | "disconnected" | "too-slow" | "no-answer" | "rate-limited" | "too-many-connections" | "portal-view-full" | "https-required" | "socketio-not-supported" | "binary-not-supported" | "text-not-supported" | "message-too-big" | "internal-error" | "portal-view-deleted" | "going-away";

export type Reconnect = "no" | "with a new credential" | "after retryAfter" | "with back-off";

export type Stored = "portal-view-update" | "item-update" | "item-add" | "item-remove" | "item-move" | "encounter-next" | "encounter-previous" | "batch";

export type ClientMessage = Ping | PortalViewUpdate | ItemUpdate | ItemAdd | ItemRemove | ItemMove | EncounterNext | EncounterPrevious | Batch | RequestSync | SyncResponse | Act | Point | Auth;

export type ServerMessage = Connected | Pong | PortalViewUpdated | ItemAdded | ItemRemoved | ItemMoved | ItemUpdated | BatchApplied | SyncRequested | SyncResponded | Activity | Pointer | Error | Ack | RoleChanged | PortalViewDeleted | GoingAway | TokenExpiring | Presence;

export type Change = PortalViewUpdateInBatch | ItemUpdateInBatch | ItemAddInBatch | ItemRemoveInBatch | ItemMoveInBatch | EncounterNextInBatch | EncounterPreviousInBatch;

export const RECONNECT: Record<Reason, Reconnect>;

export const CLOSE_REASONS: Record<number, Reason>;

export const FINAL_CODES: number[];

export const CLOSE_CODES: Record<string, number>;

export const ERRORS: Record<ErrorCode, number | null>;

export const SUBPROTOCOLS: Record<string, string>;

export const STORED: Stored[];

export const CLIENT_MESSAGES: Record<ClientMessage["type"], Array<"controller" | "viewer">>;

export const SERVER_MESSAGES: Array<ServerMessage["type"]>;

export const READ_ONLY_KEYS: string[];

export type Ping = {
  type: "ping";
  ref?: string | number;
};

export type PortalViewUpdate = {
  type: "portal-view-update";
  ref?: string | number;
  retry?: boolean;
  connectionId?: string;
  payload: GivenPatch;
};

export type ItemUpdate = {
  type: "item-update";
  ref?: string | number;
  retry?: boolean;
  connectionId?: string;
  payload: GivenItemPatch;
  itemId?: string | number;
};

export type ItemAdd = {
  type: "item-add";
  ref?: string | number;
  retry?: boolean;
  connectionId?: string;
  payload: GivenItem;
  index?: number | null;
};

export type ItemRemove = {
  type: "item-remove";
  ref?: string | number;
  retry?: boolean;
  connectionId?: string;
  itemId: string | number;
};

export type ItemMove = {
  type: "item-move";
  ref?: string | number;
  retry?: boolean;
  connectionId?: string;
  itemId: string | number;
  index: number;
};

export type EncounterNext = {
  type: "encounter-next";
  ref?: string | number;
  retry?: boolean;
  connectionId?: string;
};

export type EncounterPrevious = {
  type: "encounter-previous";
  ref?: string | number;
  retry?: boolean;
  connectionId?: string;
};

export type Batch = {
  type: "batch";
  ref?: string | number;
  retry?: boolean;
  connectionId?: string;
  changes: Array<PortalViewUpdateInBatch | ItemUpdateInBatch | ItemAddInBatch | ItemRemoveInBatch | ItemMoveInBatch | EncounterNextInBatch | EncounterPreviousInBatch>;
};

export type RequestSync = {
  type: "request-sync";
  ref?: string | number;
};

export type SyncResponse = {
  type: "sync-response";
  payload: {
    [key: string]: any;
  };
  to?: string;
  ref?: string | number;
};

export type Act = {
  type: "activity";
  ref?: string | number;
  state: "editing" | "idle";
  target?: string | number;
};

export type Point = {
  type: "pointer";
  ref?: string | number;
  itemId: string | number;
  x: number;
  y: number;
};

export type Auth = {
  type: "auth";
  token?: string;
  ticket?: string;
  ref?: string | number;
};

export type Connected = {
  type: "connected";
  portalViewId: string;
  role: string;
  subject: Who;
  userId?: string;
  guest?: string;
  message: string;
  connectionId: string;
  version: number;
  epoch: string;
  recovered: boolean;
  reconnectWithin: number;
  state?: State;
};

export type Who = {
  kind: string;
  id: string;
  name: string | null;
};

export type Pong = {
  type: "pong";
  timestamp: number;
  reconnectWithin: number;
  ref?: string | number;
};

export type PortalViewUpdated = {
  type: "portal-view-updated";
  payload: Patch;
  version?: number;
};

export type ItemAdded = {
  type: "item-added";
  version?: number;
  currentItem?: number | null;
  currentItemId?: string | null;
  camera?: Camera | null;
  encounter?: Encounter | null;
  item: Item;
  index: number;
};

export type ItemRemoved = {
  type: "item-removed";
  version?: number;
  currentItem?: number | null;
  currentItemId?: string | null;
  camera?: Camera | null;
  encounter?: Encounter | null;
  itemId: string;
};

export type ItemMoved = {
  type: "item-moved";
  version?: number;
  currentItem?: number | null;
  currentItemId?: string | null;
  camera?: Camera | null;
  encounter?: Encounter | null;
  itemId: string;
  index: number;
};

export type ItemUpdated = {
  type: "item-updated";
  version?: number;
  currentItem?: number | null;
  currentItemId?: string | null;
  camera?: Camera | null;
  encounter?: Encounter | null;
  payload: ItemPatch;
  index?: number;
};

export type BatchApplied = {
  type: "batch-applied";
  changes: Array<PortalViewUpdatedInBatch | ItemAddedInBatch | ItemRemovedInBatch | ItemMovedInBatch | ItemUpdatedInBatch>;
  version?: number;
};

export type SyncRequested = {
  type: "sync-requested";
  from: string;
  connectionId: string;
};

export type SyncResponded = {
  type: "sync-response";
  payload: {
    [key: string]: any;
  };
  version: number;
  source: string;
};

export type Activity = {
  type: "activity";
  state: "editing" | "idle";
  from?: string;
  target?: string;
};

export type Pointer = {
  type: "pointer";
  pointerId: string;
  role: string;
  from?: string;
  itemId: string;
  x: number;
  y: number;
};

export type Error = {
  type: "error";
  message: string;
  code: "invalid-json" | "invalid-msgpack" | "invalid-message" | "invalid-payload" | "quota-exceeded" | "unknown-type" | "forbidden" | "not-found" | "unavailable" | "portal-view-id-missing" | "credential-missing" | "token-invalid" | "token-expired" | "user-unavailable" | "session-ended" | "ticket-invalid" | "share-invalid" | "link-withdrawn" | "link-expired" | "link-full" | "guest-name-invalid" | "no-access" | "origin-not-allowed" | "host-not-allowed" | "access-withdrawn" | "disconnected" | "too-slow" | "no-answer" | "rate-limited" | "too-many-connections" | "portal-view-full" | "https-required" | "socketio-not-supported" | "binary-not-supported" | "text-not-supported" | "message-too-big" | "internal-error";
  ref?: string | number;
  details?: {
    [key: string]: any;
  };
  retryAfter?: number;
};

export type Ack = {
  type: "ack";
  ref: string | number;
  version: number;
  itemId?: string;
  itemIds?: Array<string>;
  payload?: Beyond;
  warnings?: Array<string>;
};

export type RoleChanged = {
  type: "role-changed";
  role: string;
  subject?: Who;
  version: number;
  epoch: string;
  state: State;
};

export type PortalViewDeleted = {
  type: "portal-view-deleted";
  portalViewId: string;
};

export type GoingAway = {
  type: "going-away";
  retryAfter: number;
};

export type TokenExpiring = {
  type: "token-expiring";
  expiresIn: number;
};

export type Presence = {
  type: "presence";
  event: "snapshot" | "change";
  joined?: Array<Present>;
  left?: Array<Present>;
  controllers?: Array<Present>;
  viewers?: Array<Present>;
  counts: Counts;
};

export type Present = {
  kind: string;
  id: string;
  name: string | null;
  role: string;
  since: string;
};

export type Counts = {
  controllers: number;
  viewers: number;
};

export type PortalViewUpdateInBatch = {
  type: "portal-view-update";
  payload: GivenPatchInBatch;
};

export type ItemUpdateInBatch = {
  type: "item-update";
  payload: GivenItemPatch;
  itemId?: string | number;
};

export type ItemAddInBatch = {
  type: "item-add";
  payload: GivenItem;
  index?: number | null;
};

export type ItemRemoveInBatch = {
  type: "item-remove";
  itemId: string | number;
};

export type ItemMoveInBatch = {
  type: "item-move";
  itemId: string | number;
  index: number;
};

export type EncounterNextInBatch = {
  type: "encounter-next";
};

export type EncounterPreviousInBatch = {
  type: "encounter-previous";
};

export type PortalViewUpdatedInBatch = {
  type: "portal-view-updated";
  payload: Patch;
};

export type ItemAddedInBatch = {
  type: "item-added";
  item: Item;
  index: number;
};

export type ItemRemovedInBatch = {
  type: "item-removed";
  itemId: string;
};

export type ItemMovedInBatch = {
  type: "item-moved";
  itemId: string;
  index: number;
};

export type ItemUpdatedInBatch = {
  type: "item-updated";
  payload: ItemPatch;
  index?: number;
};

export type Item = {
  id: string;
  visible?: boolean | null;
  public?: {
    [key: string]: any;
  };
  show?: {
    health?: "numbers" | "bar" | "words" | true | false;
    ac?: boolean;
    actions?: boolean;
    initiative?: boolean;
    conditions?: boolean;
  } | null;
  revealOnTurn?: boolean | null;
  [key: string]: any;
};

export type Camera = {
  x: number;
  y: number;
  zoom: number;
  rotation: number;
};

export type Encounter = {
  round: number;
  turn: string | null;
  order: Array<{
    itemId: string;
    initiative?: number | string | null;
  }>;
};

export type State = {
  id: string;
  libraryId: string;
  version: number;
  createdAt: string;
  updatedAt: string;
  name: string;
  showEncounter: boolean;
  showHealth: boolean;
  showAC: boolean;
  showActions: boolean;
  showConditions: boolean;
  healthDisplay: "numbers" | "bar" | "words";
  autoResetImageState: boolean;
  blackout: boolean;
  viewersMayPoint: boolean;
  currentItem: number | null;
  currentItemId: string | null;
  camera: Camera | null;
  encounter: Encounter | null;
  items: Array<Item>;
};

export type Patch = {
  name?: string;
  showEncounter?: boolean;
  showHealth?: boolean;
  showAC?: boolean;
  showActions?: boolean;
  showConditions?: boolean;
  healthDisplay?: "numbers" | "bar" | "words";
  autoResetImageState?: boolean;
  blackout?: boolean;
  viewersMayPoint?: boolean;
  currentItem?: number | null;
  currentItemId?: string | null;
  camera?: Camera | null;
  encounter?: Encounter | null;
  items?: Array<Item>;
  [key: string]: any;
};

export type ItemPatch = {
  itemId: string;
  [key: string]: any;
};

export type Beyond = {
  currentItem?: number | null;
  currentItemId?: string | null;
  camera?: Camera | null;
  encounter?: Encounter | null;
  items?: Array<Item>;
  changes?: Array<ItemUpdatedInBatch>;
};

export type GivenItem = {
  id?: string | number | null;
  visible?: boolean | null;
  public?: {
    [key: string]: any;
  };
  show?: {
    health?: "numbers" | "bar" | "words" | true | false;
    ac?: boolean;
    actions?: boolean;
    initiative?: boolean;
    conditions?: boolean;
  } | null;
  revealOnTurn?: boolean | null;
  [key: string]: any;
};

export type GivenCamera = {
  x: number;
  y: number;
  zoom: number;
  rotation?: number;
};

export type GivenEncounter = {
  round: number;
  turn?: string | number | null;
  order: Array<{
    itemId: string | number;
    initiative?: number | string | null;
  }>;
};

export type GivenPatch = {
  name?: string;
  showEncounter?: boolean;
  showHealth?: boolean;
  showAC?: boolean;
  showActions?: boolean;
  showConditions?: boolean;
  healthDisplay?: "numbers" | "bar" | "words";
  autoResetImageState?: boolean;
  blackout?: boolean;
  viewersMayPoint?: boolean;
  currentItem?: number | null;
  currentItemId?: string | number | null;
  camera?: GivenCamera | null;
  encounter?: GivenEncounter | null;
  items?: Array<GivenItem>;
  [key: string]: any;
};

export type GivenPatchInBatch = {
  name?: string;
  showEncounter?: boolean;
  showHealth?: boolean;
  showAC?: boolean;
  showActions?: boolean;
  showConditions?: boolean;
  healthDisplay?: "numbers" | "bar" | "words";
  autoResetImageState?: boolean;
  blackout?: boolean;
  viewersMayPoint?: boolean;
  currentItem?: number | null;
  currentItemId?: string | number | null;
  camera?: GivenCamera | null;
  encounter?: GivenEncounter | null;
  items?: Array<GivenItem>;
  createdAt?: unknown;
  epoch?: unknown;
  id?: unknown;
  libraryId?: unknown;
  updatedAt?: unknown;
  version?: unknown;
};

export type GivenItemPatch = {
  itemId?: string | number;
  [key: string]: any;
};
