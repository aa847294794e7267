// Made by `manage.py client_tables --write`; change the code of the server instead.

// What a client does after a close, by its reason
export const RECONNECT = {
  "not-found": "no",
  "unavailable": "with back-off",
  "portal-view-id-missing": "no",
  "credential-missing": "with a new credential",
  "token-invalid": "with a new credential",
  "token-expired": "with a new credential",
  "user-unavailable": "with a new credential",
  "session-ended": "with a new credential",
  "ticket-invalid": "with a new credential",
  "share-invalid": "no",
  "link-withdrawn": "no",
  "link-expired": "no",
  "link-full": "after retryAfter",
  "guest-name-invalid": "no",
  "no-access": "no",
  "origin-not-allowed": "no",
  "host-not-allowed": "no",
  "access-withdrawn": "no",
  "disconnected": "after retryAfter",
  "too-slow": "with back-off",
  "no-answer": "with back-off",
  "rate-limited": "after retryAfter",
  "too-many-connections": "after retryAfter",
  "portal-view-full": "after retryAfter",
  "https-required": "no",
  "socketio-not-supported": "no",
  "binary-not-supported": "no",
  "text-not-supported": "no",
  "message-too-big": "no",
  "internal-error": "with back-off",
  "portal-view-deleted": "no",
  "going-away": "after retryAfter"
};

// The reason of a close that has none, by its code
export const CLOSE_REASONS = {
  "1009": "message-too-big",
  "1011": "internal-error"
};

// The codes of closes after which no client comes back, if they have no reason
export const FINAL_CODES = [
  1000,
  1003,
  1009
];

// Every close code, by its name
export const CLOSE_CODES = {
  "NORMAL": 1000,
  "UNSUPPORTED": 1003,
  "POLICY": 1008,
  "TOO_BIG": 1009,
  "INTERNAL": 1011,
  "RESTART": 1012,
  "TRY_LATER": 1013
};

// The close code that follows each error code; null leaves the connection open
export const ERRORS = {
  "invalid-json": null,
  "invalid-msgpack": null,
  "invalid-message": null,
  "invalid-payload": null,
  "quota-exceeded": null,
  "unknown-type": null,
  "forbidden": null,
  "not-found": 1008,
  "unavailable": null,
  "portal-view-id-missing": 1008,
  "credential-missing": 1008,
  "token-invalid": 1008,
  "token-expired": 1008,
  "user-unavailable": 1008,
  "session-ended": 1008,
  "ticket-invalid": 1008,
  "share-invalid": 1008,
  "link-withdrawn": 1008,
  "link-expired": 1008,
  "link-full": 1013,
  "guest-name-invalid": 1008,
  "no-access": 1008,
  "origin-not-allowed": 1008,
  "host-not-allowed": 1008,
  "access-withdrawn": 1008,
  "disconnected": 1013,
  "too-slow": 1013,
  "no-answer": 1013,
  "rate-limited": null,
  "too-many-connections": 1013,
  "portal-view-full": 1013,
  "https-required": 1008,
  "socketio-not-supported": 1003,
  "binary-not-supported": 1003,
  "text-not-supported": 1003,
  "message-too-big": null,
  "internal-error": 1011
};

// The subprotocol of each encoding
export const SUBPROTOCOLS = {
  "json": "portal.v1.json",
  "msgpack": "portal.v1.msgpack"
};

// The types of the messages that are stored
export const STORED = [
  "portal-view-update",
  "item-update",
  "item-add",
  "item-remove",
  "item-move",
  "encounter-next",
  "encounter-previous",
  "batch"
];

// Who may send which message
export const CLIENT_MESSAGES = {
  "ping": [
    "controller",
    "viewer"
  ],
  "portal-view-update": [
    "controller"
  ],
  "item-update": [
    "controller"
  ],
  "item-add": [
    "controller"
  ],
  "item-remove": [
    "controller"
  ],
  "item-move": [
    "controller"
  ],
  "encounter-next": [
    "controller"
  ],
  "encounter-previous": [
    "controller"
  ],
  "batch": [
    "controller"
  ],
  "request-sync": [
    "viewer"
  ],
  "sync-response": [
    "controller"
  ],
  "activity": [
    "controller"
  ],
  "pointer": [
    "controller",
    "viewer"
  ],
  "auth": [
    "controller",
    "viewer"
  ]
};

// What the server sends
export const SERVER_MESSAGES = [
  "connected",
  "pong",
  "portal-view-updated",
  "item-added",
  "item-removed",
  "item-moved",
  "item-updated",
  "batch-applied",
  "sync-requested",
  "sync-response",
  "activity",
  "pointer",
  "error",
  "ack",
  "role-changed",
  "portal-view-deleted",
  "going-away",
  "token-expiring",
  "presence"
];

// The keys of a state that no message changes
export const READ_ONLY_KEYS = [
  "createdAt",
  "epoch",
  "id",
  "libraryId",
  "updatedAt",
  "version"
];
