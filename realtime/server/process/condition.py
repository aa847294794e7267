"""What this process says of itself to whoever asks, such as the health checks."""

from __future__ import annotations

import threading

draining = threading.Event()
"""Set from the moment on at which this process was told to end."""
