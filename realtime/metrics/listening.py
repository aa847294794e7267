"""Counts what `libraries` reports, which knows nothing about metrics."""

from __future__ import annotations

from realtime.metrics.names import LIMITED, LOGIN_FAILURES, WRONG


def on_login_failed(*, is_limited: bool, **_kwargs: object) -> None:
    """The receiver of `libraries.events.login_failed`, in the thread of the log-in."""
    LOGIN_FAILURES.add_from_thread(LIMITED if is_limited else WRONG)
