"""The state of this process, for the health checks and others."""

from __future__ import annotations

import threading

draining = threading.Event()
"""Set from the moment at which this process was told to end."""
