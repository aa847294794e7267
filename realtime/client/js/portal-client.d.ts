// The types of portal-client.js. Those of messages and of the state are made from the server, in src/tables.d.ts.
import type {
  Camera,
  Change,
  ErrorCode,
  GivenCamera,
  GivenItem,
  GivenPatch,
  Item,
  Reason,
  ServerMessage,
  State,
  Who,
} from "./src/tables.js";

export type { Camera, Change, Item, ServerMessage, State };
export type Subject = Who;

/** What `getCredential` answers: one of the credentials of docs/protocol.md, section 1. */
export type Credential =
  | { token: string }
  | { ticket: string }
  | { share: string; guest?: string | null }
  | { guest: string };

export interface PortalClientOptions {
  /** The address of the site, such as `https://portal.example.org`; also with a path, and with `ws:` or `wss:`. */
  url: string;
  portalViewId: string;
  /**
   * Asked before each attempt to connect, and before a token expires. A credential that the server has refused is not
   * sent again: give a new one. `null` closes the client; an error lets it try again later.
   */
  getCredential: () => Credential | null | Promise<Credential | null>;
  encoding?: "json" | "msgpack";
  /** A guest's name. */
  name?: string;
  /** A controller who wants to see what viewers see. */
  as?: "viewer";
}

/** The server's codes, the reasons of closes, and what the client itself says. */
export type Code =
  | ErrorCode
  | Reason
  /** There is no connection, and this is not kept for the next one. */
  | "not-connected"
  /** The connection was lost. */
  | "connection-lost"
  /** 100 updates wait already. */
  | "queue-full"
  /** The update was sent, its answer was lost, and it is too late to ask again. */
  | "unknown-outcome"
  /** `close()` was called. */
  | "closed";

export class PortalError extends Error {
  constructor(code: Code, message: string, more?: { details?: Record<string, string>; retryAfter?: number });
  readonly code: Code;
  /** A sentence for each value that was wrong, by its place. */
  readonly details?: Record<string, string>;
  /** Milliseconds after which the same may succeed. */
  readonly retryAfter?: number;
}

export type Status = "connecting" | "open" | "waiting" | "closed";
export type Role = "controller" | "viewer";

export interface Person {
  kind: "user" | "guest";
  id: string;
  name: string | null;
  role: Role;
  since: string;
}

/** Viewers are told nothing but the counts, and those only if the library allows it. */
export interface PortalPresence {
  controllers: Person[];
  viewers: Person[];
  counts: { controllers: number; viewers: number };
}

/** What is sent to the others and not stored. */
export type Command =
  | { type: "pointer"; itemId: string | number; x: number; y: number }
  | { type: "activity"; state: "editing" | "idle"; target?: string | number }
  | { type: "request-sync" }
  | { type: "sync-response"; payload: Record<string, unknown>; to?: string }
  | { type: "auth"; token: string }
  | { type: "auth"; ticket: string }
  /** Keys that are not of the state: an effect, a sound. Bytes are a Uint8Array. */
  | { type: "portal-view-update"; payload: Record<string, unknown> };

export interface StatusDetail {
  status: Status;
  nextAttemptAt: number | null;
  lastMessageAt: number | null;
  error: PortalError | Error | null;
}

/** The `detail` of each event. Those of properties have the new value. */
export interface PortalEvents {
  status: StatusDetail;
  role: Role;
  subject: Subject;
  version: number;
  confirmed: State;
  state: State;
  presence: PortalPresence | null;
  /** An update was refused, and its change is gone from `state`. */
  refused: { error: PortalError; message: Record<string, any> };
  /** Each message of the server, after it was folded. */
  message: ServerMessage;
}

/** An EventTarget that knows its events. */
declare const PortalTarget: new () => Omit<EventTarget, "addEventListener" | "removeEventListener">;

/** One portal view, as the server has it and as you change it. States and items are never changed in place. */
export class PortalClient extends PortalTarget {
  constructor(options: PortalClientOptions);

  readonly status: Status;
  /** When the next attempt is made, or null. Times are those of `Date.now()`. */
  readonly nextAttemptAt: number | null;
  readonly lastMessageAt: number | null;
  /** Why the client waits, or is closed; else null. */
  readonly error: PortalError | Error | null;
  readonly role: Role | null;
  readonly subject: Subject | null;
  readonly connectionId: string | null;
  /** A guest's own credential. Keep it: the next client with it is the same guest. */
  readonly guest: string | null;
  readonly version: number;
  /** The state of the server, exact after each message. */
  readonly confirmed: State | null;
  /** `confirmed`, with my waiting changes on top. */
  readonly state: State | null;
  readonly presence: PortalPresence | null;

  /** Resolves when it is open; rejects when it is closed before that. */
  connect(): Promise<void>;
  close(): void;
  /** While it waits: make the next attempt at once, or as soon as the server allows it. */
  tryNow(): void;

  /** These are stored, and resolve with the version. While the line is down, 100 of them wait. */
  update(patch: GivenPatch): Promise<number>;
  updateItem(itemId: string | number, patch: Record<string, any>): Promise<number>;
  addItem(item: GivenItem, index?: number): Promise<number>;
  removeItem(itemId: string | number): Promise<number>;
  moveItem(itemId: string | number, index: number): Promise<number>;
  /** All of them are stored as one version, or none. */
  batch(changes: Change[]): Promise<number>;
  nextTurn(): Promise<number>;
  previousTurn(): Promise<number>;
  /** Sent ten times a second while a gesture lasts, and always the last. */
  setCamera(camera: GivenCamera | null): Promise<number>;

  /** Sent now or never, and not stored. */
  send(command: Command): Promise<number>;

  addEventListener<Type extends keyof PortalEvents>(
    type: Type,
    listener: (event: CustomEvent<PortalEvents[Type]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof PortalEvents>(
    type: Type,
    listener: (event: CustomEvent<PortalEvents[Type]>) => void,
    options?: boolean | EventListenerOptions,
  ): void;
}
