"""`manage.py demo`: what it creates, what it keeps unchanged, and when it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.contrib.staticfiles import finders
from django.core.management import CommandError, call_command

from libraries.demo_data import ITEMS, PASSWORD, PEOPLE
from libraries.models import Library, Membership, PortalView, User
from libraries.rules.changes import TurnStep
from libraries.rules.projection import project
from libraries.rules.roles import PortalRole
from libraries.services.changes import Message, change_portal_view

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _development(settings: Any) -> None:
    settings.DEBUG = True


def demo(*arguments: str) -> str:
    out = StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


def test_json_names_a_portal_view_and_all_log_ins() -> None:
    made = json.loads(demo("--json"))
    portal_view = PortalView.objects.get(id=made["portalViewId"])
    assert str(portal_view.library_id) == made["libraryId"]
    assert set(made) == {"portalViewId", "libraryId", "controller", "editor", "viewer", "stranger", "admin"}
    roles = dict(Membership.objects.filter(library=portal_view.library).values_list("user__email", "role"))
    expected = {"controller": "OWNER", "editor": "EDITOR", "viewer": "VIEWER"}
    assert roles == {made[key]["email"]: role for key, role in expected.items()}
    for person in PEOPLE:
        user = User.objects.get(email=made[person.key]["email"])
        assert user.check_password(made[person.key]["password"])
        assert (user.is_active, user.is_staff, user.is_superuser) == (True, person.is_admin, person.is_admin)


def test_the_demo_is_an_evening_with_hidden_values() -> None:
    demo()
    portal_view = PortalView.objects.get()
    state = portal_view.state()
    assert len(state["items"]) >= 6
    assert {"image", "token", "stat-block", "note"} <= {item["type"] for item in state["items"]}
    assert any(item.get("visible") is False for item in state["items"])
    shown = json.dumps(project(state, PortalRole.VIEWER, portal_view.rules))
    for item in ITEMS:
        for key in ("gmNotes", "secret"):
            assert key not in item or item[key] not in shown
    assert "Tide ghoul" not in shown
    items = {item["id"]: item for item in json.loads(shown)["items"]}
    assert items["warden"]["health"]["display"] == "bar"
    assert "health" not in items["ilse"]
    assert (items["keeper"]["name"], "Hobb the drowned" in shown) == ("The lighthouse keeper", False)
    assert items["lanternfish"] == {
        "id": "lanternfish",
        "type": "swarm",
        "name": "Swarm of lantern fish",
        "image": "/static/demo/lanternfish.svg",
        "size": "Medium",
    }
    encounter = json.loads(shown)["encounter"]
    assert (encounter["turn"], [entry["itemId"] for entry in encounter["order"]]) == (
        "warden",
        ["ilse", "warden", "oren"],
    )
    owner = User.objects.get(email="owner@example.com")
    change_portal_view(actor_id=owner.id, portal_view_id=portal_view.id, messages=[Message([TurnStep(1)])])
    portal_view.refresh_from_db()
    seen = project(portal_view.state(), PortalRole.VIEWER, portal_view.rules)
    assert seen["encounter"]["turn"] == "ghoul"
    assert "Tide ghoul" in json.dumps(seen)


PICTURES = [item[key] for item in ITEMS for key in ("image", "img_main") if key in item]


@pytest.mark.parametrize("picture", PICTURES)
def test_every_picture_exists_and_needs_no_other_site(picture: str) -> None:
    found = finders.find(picture.removeprefix("/static/"))
    assert isinstance(found, str)
    drawing = Path(found).read_text()
    assert "<script" not in drawing
    assert "<style" not in drawing
    assert "http" not in drawing.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_the_password_is_allowed_for_people() -> None:
    for person in PEOPLE:
        validate_password(PASSWORD, User(email=person.email, name=person.name))


def test_a_second_run_keeps_peoples_changes() -> None:
    demo()
    PortalView.objects.update(name="Our table", items=[{"id": "mine"}], show_health=True, version=7)
    Library.objects.update(name="Our library")
    User.objects.filter(email="viewer@example.com").update(name="Linnea")
    demo()
    portal_view = PortalView.objects.get()
    assert (portal_view.name, portal_view.items, portal_view.show_health) == ("Our table", [{"id": "mine"}], True)
    assert portal_view.version == 7
    assert Library.objects.get().name == "Our library"
    assert User.objects.get(email="viewer@example.com").name == "Linnea"
    assert User.objects.count() == len(PEOPLE)


def test_a_second_run_resets_the_log_ins() -> None:
    made = json.loads(demo("--json"))
    people = {key: User.objects.get(email=made[key]["email"]) for key in ("controller", "editor", "viewer", "stranger")}
    people["viewer"].set_password("something else entirely")
    people["viewer"].is_active = False
    people["viewer"].save()
    Membership.objects.filter(user=people["editor"]).update(role="OWNER")
    Membership.objects.filter(user=people["controller"]).delete()
    Membership.objects.create(user=people["stranger"], library_id=made["libraryId"], role="VIEWER")
    assert json.loads(demo("--json")) == made
    viewer = User.objects.get(pk=people["viewer"].pk)
    assert viewer.is_active
    assert viewer.check_password(PASSWORD)
    roles = dict(Membership.objects.values_list("user__email", "role"))
    assert roles == {
        "owner@example.com": "OWNER",
        "editor@example.com": "EDITOR",
        "viewer@example.com": "VIEWER",
    }


def test_a_second_run_computes_one_hash_and_no_more() -> None:
    demo()
    with patch("libraries.management.commands.demo.check_password", return_value=True) as check:
        demo()
    assert check.call_count == 1


def test_each_person_can_log_in() -> None:
    demo()
    for person in PEOPLE:
        assert authenticate(None, email=person.email, password=PASSWORD) is not None


def test_the_text_has_the_log_ins_and_the_address() -> None:
    text = demo("--port", "9000")
    assert PASSWORD in text
    assert "http://127.0.0.1:9000/admin/" in text
    assert "On phones" not in text
    text = demo("--host", "portal.example.org", "--port", "9000")
    assert all(person.email in text for person in PEOPLE)
    assert "http://portal.example.org:9000/admin/" in text
    assert "ws://portal.example.org:9000/ws/portal-view/" in text


@pytest.mark.parametrize(
    ("host", "warned"),
    [
        ("127.0.0.1", False),
        ("127.1.2.3", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),  # noqa: S104 - what it warns of
        ("::", True),
        ("192.168.1.5", True),
        ("table.local", True),
    ],
)
def test_a_public_host_gets_a_warning_and_another_password(host: str, warned: bool) -> None:
    out, err = StringIO(), StringIO()
    call_command("demo", "--json", "--host", host, stdout=out, stderr=err)
    assert ("whoever listens in there" in err.getvalue()) is warned
    made = json.loads(out.getvalue())
    passwords = {made[person.key]["password"] for person in PEOPLE}
    assert len(passwords) == 1
    assert (passwords == {PASSWORD}) is not warned
    for person in PEOPLE:
        assert User.objects.get(email=person.email).check_password(made[person.key]["password"])
        validate_password(made[person.key]["password"], User(email=person.email, name=person.name))


def test_the_password_for_others_is_new_at_each_start() -> None:
    first, second = (json.loads(demo("--json", "--host", "192.0.2.7"))["admin"]["password"] for _ in range(2))
    assert re.fullmatch(r"[2-9a-z]{4}(-[2-9a-z]{4}){2}", first)
    assert first != second
    assert not User.objects.get(email="admin@example.com").check_password(first)
    demo()
    assert User.objects.get(email="admin@example.com").check_password(PASSWORD)


def test_phones_get_an_address_of_this_machine(settings: Any) -> None:
    settings.PORTAL_LAN_HOSTS = ["192.168.1.20", "[fd00::2]"]
    text = demo("--host", "0.0.0.0", "--port", "9000")  # noqa: S104
    assert "\nOn phones: http://192.168.1.20:9000\nOn phones: http://[fd00::2]:9000" in text
    assert "http://127.0.0.1:9000/admin/" in text
    settings.PORTAL_LAN_HOSTS = []
    err = StringIO()
    call_command("demo", "--host", "0.0.0.0", stdout=StringIO(), stderr=err)  # noqa: S104
    assert "This machine has no address that others reach" in err.getvalue()


def test_production_is_refused_unless_forced(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="--force"):
        demo("--json")
    assert not User.objects.exists()
    demo("--force")
    assert User.objects.count() == len(PEOPLE)


def test_only_the_json_is_on_standard_output(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path)}
    manage = [sys.executable, str(Path(__file__).parents[2] / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], env=environment, check=True, timeout=90)
    done = subprocess.run([*manage, "demo", "--json"], env=environment, check=True, timeout=90, capture_output=True)
    assert json.loads(done.stdout)["portalViewId"]
