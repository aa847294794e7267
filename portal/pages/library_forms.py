"""The forms of libraries and what is in them. What a service checks again is checked here as far as a field can say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from libraries.models import Library
from libraries.rules.presets import presets
from libraries.rules.roles import Role
from libraries.rules.state import MAX_NAME_CHARS
from libraries.sharing import MAX_LABEL_CHARS
from libraries.validators import validate_lines, validate_name
from portal.pages.forms import PageForm
from portal.pages.language import ROLE_NAMES
from portal.pages.said import in_words

ROLES = tuple(ROLE_NAMES.items())
NOTHING, OWN = "", "own"
"""What is disclosed of foreign records: nothing more, or paths of the library's own, which stay as they are."""
LIVES = {"": None, "1": timedelta(days=1), "7": timedelta(days=7)}


class Named(PageForm):
    """A name for something new, or another one for something old."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_CHARS, validators=[in_words(validate_name)])


class Settings(Named):
    """A library's name and description; for owners also what viewers learn."""

    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=2000,
        validators=[in_words(validate_lines)],
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    preset = forms.ChoiceField(label=_("Records are in the format of"), required=False)
    show_audience = forms.BooleanField(label=_("Viewers see how many people watch"), required=False)
    show_activity = forms.BooleanField(label=_("Viewers see that somebody prepares something"), required=False)

    def __init__(self, data: Any = None, *, library: Library, is_owner: bool) -> None:
        known = {name: preset.disclosure for name, preset in presets().items()}
        now = next((name for name, rows in known.items() if rows == library.disclosure), OWN)
        chosen = now if library.disclosure else NOTHING
        initial = {
            "name": library.name,
            "description": library.description,
            "preset": chosen,
            "show_audience": library.show_audience,
            "show_activity": library.show_activity,
        }
        super().__init__(data, initial=initial)
        if not is_owner:
            for name in ("preset", "show_audience", "show_activity"):
                del self.fields[name]
            return
        choices: list[tuple[str, Any]] = [(NOTHING, _("No format: nothing of such records"))]
        choices += [(name, preset.title) for name, preset in presets().items()]
        if chosen == OWN:
            choices.append((OWN, _("As it is: paths of your own")))
        self.fields["preset"].choices = choices  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        """What `update_library` takes."""
        found = dict(self.cleaned_data)
        preset = found.pop("preset", OWN)
        if preset == NOTHING:
            return {**found, "disclosure": {}}
        return found if preset == OWN else {**found, "disclosure": presets()[preset].disclosure}


class OfRole(PageForm):
    """A role."""

    role = forms.ChoiceField(label=_("Role"), choices=ROLES, initial=Role.VIEWER.value)

    def clean_role(self) -> Role:
        """The role."""
        return Role(self.cleaned_data["role"])


class Invite(OfRole):
    """An invitation."""

    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        help_text=_("You may leave it out: then the link is for whoever you give it to."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class Share(PageForm):
    """A share link."""

    label = forms.CharField(
        label=_("Name of the link"),
        required=False,
        max_length=MAX_LABEL_CHARS,
        validators=[in_words(validate_name)],
        help_text=_("For you, to find it again."),
    )
    life = forms.ChoiceField(
        label=_("Good for"),
        required=False,
        choices=[("", _("until I withdraw it")), ("1", _("a day")), ("7", _("a week"))],
    )

    @property
    def values(self) -> dict[str, Any]:
        """What `create_share_link` takes."""
        life = LIVES[self.cleaned_data["life"]]
        return {"label": self.cleaned_data["label"], "expires_at": life and timezone.now() + life}
