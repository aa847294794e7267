"""The id of the current item, the camera and the encounter of a portal view; the ids of added items in receipts.

Processes of the previous version may run at the same time: all new columns may be null.
"""

from django.db import migrations, models

from libraries.migrations._rows import rewrite


def fill(apps, schema_editor):
    """Give each stored portal view the id of its current item."""
    from libraries.rules.state import blocks_of, settled, size_of

    def change(row, state):
        after = settled(state)
        row.current_item, row.current_item_id = after["currentItem"], after["currentItemId"]
        row.size = blocks_of(size_of(after))

    rewrite(apps, schema_editor, change, ["current_item", "current_item_id", "size"])


class Migration(migrations.Migration):
    dependencies = [
        ("libraries", "0006_what_viewers_see"),
    ]

    operations = [
        migrations.AddField(
            model_name="portalview",
            name="camera",
            field=models.JSONField(
                blank=True, help_text="Which part of the current picture the screens show.", null=True
            ),
        ),
        migrations.AddField(
            model_name="portalview",
            name="current_item_id",
            field=models.CharField(editable=False, max_length=128, null=True),
        ),
        migrations.AddField(
            model_name="portalview",
            name="encounter",
            field=models.JSONField(blank=True, help_text="Who acts in which order, and whose turn it is.", null=True),
        ),
        migrations.AddField(
            model_name="receipt",
            name="item_ids",
            field=models.JSONField(null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
