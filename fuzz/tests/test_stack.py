"""Reading a server's log."""

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


def test_errors_and_the_ends_of_tracebacks_are_reported() -> None:
    crashed, raised = bad_lines(LOG)
    assert crashed.endswith("socket_crashed [realtime.sessions.consumer]")
    assert raised == 'File "realtime/sessions/consumer.py", line 1, in receive self.fall_over() ValueError: over'
    assert bad_lines(LOG.splitlines()[0]) == []


QUOTING = """\
2026-01-01T00:00:02Z [warning  ] request_finished [django] request='GET /?q=socket_crashed' code=400
2026-01-01T00:00:02Z [warning  ] request_finished [django] request='GET /?q=[critical' code=400
2026-01-01T00:00:02Z [warning  ] request_finished [django] request='GET /?q=[error ' code=400
2026-01-01T00:00:02Z [warning  ] request_finished [django] request='GET /?q=Unhandled error' code=400
2026-01-01T00:00:02Z [warning  ] request_finished [django] request='GET /?q=Traceback (most recent call last):' code=400
"""


def test_a_clients_text_is_not_read_as_an_entry_of_the_server() -> None:
    assert bad_lines(QUOTING) == []


def test_each_kind_of_bad_line_is_reported() -> None:
    lines = [
        "2026-01-01T00:00:02Z [critical ] anything [portal]",
        "2026-01-01T00:00:02Z [error    ] anything [portal]",
        "2026-01-01T00:00:02Z [warning  ] socket_crashed [realtime.consumer]",
        "Unhandled error in Deferred:",
    ]
    assert bad_lines("\n".join(lines)) == lines


def test_a_traceback_of_an_exception_group_is_reported_by_its_end() -> None:
    (told,) = bad_lines("  + Exception Group Traceback (most recent call last):\n  |   File x\nExceptionGroup: two\n")
    assert told == "|   File x ExceptionGroup: two"
