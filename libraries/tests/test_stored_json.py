"""The column that msgspec writes and reads: what comes back, what is refused, and that Django sees its own field."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from django.db import connection, models
from django.db.models import F, JSONField, Value

from libraries.models import PortalView
from libraries.stored_json import StoredJSON, encoded

pytestmark = pytest.mark.django_db

VALUES: list[Any] = [
    None,
    True,
    1,
    1.0,
    0,
    -0.5,
    0.1,
    5e-324,
    1.7976931348623157e308,
    2**53 - 1,
    -(2**53 - 1),
    2**64,
    -(2**63) - 1,
    10**30,
    "",
    'Höhle → 🐉 " \\ / \n \u2028 \x7f',
    [],
    {},
    {"b": 1, "a": [{"z": None, "": {"y": [[]]}}], "1": "x"},
]


def stored(portal_view: PortalView) -> Any:
    return PortalView.objects.values_list("items", flat=True).get(id=portal_view.id)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(portal_view: PortalView, value: Any) -> None:
    rows = PortalView.objects.filter(id=portal_view.id)
    for given in ([value], encoded([value])):
        rows.update(items=given)
        (found,) = stored(portal_view)
        assert found == value
        assert type(found) is type(value)
        assert json.dumps(found) == json.dumps(value)  # the order of keys, too
        portal_view.refresh_from_db()
        assert portal_view.items == [value]


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", {"\ud800": 1}])
def test_half_of_a_surrogate_pair_is_refused(portal_view: PortalView, text: Any) -> None:
    with pytest.raises(UnicodeEncodeError):
        PortalView.objects.filter(id=portal_view.id).update(items=[text])
    with pytest.raises(UnicodeEncodeError):
        encoded([text])


@pytest.mark.parametrize("text", ['["\\ud800"]', "[1e999]"])
def test_what_an_old_row_holds_is_read(portal_view: PortalView, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE libraries_portalview SET items = %s", [text])
    assert stored(portal_view) == json.loads(text)


def test_an_expression_stays_one(portal_view: PortalView) -> None:
    rows = PortalView.objects.filter(id=portal_view.id)
    rows.update(items=[1], disclosure={"a": 1})
    rows.update(items=F("disclosure"))
    assert stored(portal_view) == {"a": 1}
    rows.update(items=Value([2], StoredJSON()))
    assert stored(portal_view) == [2]
    rows.update(items=Value(None, JSONField()))
    assert stored(portal_view) is None


def test_a_missing_row_of_a_join_is_none() -> None:
    assert StoredJSON().from_db_value(None, None, connection) is None


def test_it_is_octets_for_postgres() -> None:
    postgres: Any = type("Connection", (), {"vendor": "postgresql"})()
    for given in ([1, "é"], encoded([1, "é"])):
        parameter = StoredJSON().get_db_prep_value(given, postgres)
        assert parameter.dumps(parameter.obj) == '[1,"é"]'.encode()
    compiler: Any = type("Compiler", (), {"connection": postgres})()
    assert StoredJSON().select_format(compiler, "items", ()) == ("items", ())


def test_migrations_and_forms_see_the_field_of_django() -> None:
    field = StoredJSON(default=list, blank=True)
    assert field.deconstruct()[1:] == JSONField(default=list, blank=True).deconstruct()[1:]
    assert type(field.formfield()) is type(models.JSONField().formfield())


def test_text_encoded_once_is_what_is_measured() -> None:
    items = [{"id": "a", "text": "é"}]
    assert len(msgspec.json.encode({"items": encoded(items)})) == len(msgspec.json.encode({"items": items}))
