"""Writes `docs/fold-vectors.json`: `python -m testing.write_fold_vectors`."""

from __future__ import annotations

import os
from pathlib import Path

import django

FILE = Path(__file__).parents[1] / "docs" / "fold-vectors.json"


def main() -> None:
    """Write the file."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from testing.fold_vectors import text  # the models need the settings

    FILE.write_text(text())


if __name__ == "__main__":
    main()
