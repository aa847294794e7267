"""The people of every test: an owner, an editor and a viewer of one library with one portal view, and a stranger.

And the test database: where it is, what may be lost of it, and how it is emptied.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from django.conf import settings as django_settings
from django.core.management.color import no_style
from django.db import connections
from django.test import TransactionTestCase, override_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from libraries.models import Library, Membership, PortalView, User
from libraries.rules.roles import Role
from testing.limits import NO_LIMITS

# Slowness of a busy machine is not an error.
hypothesis_settings.register_profile("portal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("portal")


TRACED = ("libraries/rules", "libraries/services", "libraries/tests/test_", "realtime")
"""The tests that coverage traces: those of the modules in its `source` (pyproject.toml). It doubles a test's time."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run the other tests without the tracer."""
    measured = Coverage.current()
    if measured is None or item.nodeid.startswith(TRACED):
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first, then those with many tests: the last one that starts must be a short one."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.get_closest_marker("long") is None, -tests[item.path]))


def pytest_collection_finish() -> None:
    """Exclude what is loaded now from the collections of garbage: each full one would visit a million objects.

    Full ones are frequent, because each test of sockets looks for tasks whose errors nobody retrieved.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Settings of the test database, and, once it is gone, the end of its files.

    SQLite does not wait for the disk: what a crash of the machine would lose does not matter here.
    """
    database = django_settings.DATABASES["default"]
    of_sqlite = connections["default"].vendor == "sqlite"
    if of_sqlite:
        database["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
    yield
    if of_sqlite:
        for end in ("-wal", "-shm"):  # Django deletes the database while threads still have connections to it
            Path(f"{database['TEST']['NAME']}{end}").unlink(missing_ok=True)


KEPT = {"django_content_type", "auth_permission"}
"""What `migrate` writes into these tables, and no test changes."""


@pytest.fixture(scope="session", autouse=True)
def _emptied_quickly() -> Iterator[None]:
    """After a test with transactions of its own, delete the rows; Django also writes 100 rows of `KEPT` again."""

    def empty(case: TransactionTestCase) -> None:
        for name in case._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
            connection = connections[name]
            tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
            connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), sorted(tables)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


PASSWORD = "correct horse battery staple"  # noqa: S105  # of test users only

ITEMS: list[dict[str, Any]] = [
    {"id": "map", "type": "image", "image": "/static/demo/map.svg", "gmNotes": "trap at the door"},
    {
        "id": "ogre",
        "type": "stat-block",
        "name": "Ogre",
        "hp": 30,
        "maxHp": 60,
        "ac": 11,
        "actions": ["club"],
    },
    {"id": "spy", "type": "token", "name": "Spy", "visible": False, "hp": 9},
]


@pytest.fixture(autouse=True, scope="session")
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Generator[None, None, None]:
    """Uploads and pictures of tests go to a folder of the run, and not among the developer's own."""
    place = {"BACKEND": "libraries.image_files.folder.Folder"}
    options = {"location": str(tmp_path_factory.mktemp("images"))}
    storages = {**django_settings.STORAGES, "images": {**place, "OPTIONS": options}}
    with override_settings(STORAGES=storages, PORTAL_UPLOADS_DIR=tmp_path_factory.mktemp("uploads")):
        yield


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def no_limits(settings: Any) -> None:
    """Switch the limits off in servers of this process: tests send and open more per second than people do."""
    for name in NO_LIMITS:
        setattr(settings, name, 0)


@pytest.fixture
def make_user(db: None) -> Callable[[str], User]:
    def make(name: str) -> User:
        return User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.title())

    return make


@pytest.fixture
def owner(make_user: Callable[[str], User]) -> User:
    return make_user("owner")


@pytest.fixture
def editor(make_user: Callable[[str], User]) -> User:
    return make_user("editor")


@pytest.fixture
def viewer(make_user: Callable[[str], User]) -> User:
    return make_user("viewer")


@pytest.fixture
def stranger(make_user: Callable[[str], User]) -> User:
    return make_user("stranger")


@pytest.fixture
def library(owner: User, editor: User, viewer: User) -> Library:
    library = Library.objects.create(name="Library")
    members = ((owner, Role.OWNER), (editor, Role.EDITOR), (viewer, Role.VIEWER))
    # Not saved one by one: that would tell, and raise `access_version`
    Membership.objects.bulk_create(Membership(library=library, user=user, role=role.value) for user, role in members)
    return library


@pytest.fixture
def portal_view(library: Library) -> PortalView:
    return PortalView.objects.create(library=library, name="Evening", items=ITEMS)
