"""What ties django-axes, which counts failed log-ins, to both ways to log in: the admin's form and REST.

The limits are in `portal.settings`; what a log-in answers does not belong here.
"""

from collections.abc import Mapping
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request


def account(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str | None:
    """The name that attempts are counted under: the e-mail address in lower case, None when there is none.

    The admin's form calls it username, the REST API email.
    """
    given = credentials or {}
    name = given.get("email") or given.get("username") or request.POST.get("username")
    return str(name).strip().lower() if name else None


@receiver(user_locked_out)
def refuse_rest(sender: str, request: HttpRequest | Request, **others: object) -> None:
    """Answer a REST log-in with 429; axes' middleware sees only Django's requests, and answers the form."""
    if isinstance(request, Request):
        wait = settings.AXES_COOLOFF_TIME.total_seconds()
        raise Throttled(wait, detail="Too many failed log-ins.")
