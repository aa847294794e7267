"""Names, e-mail addresses and networks: which are valid, in every interface."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from conftest import PASSWORD
from libraries.models import Library, PortalView, User
from libraries.rules.emails import canonical, is_plain
from libraries.rules.errors import InvalidPayload
from libraries.rules.names import CONTROLS, NOTHING_SHOWS, check_name
from libraries.rules.networks import NO_NETWORK, network_of, network_of_scope
from libraries.rules.places import told
from libraries.rules.roles import Role
from libraries.rules.state import check_patch
from libraries.services.members import add_member
from libraries.tests.admin.conftest import Desk, add, change, desk, desk_of, errors, news
from libraries.tests.rest import as_, refused

__all__ = ["desk", "desk_of", "news"]

GOOD = [
    "Mara",
    "Zoë",
    "林",
    "محمد",
    "Ħ-3",
    "👩‍🚀",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "می‌خواهم",
    "e\u0301",
    "…",
]
TURNING = ["\u202e", "\u202a", "\u202c", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c"]
CONTROL = ["\0", "\x07", "\x1b[2J", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"]
LINES = ["\n", "\r\n", "\t"]
UNSEEN = [
    "\u200b",
    "\u200b\u200d\ufeff",
    "\u3164",
    "\u115f",
    "\u2800 ",
    "\u00ad",
    "\u034f",
    "\ufe0f",
    "\U000e0041",
    "\u00a0",
    "\u180e",
]


@pytest.mark.parametrize("name", ["", *GOOD])
def test_valid_names(name: str) -> None:
    check_name(name)
    check_name(f"{name}\n\tand more", lines=True)


@pytest.mark.parametrize("mark", TURNING + CONTROL)
def test_forbidden_marks(mark: str) -> None:
    for lines in (False, True):
        with pytest.raises(ValueError, match=CONTROLS):
            check_name(f"Mara{mark}", lines=lines)


@pytest.mark.parametrize("mark", LINES)
def test_a_name_is_one_line(mark: str) -> None:
    with pytest.raises(ValueError, match=CONTROLS):
        check_name(f"a{mark}b")
    check_name(f"a{mark}b", lines=True)


@pytest.mark.parametrize("name", UNSEEN)
def test_invisible_names(name: str) -> None:
    for lines in (False, True):
        with pytest.raises(ValueError, match=NOTHING_SHOWS):
            check_name(name, lines=lines)


BAD_NAMES = [("Mara\u202e", CONTROLS), ("Ma\x1b[2Jra", CONTROLS), ("\u200b\u200d", NOTHING_SHOWS)]


@pytest.mark.parametrize(("name", "sentence"), BAD_NAMES)
def test_rest_refuses_bad_names(owner: User, portal_view: PortalView, name: str, sentence: str) -> None:
    library = f"/api/libraries/{portal_view.library_id}"
    person = {"email": "new@example.org", "password": PASSWORD}
    client = as_(owner)
    for answer, key in (
        (client.post("/api/auth/register", {**person, "name": name}), "name"),
        (client.patch("/api/auth/me", {"name": name}), "name"),
        (client.post("/api/libraries", {"name": name}), "name"),
        (client.patch(library, {"name": name}), "name"),
        (client.put(library, {"name": "Good", "description": name}), "description"),
        (client.post(f"{library}/portal-views", {"name": name}), "name"),
        (client.patch(f"/api/portal-views/{portal_view.pk}", {"name": name}), "name"),
    ):
        assert sentence.removesuffix(".") in refused(answer, "invalid-payload", key)
    assert client.patch(library, {"description": "two\nlines"}).status_code == 200


@pytest.mark.parametrize(("name", "sentence"), BAD_NAMES)
def test_a_patch_by_socket_refuses_bad_names(name: str, sentence: str) -> None:
    with pytest.raises(InvalidPayload) as error:
        check_patch({"name": name})
    assert error.value.details == {"name": told(sentence, name)}


@pytest.mark.parametrize(("name", "sentence"), BAD_NAMES)
def test_the_admin_refuses_bad_names(
    desk: Desk, portal_view: PortalView, viewer: User, name: str, sentence: str
) -> None:
    for thing, field in ((viewer, "name"), (portal_view.library, "description")):
        assert errors(desk.save(change(thing), **{field: name})) == {field: [sentence]}
    assert errors(desk.save(change(portal_view), name=name)) == {"name": [told(sentence, name)]}
    typed = {"email": "new@example.org", "name": name, "password1": PASSWORD, "password2": PASSWORD}
    assert errors(desk.save(add(User), **typed)) == {"name": [sentence]}


# --- E-mail addresses -------------------------------------------------------------------------------------

PLAIN = ["gm@example.org", "a.b+tag@xn--mnchen-3ya.de", "o'neil@sub.example.org", "root@localhost"]
LOOK_ALIKES = [
    "оwner@example.org",  # Cyrillic о
    "ｏwner@example.org",  # fullwidth
    "owner@ехample.org",  # Cyrillic е and х
    "owner@münchen.de",
    "lıbrary@example.org",  # dotless i
    "miſter@example.org",  # long s
    "İrma@example.org",
    "o\u200bwner@example.org",
    "owner@exa\u00admple.org",
    "owner@example\u3002org",  # a full stop that IDNA treats as a dot (UTS 46)
    '"owner"@example.org',
    '"o\\wner"@example.org',
    "owner@[192.0.2.1]",
    "owner@[2001:db8::1]",
]
NO_ADDRESSES = [
    "owner@example.org.",
    "owner@.example.org",
    "owner＠example.org",
    "owner@example..org",
    "o wner@example.org",
]


@pytest.mark.parametrize("address", PLAIN)
@pytest.mark.django_db
def test_plain_addresses(address: str) -> None:
    assert is_plain(address)
    name, _, domain = address.partition("@")
    body = {"email": f" {name.upper()}@{domain} ", "password": PASSWORD}
    answer = as_(None).post("/api/auth/register", body)
    assert (answer.status_code, answer.json()["email"]) == (201, address)
    refused(as_(None).post("/api/auth/register", body), "conflict", "email")


@pytest.mark.parametrize("address", LOOK_ALIKES + NO_ADDRESSES)
def test_look_alikes_get_no_account(desk: Desk, owner: User, address: str) -> None:
    before = User.objects.count()
    refused(as_(None).post("/api/auth/register", {"email": address, "password": PASSWORD}), "invalid-payload", "email")
    typed = {"email": address, "password1": PASSWORD, "password2": PASSWORD}
    assert set(errors(desk.save(add(User), **typed))) == {"email"}
    assert set(errors(desk.save(change(owner), email=address))) == {"email"}
    assert User.objects.count() == before
    assert User.objects.get(pk=owner.pk).email == "owner@example.org"


@pytest.mark.parametrize("address", LOOK_ALIKES)
@pytest.mark.django_db
def test_look_alikes_get_no_account_by_command(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="letters a to z|Enter a valid email"):
        call_command("createsuperuser", "--noinput", "--email", address)
    with pytest.raises(ValidationError):
        User.objects.create_user(address, PASSWORD)
    assert not User.objects.exists()


def test_the_kelvin_sign_is_a_k_and_makes_no_second_account(make_user: Any) -> None:
    make_user("kim")
    assert canonical("\u212aim@example.org") == "kim@example.org"
    answer = as_(None).post("/api/auth/register", {"email": "\u212aim@example.org", "password": PASSWORD})
    refused(answer, "conflict", "email")


@pytest.fixture
def older(owner: User) -> User:
    """A person whose address was stored before the rule existed."""
    User.objects.filter(pk=owner.pk).update(email="owner@münchen.de")
    owner.refresh_from_db()
    return owner


def test_an_older_address_stays_valid(desk: Desk, older: User, library: Library) -> None:
    body = {"email": "Owner@MÜNCHEN.de", "password": PASSWORD}
    assert as_(None).post("/api/auth/token", body).status_code == 200
    desk.save(change(older), name="Changed")
    assert User.objects.get(pk=older.pk).name == "Changed"
    assert set(errors(desk.save(change(older), email="other@münchen.de"))) == {"email"}
    desk.save(change(older), email="Owner@Example.org")
    assert User.objects.get(pk=older.pk).email == "owner@example.org"


def test_a_member_is_found_in_any_case_and_not_by_a_look_alike(library: Library, stranger: User) -> None:
    with pytest.raises(InvalidPayload, match="Nobody has this"):
        add_member(actor_id=None, library_id=library.pk, email="ѕtranger@example.org", role=Role.VIEWER)
    add_member(actor_id=None, library_id=library.pk, email=" Stranger@EXAMPLE.org", role=Role.VIEWER)


def test_two_simultaneous_registrations_of_one_address(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is free when it is checked, and taken once the password is hashed."""
    make = User.objects.new_user

    def slow(*args: Any, **options: Any) -> User:
        User.objects.create(email="new@example.org")
        return make(*args, **options)

    monkeypatch.setattr(User.objects, "new_user", slow)
    answer = as_(None).post("/api/auth/register", {"email": "new@example.org", "password": PASSWORD})
    refused(answer, "conflict", "email")


# --- Networks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("::ffff:c000:24d", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", NO_NETWORK),
        (None, NO_NETWORK),
        ("unix:/run/portal.sock", NO_NETWORK),
        ("192.0.2.1:8000", NO_NETWORK),
    ],
)
def test_networks(address: object, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("client", "network"),
    [(("192.0.2.77", 1), "192.0.2.0/24"), (["2001:db8:1:2:3:4:5:6", 1], "2001:db8:1:2::/64"), (None, NO_NETWORK)],
)
def test_the_network_of_a_client(client: object, network: str) -> None:
    assert network_of_scope({"client": client}) == network
