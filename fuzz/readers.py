"""Turns the cost fuzzer's texts into the inputs of functions, and calls functions with further arguments.

`fuzz.targets` has the inputs of each function.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import msgspec
from rest_framework.exceptions import APIException

from fuzz.clock import NotAccepted
from libraries.rules.errors import PortalError
from realtime.limits.entrance import Entrance

FLAGS: dict[str, Any] = {
    **dict.fromkeys(("showEncounter", "showHealth", "showAC", "showActions", "showConditions"), True),
    "healthDisplay": "bar",
    "blackout": False,
    "viewersMayPoint": False,
}
BLANK: dict[str, Any] = {
    **{**FLAGS, "name": "Evening", "autoResetImageState": True, "items": []},
    **dict.fromkeys(("currentItem", "currentItemId", "camera", "encounter")),
}
KEY = b"k" * 32
"""The secret of a portal view's ids."""
_VIEW = "de300000-0000-4000-8000-000000000002"


class TargetGone(Exception):
    """A name of the table does not exist in the code any more."""


def resolve(name: str) -> Any:
    """The object with that dotted name; TargetGone, with what to do, if there is none."""
    words = name.split(".")
    for cut in range(len(words) - 1, 0, -1):
        module = ".".join(words[:cut])
        try:
            found: Any = import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise  # the module exists, but one of its imports does not
            continue
        for word in words[cut:]:
            found = getattr(found, word, None)
        if found is not None:
            return found
        break
    raise TargetGone(f"{name} is named in fuzz/targets.py, and is not in the code any more: put its new name there.")


# --- Values -----------------------------------------------------------------------------------------------


def value(text: str) -> Any:
    """A JSON value, as the decoder returns it; NotAccepted if it is invalid."""
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotAccepted from error


def said(text: str) -> dict[str, Any]:
    """A message's payload, as `decode` accepts it."""
    try:
        message = resolve("realtime.protocol.requests.decode")(frame(text))
    except PortalError as error:
        raise NotAccepted from error
    return dict(message.payload)


def posted(text: str) -> dict[str, Any]:
    """A body, as the parser accepts it; NotAccepted if it is no object."""
    try:
        read = resolve("libraries.api.bodies.StateParser")().parse(stream(text))
    except APIException as error:
        raise NotAccepted from error
    if not isinstance(read, dict):
        raise NotAccepted
    return read


def payload(text: str) -> dict[str, Any]:
    """A message's payload that `check_patch` accepts."""
    return _accepted("libraries.rules.state.check_patch", said(text))


def item(text: str) -> dict[str, Any]:
    """A message's payload that `check_item_patch` accepts."""
    return _accepted("libraries.rules.changes.check_item_patch", "a", said(text))


def state(text: str) -> dict[str, Any]:
    """A portal view's state after a body was stored in it; NotAccepted if nothing was stored."""
    draft = resolve("libraries.rules.draft.Draft")(BLANK, KEY)
    try:
        patch = resolve("libraries.rules.state.check_patch")(posted(text))
        draft.apply([resolve("libraries.rules.changes.ViewPatch")(patch)])
    except PortalError as error:
        raise NotAccepted from error
    if not draft.is_written:
        raise NotAccepted
    stored: dict[str, Any] = draft.state
    return stored


def items(text: str) -> list[dict[str, Any]]:
    """A portal view's items."""
    found: list[dict[str, Any]] = state(text)["items"]
    return found


def _accepted(check: str, *given: Any) -> dict[str, Any]:
    try:
        resolve(check)(*given)
    except PortalError as error:
        raise NotAccepted from error
    patch: dict[str, Any] = given[-1]
    return patch


def frame(text: str) -> str:
    """A message with that payload."""
    return f'{{"type":"portal-view-update","ref":1,"payload":{text}}}'


def octets(text: str) -> bytes:
    """UTF-8, but with halves of surrogate pairs encoded, which is not valid UTF-8."""
    return text.encode(errors="surrogatepass")


def stream(text: str) -> io.BytesIO:
    """A stream with a body."""
    return io.BytesIO(octets(text))


# --- HTTP and handshakes ----------------------------------------------------------------------------------


def header(text: str) -> str:
    """A header's value as a server passes it on: its octets as Latin-1, without those that no server accepts."""
    return octets(text).decode("latin-1").translate(dict.fromkeys((*range(9), *range(10, 32), 127)))


def query_token(text: str) -> dict[str, Any]:
    """The scope of a handshake with the text as its token."""
    return _scope(query_string=f"version={header(text)[:40]}&token={header(text)}".encode("latin-1"))


def query(text: str) -> dict[str, Any]:
    """The scope of a handshake with the text as its whole query."""
    return _scope(query_string=header(text).encode("latin-1"))


def subprotocols(text: str) -> dict[str, Any]:
    """The scope of a handshake with the text as its list of subprotocols."""
    return _scope(subprotocols=[f"bearer.{offer.strip()}" for offer in header(text).split(",")])


def offers(text: str) -> list[str]:
    """The text as a list of subprotocols, and as credentials of each kind."""
    offered = [offer.strip() for offer in header(text).split(",")]
    return [*offered, *(f"{kind}.{offered[0]}" for kind in ("portal", "share", "guest"))]


def found_offer(function: Callable[[list[str], Any], Any], given: list[str]) -> object:
    """The credential that is found among the subprotocols, and the parameters of an address."""
    return function(given, {"token": given})


def origin(text: str) -> dict[str, Any]:
    """The scope of a handshake with the text as its Origin."""
    return _scope(headers=[(b"host", b"127.0.0.1:8000"), (b"origin", header(text).encode("latin-1"))])


def host(text: str) -> dict[str, Any]:
    """The scope of a handshake with the text as its Host."""
    return _scope(headers=[(b"host", header(text).encode("latin-1"))])


def target(text: str) -> bytes:
    """A target in absolute form with the text as everything after its scheme."""
    return b"http://" + header(text).encode("latin-1")


def _scope(**more: Any) -> dict[str, Any]:
    route = {"kwargs": {"portal_view_id": _VIEW}}
    scope = {"path": "/ws/portal-view/x", "query_string": b"", "headers": [], "subprotocols": [], "url_route": route}
    return {**scope, **more}


def admitted(function: Callable[[Any, Entrance], Any], given: Any) -> object:
    """Run a handshake up to its first wait."""
    coroutine = function(given, Entrance())
    try:
        return coroutine.send(None)
    except StopIteration as end:
        return end.value
    finally:
        coroutine.close()


def content_type(text: str) -> Any:
    """A request with the attributes that the choice of a parser reads."""
    return SimpleNamespace(content_type=header(text))


def page_request(text: str) -> Any:
    """A request for a page with the attributes that pagination reads."""
    return SimpleNamespace(query_params={"page": header(text), "pageSize": header(text)})


def length_header(text: str) -> dict[bytes, bytes]:
    """Headers with the text as the length of the body."""
    return {b"content-length": header(text).encode("latin-1")}


def tags(text: str) -> Any:
    """A parsed list of tags, one for each word between the text's commas."""
    listed = ", ".join(f'"{word}"' for word in header(text).translate({9: None, 32: None, 34: None}).split(","))
    return resolve("libraries.api.preconditions.parse_tags")("If-Match", listed)


# --- Calls of functions -----------------------------------------------------------------------------------


def before(*arguments: Any) -> Callable[[Any, Any], object]:
    """A caller that passes these arguments before the input."""
    return lambda function, given: function(*arguments, given)


def after(*arguments: Any) -> Callable[[Any, Any], object]:
    """A caller that passes these arguments after the input."""
    return lambda function, given: function(given, *arguments)


# --- The rest ---------------------------------------------------------------------------------------------


def validated(function: Callable[..., Any], given: Any) -> object:
    """Let a serializer check a body."""
    return function(data=given).is_valid(raise_exception=True)


def field(name: str, /, **others: Any) -> Callable[[str], dict[str, Any]]:
    """A maker of bodies with the text under that name."""
    return lambda text: {**others, name: text}


def searched(function: Callable[..., Any], given: str) -> object:
    """Search and order a list; the rows are looked for in the database."""
    rows = resolve("libraries.models.Library").objects.all()
    return list(function({"search": given, "ordering": given}, queryset=rows).qs)


def update(text: str) -> Any:
    """A message to others with that payload."""
    return resolve("realtime.protocol.events.PortalViewUpdated")(payload=payload(text), version=1)


def path_seen(function: Callable[..., Any], given: str) -> object:
    """Ask for the path below the site's part."""
    return function({"path": f"/site/{given}", "root_path": "/site"})


def pages(function: Callable[..., Any], given: Any) -> object:
    """Read the requested page, or its size."""
    view: Any = resolve("libraries.api.pagination.Pages")()
    return function(view, given, *([None] if function.__name__ == "get_page_number" else []))


def parsed(function: Callable[..., Any], given: Any) -> object:
    """Parse the body of a portal view."""
    return function(resolve("libraries.api.bodies.StateParser")(), given)


def parsers(function: Callable[..., Any], given: Any) -> object:
    """Choose a parser."""
    return function(None, given, [resolve("libraries.api.bodies.StateParser")()])


def counted(function: Callable[..., Any], given: Any) -> object:
    """Check whether a value has too many values."""
    return function(given, 1 << 30, 1 << 30)


def found(function: Callable[..., Any], given: str) -> object:
    """Look a person up by their address."""
    return function(resolve("libraries.models.User").objects, given)
