#!/usr/bin/env python3
"""The command line of Portal: `manage.py help` lists the commands."""

import os
import signal
import sys


def main() -> None:
    """Run one management command with the project's settings; needs no environment variable."""
    if os.getpid() == 1:  # as in a container: without a handler it gets no signal; servers replace this one
        # Not sys.exit: its exception is lost in a callback, such as those of imports.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    os.umask(0o077)  # only we may read the database, its log and other written files
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(f"{error}. Run `make install` and then `.venv/bin/python manage.py`.") from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
