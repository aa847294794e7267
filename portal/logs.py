"""How Portal logs: structlog through the standard library, one line an event, credentials struck out.

Every record, of this project and of its libraries and servers, passes through one formatter. What is worth
logging does not belong here.
"""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

STRUCK = "***"
SECRET_NAMES = frozenset({"token", "ticket", "share", "password", "authorization", "cookie"})

_SECRETS = (
    # In a URL or a form: token=…, ticket=…, share=… and longer names that end so, such as access_token=…
    (re.compile(r"(?i)((?:token|ticket|share|password)=)[^&#\s\"'<>\\]+"), rf"\1{STRUCK}"),
    # In JSON or the repr of a dict: "token": "…"
    (re.compile(r"(?i)((?:token|ticket|share|password)\\?[\"']\s*:\s*\\?[\"'])[^\"'\\]+"), rf"\1{STRUCK}"),
    # In the list of WebSocket subprotocols: bearer.…
    (re.compile(r"(?i)(bearer\.)[\w.~+/=-]+"), rf"\1{STRUCK}"),
    # A JSON Web Token anywhere
    (re.compile(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), STRUCK),
)


def _drop_color_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop uvicorn's second copy of its message, which is for terminals."""
    event.pop("color_message", None)
    return event


def strike(text: str) -> str:
    """The text with every credential in it replaced by `***`."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def strike_value(value: Any) -> Any:
    """The value with every credential in it replaced, at any depth; of other objects, in their repr."""
    match value:
        case str():
            return strike(value)
        case None | bool() | int() | float():
            return value
        case dict():
            return {strike_value(key): strike_named(key, entry) for key, entry in value.items()}
        case list() | tuple() | set() | frozenset():
            return [strike_value(entry) for entry in value]
        case _:
            shown = repr(value)
            struck = strike(shown)
            return value if struck == shown else struck


def strike_named(name: Any, value: Any) -> Any:
    """As `strike_value`, and all of the value when its name says that it is a secret."""
    return STRUCK if value and str(name).lower() in SECRET_NAMES else strike_value(value)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor that strikes credentials out of an event; runs after exceptions became text."""
    return {name: strike_named(name, value) for name, value in event.items()}


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def formatter(as_json: bool) -> logging.Formatter:
    """The formatter of all records: one JSON object a line, or lines for people."""
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder(), _drop_color_message],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )


def configure(level: str, as_json: bool) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING.

    level: the least level that is shown, such as `INFO`; as_json: one JSON object a line, else for people.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    passed_on: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structlog": {"()": formatter, "as_json": as_json}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": passed_on,
            # django-structlog logs each request, with its id, and each exception
            "django.request": {**passed_on, "level": "CRITICAL"},
            "django.server": passed_on,
            "uvicorn": passed_on,
            "uvicorn.error": passed_on,
            "health_check": {**passed_on, "level": "ERROR"},  # portal.health says what changes; this, each time
            # its lines are made for one format and hold the query string; django-structlog logs requests
            "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
            "daphne": passed_on,
            "twisted": passed_on,
            "autobahn": passed_on,
        },
    }
