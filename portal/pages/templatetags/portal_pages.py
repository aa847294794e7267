"""What the templates of the pages need besides Django's tags: icons, and the names of roles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from libraries.links import only_here
from portal.pages.language import ROLE_NAMES
from portal.pages.said import words_of_refusals

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite `icons.svg`, by its name there. It is decoration: the word stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("pages/icons.svg"),
        name,
    )


@register.simple_tag
def refusals() -> str:
    """The words of refusals, for the attribute `data-refusals`, which `said.js` reads."""
    return words_of_refusals()


@register.filter
def role_name(role: str) -> str:
    """A role in a library as people call it."""
    return str(ROLE_NAMES[role])


@register.filter
def moment(when: datetime) -> SafeString:
    """A time in UTC, which the module of the page writes in the time of its reader."""
    return format_html(
        '<time datetime="{}">{} UTC</time>', when.isoformat(), date_format(when, "SHORT_DATETIME_FORMAT")
    )


@register.inclusion_tag("pages/_only_here.html", takes_context=True)
def only_here_note(context: dict[str, Any]) -> dict[str, Any]:
    """If no other machine reaches the links of the page: a note that says so, and what to do."""
    return {"host": only_here(context["request"]), "debug": settings.DEBUG}
