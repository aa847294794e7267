"""The forms of portal views and libraries: JSON as text, checked by `libraries.rules`.

A portal view is saved only over the loaded state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html

from libraries.admin.base import pretty
from libraries.models import Library, PortalView
from libraries.rules.addresses import MAX_BODY_IMAGE_CHARS
from libraries.rules.changes import ViewPatch
from libraries.rules.disclosure import check_disclosure
from libraries.rules.draft import Draft
from libraries.rules.errors import InvalidPayload, QuotaExceeded
from libraries.rules.places import root
from libraries.rules.presets import presets
from libraries.rules.state import FIELDS, Patch, blocks_of, check_patch, check_size
from libraries.services import quotas

if TYPE_CHECKING:
    from django.contrib.admin.widgets import AdminTextareaWidget as TextareaWidget
    from django.forms import Select as SelectWidget

    PortalViewModelForm = forms.ModelForm[PortalView]
    LibraryModelForm = forms.ModelForm[Library]
else:
    from unfold.widgets import UnfoldAdminSelectWidget as SelectWidget
    from unfold.widgets import UnfoldAdminTextareaWidget as TextareaWidget

    PortalViewModelForm = LibraryModelForm = forms.ModelForm


class JSONTextField(forms.JSONField):
    """A value as indented JSON. A mistake is reported by line and column. An empty field means what `blank` makes."""

    def __init__(self, *, blank: Callable[[], Any], rows: int, **options: Any) -> None:
        self._blank = blank
        attrs = {"rows": rows, "spellcheck": "false", "class": "portal-json", "wrap": "off"}
        options["widget"] = TextareaWidget(attrs)
        super().__init__(**options)

    def prepare_value(self, value: Any) -> str:
        """The text to show: the JSON, or the typed text if that is not valid."""
        if isinstance(value, str):
            return value
        return pretty(self._blank() if value is None else value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """The text of a form that is shown again: exactly as it was typed."""
        return data

    def to_python(self, value: Any) -> Any:
        """The value of a JSON text; ValidationError with a sentence if it is not valid."""
        if not value:
            return self._blank()
        try:
            return json.loads(value, parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
        except json.JSONDecodeError as error:
            raise ValidationError(
                f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
            ) from error
        except RecursionError as error:
            raise ValidationError("This is nested too deeply.") from error
        except ValueError as error:
            raise ValidationError(str(error)) from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value.")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"An object has the key “{twice}” twice.")
    return made


def _nothing() -> None:
    """The value of an empty field."""


class PortalViewForm(PortalViewModelForm):
    """A portal view. When the form is valid, `patch` holds the checked changes."""

    items = JSONTextField(
        blank=list,
        rows=30,
        required=False,
        help_text="A JSON list of objects. An item without an id gets one. The first is item 0. Viewers see its name,"
        " picture and text, what is under public, and what the switches show.",
    )
    camera = JSONTextField(
        blank=_nothing,
        rows=4,
        required=False,
        help_text="Which part of the current picture the screens show:"
        ' {"x": 0.5, "y": 0.5, "zoom": 1, "rotation": 0}, or null.',
    )
    encounter = JSONTextField(
        blank=_nothing,
        rows=8,
        required=False,
        help_text="Who acts in which order:"
        ' {"round": 1, "turn": "ogre", "order": [{"itemId": "ogre", "initiative": 9}]}, or null.',
    )
    loaded_version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = PortalView
        fields: ClassVar = ["library", *(field.column for key, field in FIELDS.items() if key != "currentItemId")]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.patch = Patch({}, {})
        if self.instance._state.adding:
            del self.fields["loaded_version"]
        else:
            self.initial["loaded_version"] = self.instance.version

    def clean(self) -> dict[str, Any]:
        """Check the patch as a whole; each refusal is shown beside its field."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        adding = self.instance._state.adding
        given = {key: cleaned[field.column] for key, field in FIELDS.items() if field.column in cleaned}
        changed = {key: value for key, value in given.items() if adding or FIELDS[key].column in self.changed_data}
        try:
            self.patch = check_patch(changed, MAX_BODY_IMAGE_CHARS)
            self._check()
        except InvalidPayload as error:
            self.add_error(None, ValidationError(_by_field(error.details or {}) or error.message))
        except QuotaExceeded as error:
            self.add_error("library" if adding else "items", error.message)
        if changed and not adding:
            self._check_version(cleaned["loaded_version"])
        return cleaned

    def _check(self) -> None:
        one, adding = self.instance, self.instance._state.adding
        draft = Draft(one.content(), one.item_key)
        draft.apply([ViewPatch(self.patch)])
        size = blocks_of(check_size(draft.state))
        library_id = self.cleaned_data["library"].pk if adding else one.library_id
        if adding:
            quotas.check_portal_views(library_id)
        quotas.check_growth(library_id=library_id, portal_view_id=one.pk, before=0 if adding else one.size, after=size)

    def _check_version(self, loaded: int) -> None:
        # The lock is held until the request's transaction ends, so nothing changes before the save.
        row = PortalView.objects.select_for_update().filter(pk=self.instance.pk).values_list("version", flat=True)
        stored = row.first()
        if stored == loaded:
            return
        sentence = (
            "Somebody has changed this portal view since you opened it, so nothing was saved: version {} is stored,"
            ' you began with {}. <a class="underline" href="{}">Open it again</a> to see what is stored, and make'
            " your change there."
        )
        again = reverse("admin:libraries_portalview_change", args=[self.instance.pk])
        self.add_error(None, format_html(sentence, stored or "–", loaded, again))


def _by_field(details: Mapping[str, str]) -> dict[str, str]:
    """The sentences of a refused patch by form field; one about a value within a field begins with its place."""
    return {
        _COLUMNS[root(place)]: sentence if place in FIELDS else f"{place}: {sentence}"
        for place, sentence in details.items()
    }


_COLUMNS = {key: field.column for key, field in FIELDS.items()} | {"currentItemId": "current_item"}


class LibraryForm(LibraryModelForm):
    """A library; a chosen preset replaces what it discloses."""

    preset = forms.ChoiceField(
        required=False,
        widget=SelectWidget,
        help_text="For records of a known format: replaces the paths below when you save.",
    )
    disclosure = JSONTextField(
        blank=dict,
        rows=14,
        required=False,
        help_text="What viewers see of foreign records: a JSON object of lists of paths, such as"
        ' {"ac": ["system.ac.value"]}. Empty: name and picture.',
    )

    class Meta:
        model = Library
        fields: ClassVar = ["name", "description", "show_audience", "show_activity", "disclosure"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [("", "–"), *((preset.name, preset.title) for preset in presets().values())]
        if isinstance(field := self.fields.get("preset"), forms.ChoiceField):  # a person who only looks has no field
            field.choices = choices

    def clean(self) -> dict[str, Any]:
        """Check the disclosure; a bad path is named beside its field."""
        cleaned = super().clean() or self.cleaned_data
        if chosen := cleaned.get("preset"):
            cleaned["disclosure"] = presets()[chosen].disclosure
        elif "disclosure" in cleaned:
            try:
                cleaned["disclosure"] = check_disclosure(cleaned["disclosure"])
            except InvalidPayload as error:
                self.add_error("disclosure", error.message)
        return cleaned
