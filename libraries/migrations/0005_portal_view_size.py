"""The size of each portal view, for its library's quota. Processes of the previous version may run at the same time."""

from django.db import migrations, models

BATCH = 100  # of at most 256 KiB each


def measure(apps, schema_editor):
    """Write the size of each existing portal view, as `libraries.rules.state` measures it now."""
    from libraries.rules.state import FIELDS, blocks_of, size_of

    rows = apps.get_model("libraries", "PortalView").objects.using(schema_editor.connection.alias)
    done = None
    while True:
        batch = list((rows.filter(pk__gt=done) if done else rows).order_by("pk")[:BATCH])
        if not batch:
            return
        for row in batch:
            # A key of a later version has no column yet; its migration measures again.
            state = {key: getattr(row, field.column, None) for key, field in FIELDS.items()}
            row.size = blocks_of(size_of(state))
        rows.bulk_update(batch, ["size"])
        done = batch[-1].pk


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
