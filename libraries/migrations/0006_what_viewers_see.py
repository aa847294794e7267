"""What viewers see: their own version, date, count and place, one `visible` for each item, and a disclosure.

Processes of the previous version may run at the same time: the database has defaults for all new columns.
"""

import django.db.models.functions
import django.utils.timezone
from django.db import migrations, models

from libraries.migrations._rows import rewrite


def fill(apps, schema_editor):
    """Bring each stored portal view into its normal form; viewers begin with the version that they know."""
    from libraries.rules.projection import shown_count, shown_place
    from libraries.rules.state import blocks_of, normal_items, size_of

    def change(row, state):
        row.items = state["items"] = normal_items(row.items)
        row.size = blocks_of(size_of(state))
        row.viewers_updated_at = row.updated_at
        row.viewers_item_count, row.viewers_current_item = shown_count(state), shown_place(state)

    columns = ["items", "size", "viewers_updated_at", "viewers_item_count", "viewers_current_item"]
    rewrite(apps, schema_editor, change, columns)


class Migration(migrations.Migration):
    dependencies = [
        ("libraries", "0005_portal_view_size"),
    ]

    operations = [
        migrations.AddField(
            model_name="library",
            name="disclosure",
            field=models.JSONField(
                blank=True,
                db_default={},
                default=dict,
                help_text="What viewers see of foreign records: lists of paths by row.",
            ),
        ),
        migrations.AddField(
            model_name="portalview",
            name="disclosure",
            field=models.JSONField(
                db_default={},
                default=dict,
                editable=False,
                help_text="The library's: a copy, so that a write reads one row.",
            ),
        ),
        migrations.AddField(
            model_name="portalview",
            name="show_conditions",
            field=models.BooleanField(db_default=True, default=True, verbose_name="conditions"),
        ),
        migrations.AddField(
            model_name="portalview",
            name="viewers_current_item",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="portalview",
            name="viewers_item_count",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="portalview",
            name="viewers_updated_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.Now(), default=django.utils.timezone.now, editable=False
            ),
        ),
        migrations.AddField(
            model_name="portalview",
            name="unseen_writes",
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddConstraint(
            model_name="portalview",
            constraint=models.CheckConstraint(
                condition=models.Q(("unseen_writes__lt", models.F("version"))), name="portal_view_some_write_is_seen"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
