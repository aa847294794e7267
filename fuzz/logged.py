"""Client texts in logs, for the cost fuzzer; `fuzz.targets` has the functions."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any


def record(text: str) -> logging.LogRecord:
    """A log record with a client's text as argument and as extra value."""
    made = logging.LogRecord("portal", logging.INFO, __file__, 1, "said %s", (text,), None)
    made.__dict__["path"] = text
    return made


def formatted(function: Callable[[bool], logging.Formatter], given: logging.LogRecord) -> object:
    """Format a record in both formats."""
    return [function(as_json).format(given) for as_json in (True, False)]


def redacted(function: Callable[..., Any], given: dict[str, Any]) -> object:
    """Redact an event for a log, for both formats."""
    return [function(one_line=one_line)(None, "info", given) for one_line in (True, False)]
