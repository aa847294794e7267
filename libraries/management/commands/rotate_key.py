"""`manage.py rotate_key`: tokens are signed with a new key from now on; the tokens of the old one stay good."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from libraries.signing import READ_SECONDS, rotate_key
from libraries.tokens import longest_life


class Command(BaseCommand):
    """Makes a new key, and deletes the keys whose tokens have all expired. Nobody is logged out."""

    help = "Sign tokens with a new key. Nobody is logged out; run it as often as you like."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and print what was done."""
        key_id, deleted = rotate_key(longest_life().total_seconds())
        self.stdout.write(
            f"Tokens are signed with the new key {key_id}, by all processes within {READ_SECONDS:.0f} seconds."
            f" {deleted} old keys, whose tokens have expired, were deleted."
        )
