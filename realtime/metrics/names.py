"""Every metric, named once: the page /metrics, the dashboard, the alerts and docs/operations.md use these names.

None has a portal view, a person or an address as a label: those are as many as clients like.
"""

from __future__ import annotations

from libraries.rules.roles import PortalRole
from realtime.metrics.instruments import Counter, Counters, Gauge, Histogram, Instrument
from realtime.protocol.closing import ERRORS, CloseCode
from realtime.protocol.events import SERVER_MESSAGES
from realtime.protocol.requests import CLIENT_MESSAGES

SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The bounds for what people wait for, in seconds."""
LONG = (1.0, 10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0)
"""The bounds for how long connections last, in seconds."""
INVALID = "invalid"
"""The type of a message that could not be read."""
OF_CLIENTS = (1000, 1001, 1005, 1006)
"""The usual close codes of clients, and of connections that end without one (RFC 6455, section 7.4.1)."""
ROLES = tuple(str(role) for role in PortalRole)
RECOVERED, SNAPSHOT = "recovered", "snapshot"
WRONG, LIMITED = "wrong", "limited"

# --- What there is now ------------------------------------------------------------------------------------

PROCESSES = Gauge("portal_processes", "Processes that serve.")
CONNECTIONS = Gauge("portal_connections", "Open connections to portal views.", ("role",))
ROOMS = Gauge("portal_rooms", "Portal views with an open connection, added up over the processes.")
SUBJECTS = Gauge("portal_subjects", "People and guests with an open connection, added up over the processes.")
STALLED = Gauge("portal_stalled_connections", "Connections that do not read fast enough, and skip updates.")
SEND_BUFFERS = Gauge("portal_send_buffer_bytes", "Bytes that wait in this application for slow clients.")
LAYER_UP = Gauge("portal_layer_up", "1 if the channel layer answers every process, 0 if not.", merge=min)
DATABASE_UP = Gauge("portal_database_up", "1 if the database answers every process and takes writes.", merge=min)
MEMORY = Gauge("portal_process_resident_bytes", "Memory of the processes that serve.")
CPU = Counter("portal_process_cpu_seconds_total", "CPU time of the processes that serve, user and system.")

# --- Messages ---------------------------------------------------------------------------------------------

RECEIVED = Counters("portal_messages_received_total", "Messages of clients.", "type", (*CLIENT_MESSAGES, INVALID))
RECEIVED_BYTES = Counter("portal_received_bytes_total", "Bytes that came over WebSockets, with their frames.")
SENT = Counters(
    "portal_messages_sent_total", "Messages to clients: one for each client that it went to.", "type", SERVER_MESSAGES
)
SENT_BYTES = Counter("portal_sent_bytes_total", "Bytes of these messages, with their frames.")
BROADCASTS = Counter("portal_broadcasts_total", "Updates and commands that went to a room, each counted once.")
DELIVERIES = Counter("portal_deliveries_total", "Messages of these: one for each client that it went to.")

# --- Refusals and repairs ---------------------------------------------------------------------------------

REFUSALS = Counters("portal_refusals_total", "Errors that clients were sent, of open connections too.", "code", ERRORS)
CLOSES = Counters(
    "portal_closes_total",
    "Ended connections, by the code of the first close frame.",
    "code",
    sorted({str(int(code)) for code in (*CloseCode, *OF_CLIENTS)}),
)
LOGIN_FAILURES = Counters(
    "portal_login_failures_total", "Failed log-ins: wrong, or not tried over a limit.", "reason", (WRONG, LIMITED)
)
HANDSHAKE_FAILURES = Counters(
    "portal_handshake_failures_total", "Connections that were not let in to a portal view.", "code", ERRORS
)
RECONNECTS = Counters(
    "portal_reconnects_total",
    "Clients that came back: with nothing missed, or with a snapshot.",
    "kind",
    (RECOVERED, SNAPSHOT),
)
GAPS_REPAIRED = Counter("portal_gaps_repaired_total", "Times that a room read the state because news was missing.")
NEWS_LOST = Counter("portal_news_lost_total", "Stored versions whose news had not come when the state was read.")

# --- Durations, in seconds --------------------------------------------------------------------------------

CONNECTION_SECONDS = Histogram("portal_connection_duration_seconds", "How long connections lasted.", LONG)
HANDSHAKE_SECONDS = Histogram(
    "portal_handshake_duration_seconds", "From the request for a WebSocket until its client is let in.", SHORT
)
STORED_SECONDS = Histogram(
    "portal_stored_update_duration_seconds", "How long an update of a socket took to be stored, with its wait.", SHORT
)
COMMIT_TO_WRITE_SECONDS = Histogram(
    "portal_commit_to_last_write_seconds", "From a commit until a process has written it to its last client.", SHORT
)
REST_SECONDS = Histogram(
    "portal_rest_duration_seconds",
    "From a whole request to the REST API until its answer is ready.",
    SHORT,
    ("method", "route"),
)
LOOP_LAG_SECONDS = Histogram("portal_event_loop_lag_seconds", "How much later than asked the event loop ran.", SHORT)

METRICS: dict[str, Instrument] = {one.name: one for one in tuple(globals().values()) if isinstance(one, Instrument)}
"""All of them, by their names."""
