"""What the tests of secrets report."""

from __future__ import annotations


class Leak(AssertionError):
    """A viewer received a value that they may not see, or can tell that something happened which they may not see."""


class Missing(AssertionError):
    """A viewer did not receive what they may see, or the messages to work it out."""
