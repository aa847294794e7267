"""Failed log-ins in the admin, as django-axes shows them, but for its action that ends in an error."""

from __future__ import annotations

from axes.admin import AccessAttemptAdmin


class AttemptAdmin(AccessAttemptAdmin):  # type: ignore[misc]  # axes has no types
    """Attempts that are too old count no more, and are deleted when the next one fails: no action need do it."""

    actions = ()
