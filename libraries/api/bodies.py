"""JSON in and out of the REST API, as strict as the socket's: no NaN, no half surrogate pairs, a limited length.

The allowed content of a body is in `libraries.rules.state` and `libraries.api.serializers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from libraries.rules.json_faults import json_fault, too_deep
from libraries.rules.values import MAX_BODY_VALUES, has_too_many_values

MAX_BODY_BYTES = 512 * 1024
MAX_STATE_BODY_BYTES = 4 * 1024 * 1024
"""For portal views. A state of the greatest size fits with white space and escapes."""


class TooLarge(APIException):
    """A body over the limit (RFC 9110, section 15.5.14)."""

    status_code = 413
    default_code = "too-large"

    def __init__(self, most: int) -> None:
        super().__init__(f"The body is too long: at most {most} bytes are possible.")


class JSONParser(BaseParser):
    """Bytes, at most `most`, to JSON of at most `MAX_BODY_VALUES` values; ParseError or TooLarge."""

    media_type = "application/json"
    most: ClassVar[int] = MAX_BODY_BYTES

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """The value in the stream."""
        body = stream.read(self.most + 1)
        if len(body) > self.most:
            raise TooLarge(self.most)
        try:
            value = msgspec.json.decode(body)
        except RecursionError:
            raise ParseError(too_deep(body, "the body", 0)) from None
        except (msgspec.DecodeError, UnicodeError):
            raise ParseError(json_fault(body, "the body")) from None
        if has_too_many_values(value, len(body), MAX_BODY_VALUES):
            raise ParseError(f"The body holds too many values: at most {MAX_BODY_VALUES} are possible.")
        return value


class StateParser(JSONParser):
    """The same for the body of a portal view, which may be longer."""

    most = MAX_STATE_BODY_BYTES


class JSONRenderer(BaseRenderer):
    """A value of JSON's own types to bytes; TypeError for anything else."""

    media_type = "application/json"
    format = "json"
    charset = None  # JSON is UTF-8 (RFC 8259, section 8.1)

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The bytes; none for an answer without a body."""
        return b"" if data is None else msgspec.json.encode(data)


class OnlyJSON(BaseContentNegotiation):
    """Answers in JSON whatever the client accepts (RFC 9110, section 12.1 allows it); reads what a parser can."""

    def select_parser(self, request: Request, parsers: list[BaseParser]) -> BaseParser | None:  # type: ignore[override]
        """The parser for the body's content type, None if there is none."""
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer, and its media type."""
        return renderers[0], str(renderers[0].media_type)
