"""The size of each portal view, for its library's quota. Processes of the previous version may run at the same time."""

from django.db import migrations, models

from libraries.migrations._rows import rewrite


def measure(apps, schema_editor):
    """Write the size of each existing portal view, as `libraries.rules.state` measures it now."""
    from libraries.rules.state import blocks_of, size_of

    def change(row, state):
        row.size = blocks_of(size_of(state))

    rewrite(apps, schema_editor, change, ["size"])


class Migration(migrations.Migration):
    dependencies = [
        ("libraries", "0004_logins_and_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="portalview",
            name="size",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Bytes of the state as JSON, rounded up to full KiB.",
            ),
        ),
        migrations.AddIndex(
            model_name="portalview",
            index=models.Index(fields=["library", "size"], name="portal_view_size"),
        ),
        migrations.RunPython(measure, migrations.RunPython.noop, elidable=True),
    ]
