"""`manage.py clear_images`: deletes files that belong to no picture, and names pictures that have no files."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from libraries.cleaning import forget_stray_files, images_without_files
from libraries.rules.errors import Unavailable


class Command(BaseCommand):
    """Deletes the files that a killed process has left, and says what a restore did not bring back."""

    help = "Delete files of no picture that are older than a day, and name pictures whose files are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete the files, print their number, and a line for each picture without files."""
        try:
            self.stdout.write(f"Files of {forget_stray_files()} pictures that do not exist were deleted.")
            for image in images_without_files():
                self.stdout.write(f"No files: {image.url} ({image.name}) of {image.library.name} ({image.library_id})")
        except Unavailable as error:
            raise CommandError(error.message) from error
