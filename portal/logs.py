"""The configuration of logs: structlog through the standard library, one line per event, without credentials.

Every record, of this project and of its libraries and servers, passes through one formatter. `portal.redaction` decides
how values are shown; the choice of events does not belong here.
"""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from portal.redaction import Redactor

_BLAME = "django.security."
"""The prefix of the loggers that Django uses, with a traceback, for errors caused only by the client of a request."""


def _drop_color_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop uvicorn's second copy of its message, which is for terminals."""
    event.pop("color_message", None)
    return event


class ClientFaults(logging.Filter):
    """Shortens the record of a request that Django refuses as suspicious to one line at INFO.

    An example is a request with a bad Host header.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown; a fault that clients can cause at will is no error, and needs no traceback."""
        if record.name.startswith(_BLAME) and record.levelno >= logging.ERROR:
            record.levelno, record.levelname = logging.INFO, "INFO"
            record.exc_info = record.exc_text = None
        return logging.getLogger(record.name).isEnabledFor(record.levelno)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def formatter(as_json: bool) -> logging.Formatter:
    """The formatter of all records: one JSON object per line, or lines for people."""
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
            Redactor(one_line=not as_json),
            renderer,
        ],
    )


_PASSED_ON: dict[str, Any] = {"handlers": [], "propagate": True}

LOGGERS: dict[str, Any] = {
    "django": _PASSED_ON,
    # django-structlog logs each request, with its id, and each exception
    "django.request": {**_PASSED_ON, "level": "CRITICAL"},
    "django.server": _PASSED_ON,
    "uvicorn": _PASSED_ON,
    "uvicorn.error": _PASSED_ON,
    "health_check": {**_PASSED_ON, "level": "ERROR"},  # portal.health logs changes; this logs each run
    # its lines have a fixed format and contain the query string; django-structlog logs requests
    "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
    # it logs twice that each WebSocket was accepted; our consumer logs who came in, and who was refused
    "uvicorn.error.websockets": {**_PASSED_ON, "level": "WARNING"},
    "daphne": _PASSED_ON,
    "twisted": _PASSED_ON,
    "autobahn": _PASSED_ON,
}
"""The loggers of other packages, handled like our own."""


def configure(level: str, as_json: bool) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING.

    level: the minimum level that is shown, such as `INFO`; as_json: one JSON object per line, else lines for people.
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
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structlog": {"()": formatter, "as_json": as_json}},
        "filters": {"client_faults": {"()": ClientFaults}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structlog", "filters": ["client_faults"]}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": LOGGERS,
    }
