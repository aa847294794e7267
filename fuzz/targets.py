"""The table of the cost fuzzer: each function that reads client input, the maximum length, and how to call it.

Functions are identified by their dotted name. A test walks the modules of `WALKED`, and fails for a public function
that is neither in `TARGETS` nor in `LEFT_OUT` (`fuzz.left_out`). Whole requests are in `fuzz.requests`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from fuzz import drafts, logged, packed, readers, shown, wires
from fuzz.readers import BLANK, FLAGS, after, before
from fuzz.shown import DISCLOSES
from libraries.api import bodies as api_json
from libraries.rules.addresses import MAX_MESSAGE_IMAGE_CHARS
from libraries.rules.roles import PortalRole
from realtime.protocol.oversize import ANSWERED_TIMES
from realtime.server.websocket import portions

MAX_PATH_BYTES = 63 * 1024
MAX_HEADER_BYTES = 32 * 1024
MAX_FIELD_BYTES = 64 * 1024
"""The limit of a text in a message or a body."""


def message_bytes() -> int:
    """The longest message that a socket accepts."""
    return int(settings.PORTAL_MAX_MESSAGE_BYTES) or MAX_FIELD_BYTES


def answered_bytes() -> int:
    """The longest message that a socket answers."""
    return message_bytes() * ANSWERED_TIMES


def body_bytes() -> int:
    """The longest body that the REST API accepts."""
    return int(api_json.MAX_STATE_BODY_BYTES)


def field_bytes() -> int:
    """The longest text in a body."""
    return MAX_FIELD_BYTES


def header_bytes() -> int:
    """The longest header."""
    return MAX_HEADER_BYTES


def path_bytes() -> int:
    """The longest path with its query."""
    return MAX_PATH_BYTES


def read_bytes() -> int:
    """The most that `manage.py serve` reads from a socket without a break."""
    return portions.MOST


@dataclass(frozen=True)
class Target:
    """One row: `read` makes the function's input from a generated text, and `call` calls it; both may refuse it.

    `kind` is one of `fuzz.cost.KINDS`; `limit` is the number of bytes that a client may send.
    """

    name: str
    kind: str
    limit: Callable[[], int]
    read: Callable[[Any], Any] = str
    call: Callable[[Any, Any], object] = lambda function, given: function(given)
    label: str = ""

    @property
    def title(self) -> str:
        """The name, with the input."""
        return f"{self.name} {self.label}".strip()


_STATE, _VALUES, _KEYS = "libraries.rules.state", "libraries.rules.values", "libraries.rules.keys"
_PROJECTION, _ADDRESSES, _REDACTION = "libraries.rules.projection", "libraries.rules.addresses", "portal.redaction"
_ITEMS, _HEALTH, _SHAPES = "libraries.rules.items", "libraries.rules.health", "libraries.rules.shapes"
_COMMANDS, _WARNINGS, _PATHS = "libraries.rules.commands", "libraries.rules.warnings", "libraries.rules.record_paths"
_PLACES, _FAULTS = "libraries.rules.places", "libraries.rules.json_faults"
_CHANGES, _EDITS, _ENCOUNTER = "libraries.rules.changes", "libraries.rules.edits", "libraries.rules.encounter"
_HANDSHAKE, _SERIALIZERS = "realtime.sessions.handshake", "libraries.api.serializers"
_ACCOUNTS, _INVITATIONS = "libraries.api.account_serializers", "libraries.api.invitation_serializers"
_VIEWER = PortalRole.VIEWER

TARGETS: tuple[Target, ...] = (
    # Messages: frames, JSON, checks.
    Target("realtime.server.websocket.wire.PortalServerProtocol", "wire", read_bytes, wires.connection, wires.heard),
    Target("realtime.protocol.requests.decode", "raw", message_bytes, readers.frame, label="(payload)"),
    Target("realtime.protocol.requests.decode", "raw", message_bytes),
    Target("realtime.protocol.requests.decode", "json", message_bytes, packed.packed_frame, label="(MessagePack)"),
    Target("realtime.protocol.requests.decode", "raw", message_bytes, readers.octets, label="(any octets)"),
    Target("realtime.protocol.msgpack_faults.make_plain", "json", message_bytes, readers.value),
    Target("realtime.protocol.encodings.translated", "json", message_bytes, packed.compact),
    Target("libraries.rules.octets.with_octets", "json", message_bytes, readers.value),
    Target("libraries.rules.octets.octets_in", "text", message_bytes, packed.bytes_object),
    Target("realtime.protocol.oversize.ref_of", "raw", answered_bytes, readers.frame, label="(payload)"),
    Target("realtime.protocol.oversize.ref_of", "raw", answered_bytes),
    Target("realtime.protocol.oversize.ref_of", "json", answered_bytes, packed.packed_frame, label="(MessagePack)"),
    Target("realtime.protocol.oversize.size_over", "text", answered_bytes, call=after(0x10000)),
    Target(f"{_STATE}.check_patch", "object", message_bytes, readers.said),
    Target(f"{_STATE}.check_patch", "object", body_bytes, readers.posted, label="(body)"),
    Target("libraries.rules.camera.check_camera", "object", message_bytes, readers.said),
    Target(f"{_ENCOUNTER}.check_encounter", "items", body_bytes, drafts.encounter),
    Target(f"{_ENCOUNTER}.normal_encounter", "items", body_bytes, drafts.encounter),
    Target(f"{_ENCOUNTER}.check_entries", "items", body_bytes, drafts.encounter, drafts.checked_entries),
    Target(f"{_ENCOUNTER}.without", "items", body_bytes, drafts.encounter, after(drafts.is_odd)),
    Target(f"{_ENCOUNTER}.stepped", "items", body_bytes, drafts.encounter, after(1)),
    Target(f"{_ENCOUNTER}.seen", "items", body_bytes, drafts.encounter, drafts.seen_encounter),
    Target("libraries.rules.item_ids.check_item_id", "text", message_bytes),
    Target("libraries.rules.item_ids.with_ids", "items", body_bytes, drafts.records, after(readers.KEY)),
    Target(f"{_CHANGES}.check_item_patch", "object", message_bytes, readers.said, before("a")),
    Target(f"{_CHANGES}.check_item_patch", "text", message_bytes, call=after({}), label="(item's id)"),
    Target(f"{_CHANGES}.check_addition", "object", message_bytes, readers.said),
    Target(f"{_CHANGES}.check_changes", "items", body_bytes, drafts.batch),
    Target(f"{_CHANGES}.check_changes", "object", message_bytes, drafts.any_batch, label="(any payload)"),
    Target("libraries.rules.sight.check_pointer", "text", message_bytes, call=after(0, 1)),
    Target("libraries.rules.sight.sight_of", "items", body_bytes, readers.state, drafts.sighted),
    Target("libraries.rules.draft.Draft.apply", "items", body_bytes, drafts.changed, drafts.applied),
    Target(f"{_STATE}.settled", "items", body_bytes, drafts.encounter_state),
    Target(f"{_STATE}.find_item", "items", body_bytes, readers.items, after("?")),
    Target(f"{_STATE}.check_size", "items", body_bytes, readers.state),
    Target(f"{_STATE}.size_of", "items", body_bytes, readers.state),
    Target(f"{_VALUES}.check_value", "object", message_bytes, readers.said),
    Target(f"{_VALUES}.has_too_many_values", "json", body_bytes, readers.value, readers.counted),
    Target(f"{_KEYS}.is_url_key", "text", message_bytes),
    Target(f"{_KEYS}.plain_key", "text", message_bytes),
    Target(f"{_KEYS}.check_key", "text", message_bytes),
    Target(f"{_KEYS}.is_word_key", "text", message_bytes),
    Target(f"{_ADDRESSES}.check_harmless", "text", message_bytes, call=after(MAX_MESSAGE_IMAGE_CHARS)),
    Target(f"{_ADDRESSES}.check_address", "text", message_bytes),
    Target(f"{_FAULTS}.json_fault", "raw", message_bytes, call=after("the message")),
    Target(f"{_FAULTS}.json_fault", "raw", body_bytes, readers.octets, after("the body"), "(body)"),
    Target(f"{_FAULTS}.too_deep", "raw", message_bytes, call=after("the message", 1)),
    Target(f"{_FAULTS}.kind_of", "json", message_bytes, readers.value),
    Target(f"{_PLACES}.part", "text", message_bytes),
    Target(f"{_PLACES}.root", "text", message_bytes),
    Target(f"{_PLACES}.excerpt", "text", message_bytes),
    Target(f"{_PLACES}.excerpt", "json", message_bytes, readers.value, label="(value)"),
    Target("libraries.rules.names.check_name", "text", field_bytes),
    Target("libraries.rules.names.check_guest_name", "text", path_bytes),
    # The messages about them for others.
    Target(f"{_PROJECTION}.project", "items", body_bytes, readers.state, after(_VIEWER)),
    Target(f"{_PROJECTION}.project", "items", body_bytes, readers.state, after(_VIEWER, DISCLOSES), "(disclosure)"),
    Target(f"{_PROJECTION}.shown_items", "items", body_bytes, readers.state),
    Target(f"{_PROJECTION}.shown_place", "items", body_bytes, readers.state),
    Target(f"{_PROJECTION}.shown_count", "items", body_bytes, readers.state),
    Target(f"{_ITEMS}.build", "object", message_bytes, readers.item, after(FLAGS)),
    Target(f"{_ITEMS}.build", "object", message_bytes, readers.item, after(FLAGS, DISCLOSES), "(disclosure)"),
    Target(
        f"{_ITEMS}.visibilities", "object", message_bytes, readers.item, lambda function, item: list(function(item))
    ),
    Target(f"{_ITEMS}.alias_of", "object", message_bytes, readers.item),
    Target(f"{_ITEMS}.switches_of", "object", message_bytes, readers.item, after(FLAGS)),
    Target(f"{_HEALTH}.read", "object", message_bytes, readers.item, shown.own_keys),
    Target(f"{_HEALTH}.read_value", "object", message_bytes, readers.item),
    Target(f"{_HEALTH}.read_value", "text", message_bytes, label="(text)"),
    Target(f"{_HEALTH}.number", "text", message_bytes),
    *(
        Target(f"{_SHAPES}.{shape}", "json", message_bytes, readers.value)
        for shape in ("text", "number_or_text", "named_texts", "conditions")
    ),
    Target("libraries.rules.net.strike", "object", message_bytes, readers.item, after(frozenset())),
    Target("libraries.rules.net.is_struck", "text", message_bytes, call=after(frozenset())),
    Target("libraries.rules.net.rows_of", "text", message_bytes),
    Target("libraries.rules.images.image_id_of", "text", message_bytes),
    Target("libraries.rules.images.shown_images", "items", body_bytes, readers.items),
    Target("libraries.rules.images.named_images", "items", body_bytes, readers.items),
    Target(f"{_PATHS}.parse_path", "text", field_bytes),
    Target(f"{_PATHS}.RecordPath.find", "object", message_bytes, readers.item, shown.found_by_path),
    Target("libraries.rules.disclosure.check_disclosure", "object", body_bytes, readers.posted),
    Target("libraries.rules.disclosure.check_disclosure", "text", body_bytes, shown.disclosed_path, label="(path)"),
    Target("libraries.rules.disclosure.compiled", "object", body_bytes, readers.posted),
    Target(f"{_COMMANDS}.project_command", "object", message_bytes, readers.payload, after(BLANK)),
    Target(f"{_COMMANDS}.project_command", "object", message_bytes, readers.payload, after(None), "(no state)"),
    Target(f"{_COMMANDS}.project_sync", "items", message_bytes, readers.state, after(BLANK, DISCLOSES)),
    Target(f"{_COMMANDS}.needs_flags", "object", message_bytes, readers.payload),
    Target(f"{_WARNINGS}.warnings_of", "object", message_bytes, readers.payload, drafts.command_warned_of, "(command)"),
    Target(f"{_WARNINGS}.warnings_of", "items", body_bytes, readers.state, drafts.items_warned_of, "(items)"),
    Target(f"{_WARNINGS}.warnings_of", "object", message_bytes, readers.item, drafts.item_warned_of, "(item)"),
    Target(f"{_STATE}.normal_items", "items", body_bytes, readers.items),
    Target(f"{_PROJECTION}.difference", "items", body_bytes, readers.state, before(BLANK)),
    Target(f"{_PROJECTION}.delta", "object", message_bytes, readers.item, before({"id": "a", "hp": 1})),
    Target(f"{_PROJECTION}.settled_seen", "items", body_bytes, drafts.encounter_state),
    Target(f"{_EDITS}.seen_by_controllers", "items", body_bytes, drafts.draft),
    Target(f"{_EDITS}.seen_by_viewers", "items", body_bytes, drafts.draft, after(DISCLOSES)),
    Target(f"{_EDITS}.seen_by_viewers", "items", body_bytes, drafts.replaced, after(DISCLOSES), "(new items)"),
    Target(f"{_EDITS}.seen_by_viewers", "object", message_bytes, drafts.patched, after(DISCLOSES), "(one item)"),
    Target("realtime.protocol.encodings.encode", "object", message_bytes, readers.update),
    Target("realtime.protocol.encodings.encode_state", "items", body_bytes, readers.state),
    # The handshake.
    Target(f"{_HANDSHAKE}.admit", "text", path_bytes, readers.query_token, readers.admitted, "(token in the query)"),
    Target(f"{_HANDSHAKE}.admit", "text", path_bytes, readers.query, readers.admitted, "(query)"),
    Target(f"{_HANDSHAKE}.admit", "text", header_bytes, readers.subprotocols, readers.admitted, "(subprotocols)"),
    Target("realtime.sessions.credentials.find", "text", header_bytes, readers.offers, readers.found_offer),
    Target("libraries.tokens.verify_guest", "text", header_bytes, readers.header),
    Target("libraries.digests.read_code", "text", field_bytes),
    Target("libraries.digests.digest_of", "text", header_bytes, readers.header),
    Target(f"{_HANDSHAKE}.is_socketio", "text", path_bytes, readers.query),
    Target("libraries.rules.paths.site_path", "text", path_bytes, readers.header, readers.path_seen),
    Target(f"{_HANDSHAKE}.encoding", "text", header_bytes, readers.subprotocols),
    Target("realtime.sessions.origins.is_origin_allowed", "text", header_bytes, readers.origin),
    Target("realtime.sessions.origins.is_host_allowed", "text", header_bytes, readers.host),
    Target("realtime.server.http.pipeline.absolute_form", "text", path_bytes, readers.target),
    # REST.
    Target("libraries.api.bodies.JSONParser.parse", "raw", body_bytes, readers.stream, readers.parsed),
    Target("libraries.api.bodies.OnlyJSON.select_parser", "text", header_bytes, readers.content_type, readers.parsers),
    Target("libraries.api.preconditions.parse_tags", "text", header_bytes, readers.header, before("If-Match")),
    Target("libraries.api.preconditions.Tags.has", "text", header_bytes, readers.tags, after('"1"')),
    Target("libraries.api.pagination.Pages.get_page_size", "text", path_bytes, readers.page_request, readers.pages),
    Target("libraries.api.pagination.Pages.get_page_number", "text", path_bytes, readers.page_request, readers.pages),
    Target("libraries.api.filters.NamedFilters", "text", path_bytes, readers.header, readers.searched),
    Target("libraries.tokens.verify", "text", header_bytes, readers.header),
    Target("libraries.models.UserManager.get_by_natural_key", "text", field_bytes, call=readers.found),
    Target("libraries.rules.emails.canonical", "text", field_bytes),
    Target("libraries.rules.emails.is_plain", "text", field_bytes),
    Target("libraries.rules.networks.network_of", "text", header_bytes, readers.header),
    Target("libraries.rules.networks.is_loopback", "text", header_bytes, readers.header),
    Target("portal.bodies.announced_length", "text", header_bytes, readers.length_header),
    *(
        Target(f"{_ACCOUNTS}.{name}", "text", body_bytes, readers.field(field, **others), readers.validated, field)
        for name, field, others in (
            ("RegistrationSerializer", "email", {"password": "ripe plums, seven"}),
            ("RegistrationSerializer", "password", {"email": "somebody@example.org"}),
            ("RegistrationSerializer", "name", {"email": "somebody@example.org", "password": "ripe plums, seven"}),
            ("LogInSerializer", "email", {"password": "ripe plums, seven"}),
            ("RefreshSerializer", "refresh", {}),
            ("ResetSerializer", "email", {}),
            ("MailTokenSerializer", "token", {}),
        )
    ),
    *(
        Target(f"{_SERIALIZERS}.{name}", "text", body_bytes, readers.field(field, **others), readers.validated, field)
        for name, field, others in (
            ("LibrarySerializer", "name", {}),
            ("LibrarySerializer", "description", {"name": "Library"}),
            ("NewRoleSerializer", "role", {}),
            ("UserSerializer", "name", {}),
        )
    ),
    *(
        Target(f"{_INVITATIONS}.{name}", "text", body_bytes, readers.field(field), readers.validated, field)
        for name, field in (("NewInvitationSerializer", "email"), ("InvitationTokenSerializer", "token"))
    ),
    Target(f"{_SERIALIZERS}.LibrarySerializer", "object", body_bytes, readers.posted, readers.validated),
    # Logs: the longest text in one is a path.
    Target(f"{_REDACTION}.strike", "text", path_bytes),
    Target(f"{_REDACTION}.escape", "text", path_bytes),
    Target(f"{_REDACTION}.is_secret", "text", path_bytes),
    Target(f"{_REDACTION}.cut_traceback", "text", path_bytes),
    Target(f"{_REDACTION}.Redactor", "object", message_bytes, readers.said, logged.redacted),
    Target("portal.logs.formatter", "text", path_bytes, logged.record, logged.formatted),
)

_WALKED_RULES = (
    *("addresses", "camera", "changes", "commands", "disclosure", "draft", "edits", "emails", "encounter", "health"),
    *("images", "item_ids", "items", "json_faults", "keys", "names", "net", "networks", "octets", "paths", "places"),
    *("projection", "record_paths", "shapes", "sight", "state", "values", "warnings"),
)
_WALKED_API = (
    *("account_serializers", "authentication", "bodies", "filters", "invitation_serializers", "pagination"),
    *("preconditions", "serializers"),
)
WALKED = (
    *(f"libraries.rules.{name}" for name in _WALKED_RULES),
    *(f"libraries.api.{name}" for name in _WALKED_API),
    *("portal.logs", "portal.redaction", "realtime.sessions.credentials", "realtime.sessions.handshake"),
    "realtime.sessions.origins",
    *(
        f"realtime.protocol.{name}"
        for name in ("contents", "encodings", "msgpack_faults", "oversize", "policy", "requests")
    ),
    "realtime.server.websocket.wire",
)
"""The modules whose public functions, including methods of classes, must be in `TARGETS` or in `LEFT_OUT`."""
