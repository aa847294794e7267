"""What is read of a server's log."""

from __future__ import annotations

from fuzz.stack import bad_lines

LOG = """\
2026-01-01T00:00:00Z [info     ] connected [realtime.sessions.consumer]
2026-01-01T00:00:01Z [error    ] socket_crashed [realtime.sessions.consumer]
Traceback (most recent call last):
  File "realtime/sessions/consumer.py", line 1, in receive
    self.fall_over()
ValueError: over
2026-01-01T00:00:02Z [warning  ] bad_host [portal]
"""


def test_errors_and_the_ends_of_tracebacks_are_told() -> None:
    crashed, raised = bad_lines(LOG)
    assert crashed.endswith("socket_crashed [realtime.sessions.consumer]")
    assert raised == 'File "realtime/sessions/consumer.py", line 1, in receive self.fall_over() ValueError: over'
    assert bad_lines(LOG.splitlines()[0]) == []
