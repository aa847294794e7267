"""What viewers learn of people, and whether they may point. Processes of the previous version may run at the same time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("libraries", "0010_images"),
    ]

    operations = [
        migrations.AddField(
            model_name="library",
            name="show_activity",
            field=models.BooleanField(
                db_default=False, default=False, help_text="On: viewers see that a controller is preparing something."
            ),
        ),
        migrations.AddField(
            model_name="library",
            name="show_audience",
            field=models.BooleanField(
                db_default=False, default=False, help_text="On: viewers see how many people are connected."
            ),
        ),
        migrations.AddField(
            model_name="portalview",
            name="viewers_may_point",
            field=models.BooleanField(
                db_default=False, default=False, help_text="On: viewers may point at the picture, and all see where."
            ),
        ),
    ]
