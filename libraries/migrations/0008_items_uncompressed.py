"""On Postgres, items are stored as they are: to compress 1 MiB takes longer than all the rest of an update.

Only the catalogue changes. What is stored already stays compressed until it is written again. SQLite does not compress.
"""

from django.db import migrations


def set_storage(schema_editor, storage):
    """Set how Postgres stores new values of the column (its documentation, "TOAST")."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f'ALTER TABLE "libraries_portalview" ALTER COLUMN "items" SET STORAGE {storage}')


def forwards(apps, schema_editor):
    """Without compression."""
    set_storage(schema_editor, "EXTERNAL")


def backwards(apps, schema_editor):
    """As Postgres does by default."""
    set_storage(schema_editor, "EXTENDED")


class Migration(migrations.Migration):
    dependencies = [
        ("libraries", "0007_items_encounter_camera"),
    ]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]
