"""Every refusal of the REST API in one shape: `{"code", "message", "details"}`, with a status by code.

The code that refuses makes the sentence; this module only formats it. `STATUSES` is the one table of codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from libraries.api.bodies import TooLarge
from libraries.outages import is_outage, report
from libraries.rules.errors import Forbidden, InvalidPayload, NotFound, PortalError, Unavailable, few_details, shortened

STATUSES: dict[str, int] = {
    "invalid-payload": 400,
    "image-invalid": 400,
    "not-authenticated": 401,
    "token-expired": 401,
    "token-invalid": 401,
    "session-ended": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "conflict": 409,
    "quota-exceeded": 409,
    "last-owner": 409,
    "image-in-use": 409,
    "gone": 410,
    "share-invalid": 404,
    "link-withdrawn": 410,
    "link-expired": 410,
    "version-conflict": 412,
    "too-large": 413,
    "unsupported-media-type": 415,
    "throttled": 429,
    "internal-error": 500,
    "unavailable": 503,
    "storage-full": 507,
}
"""The HTTP status of each code."""

RETRY_SECONDS = 5
"""The reconnect delay in seconds after `unavailable`."""

AWAY = "The database is away; try again in a moment."
_INTERNAL = "Something went wrong on our side, and is logged; try again later."
_NOT_FOUND = "There is nothing at this address; /api/docs lists what there is."


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to an exception in a view of the REST API.

    An unexpected exception is logged, and answered with 500.
    """
    headers: dict[str, str] = {}
    if isinstance(error, PortalError):
        body = refusal(error.code, error.message, error.details)
    elif is_outage(error):
        report(error)
        body = refusal(Unavailable.code, AWAY)
    elif isinstance(error, Http404):
        body = refusal(NotFound.code, _NOT_FOUND)
    elif isinstance(error, PermissionDenied):
        body = refusal(Forbidden.code, "You may not do this.")
    elif isinstance(error, RequestDataTooBig):
        body = refusal(TooLarge.default_code, str(TooLarge(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0).detail))
    elif isinstance(error, SuspiciousOperation):  # such as a query of more than a thousand parts
        body = refusal(InvalidPayload.code, "The request is not valid: its query or its body has too many parts.")
    elif isinstance(error, exceptions.APIException):
        body = _of_framework(error)
    else:
        # The signal that Django sends for an exception that leaves a view: its receivers log it.
        got_request_exception.send(sender=exception_handler, request=context["request"]._request)
        body = refusal("internal-error", _INTERNAL)
    status = STATUSES[body["code"]]
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    elif status == 503:
        headers["Retry-After"] = str(RETRY_SECONDS)
    elif status == 429:
        headers["Retry-After"] = str(max(1, int(getattr(error, "wait", None) or 1)))
    return Response(body, status=status, headers=headers)


def refusal(code: str, message: str, details: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The one shape of refusals. A long message is cut here, as details are where they are made."""
    return {"code": code, "message": shortened(message), "details": dict(details) if details else None}


def _of_framework(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return _of_validation(error)
    code = _FRAMEWORK.get(type(error)) or error.get_codes()
    message = str(error.detail)
    if isinstance(error, exceptions.NotAuthenticated):
        message = "Log in first, and send the header Authorization: Bearer <access token>."
    elif isinstance(error, exceptions.MethodNotAllowed):
        message = "This method is not possible here; the header Allow lists those that are."
    elif isinstance(error, exceptions.UnsupportedMediaType):
        message = "Send the body as JSON, with the header Content-Type: application/json."
    return refusal(str(code), message)


_FRAMEWORK: dict[type[exceptions.APIException], str] = {
    exceptions.ParseError: InvalidPayload.code,
    exceptions.NotAuthenticated: "not-authenticated",
    exceptions.PermissionDenied: Forbidden.code,
    exceptions.NotFound: NotFound.code,
    exceptions.MethodNotAllowed: "method-not-allowed",
    exceptions.UnsupportedMediaType: "unsupported-media-type",
    exceptions.Throttled: "throttled",
}


def _of_validation(error: exceptions.ValidationError) -> dict[str, Any]:
    details: dict[str, str] = {}
    whole: list[str] = []
    for key, sentence in _flat(error.detail):
        if key == api_settings.NON_FIELD_ERRORS_KEY or not key:
            whole.append(sentence)
        else:
            details[key] = f"{details[key]} {sentence}" if key in details else sentence
    sentences = whole + [f"{key}: {sentence}" for key, sentence in few_details(details).items()]
    return refusal(InvalidPayload.code, " ".join(sentences), few_details(details))


def _flat(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each sentence with the place of the value concerned: `members[1].email`."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            of_an_entry = isinstance(inner, Mapping | list | tuple)
            yield from _flat(inner, f"{path}[{index}]" if of_an_entry else path)
    else:
        yield path, str(detail)


# --- Errors outside of the views: Django calls the site's handlers, and those call these below /api/ ----------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """A request that Django itself refuses, for example for its Host header."""
    return _answer(InvalidPayload.code, "The request is not valid HTTP, or its Host header names another site.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """An address that no view has."""
    return _answer(NotFound.code, _NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """An exception that has left a view, and is logged."""
    return _answer("internal-error", _INTERNAL)


def is_rest(request: HttpRequest) -> bool:
    """Whether the request is for the REST API."""
    return request.path_info.startswith("/api/")


def _answer(code: str, message: str) -> JsonResponse:
    return JsonResponse(refusal(code, message), status=STATUSES[code])
