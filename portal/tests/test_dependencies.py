"""Every import is declared, and the lock has a version of each dependency that the declaration allows."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Path = settings.BASE_DIR
OURS = {"bench", "chaos", "conftest", "fuzz", "libraries", "manage", "portal", "realtime", "testing"}
FOR_USERS = ("libraries", "portal", "realtime")
OPTIONAL = {
    ROOT / "libraries" / "image_files" / "bucket.py",  # what `requirements-s3.txt` names
    ROOT / "realtime" / "client" / "python" / "portal_client" / "codec.py",  # an extra of the client's own package
}
"""The only modules that may import what not every site installs."""
_LOCKED = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+)")


def declared(file: str) -> dict[str, Requirement]:
    """The requirements in a file, by name, including those of the files that it includes."""
    found: dict[str, Requirement] = {}
    for line in (ROOT / file).read_text().splitlines():
        words = line.split("#")[0].strip()
        if words.startswith("-r "):
            found |= declared(str(Path(file).parent / words[3:]))
        elif words:
            requirement = Requirement(words)
            found[canonicalize_name(requirement.name)] = requirement
    return found


def locked() -> dict[str, str]:
    """The versions in the lock."""
    lines = (_LOCKED.fullmatch(line) for line in (ROOT / "requirements.lock").read_text().splitlines())
    return {canonicalize_name(line["name"]): line["version"] for line in lines if line}


def imported(folders: tuple[str, ...], *, tests: bool) -> Iterator[str]:
    """The top-level names of the foreign modules that our modules import; those of tests only if asked for."""
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        if tests or not ({"tests"} & set(path.parts) or path.name == "conftest.py" or path in OPTIONAL):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    yield from (alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module.split(".")[0]


@pytest.mark.parametrize(
    ("folders", "tests", "file"),
    [
        (FOR_USERS, False, "requirements.txt"),
        ((*FOR_USERS, "testing", "chaos", "fuzz"), True, "requirements-dev.txt"),
        (("bench",), True, "bench/requirements.txt"),
    ],
)
def test_every_import_is_declared(folders: tuple[str, ...], tests: bool, file: str) -> None:
    known = dict(packages_distributions()) | {"picows": ["picows"], "matplotlib": ["matplotlib"]}
    names = declared(file) | (declared("requirements-dev.txt") if folders == ("bench",) else {})
    missing = {
        name
        for name in imported(folders, tests=tests)
        if name not in OURS
        and name not in sys.stdlib_module_names
        and not any(canonicalize_name(one) in names for one in known.get(name, []))
    }
    assert missing == set()


def test_the_lock_has_an_allowed_version_of_each_dependency() -> None:
    versions = locked()
    for name, requirement in declared("requirements-dev.txt").items():
        if requirement.marker is None or requirement.marker.evaluate():
            assert name in versions, f"{name} is not in requirements.lock: make lock"
            assert versions[name] in requirement.specifier, f"{name} {versions[name]} is not {requirement.specifier}"


def test_every_declaration_has_a_bound() -> None:
    for file in ("requirements.txt", "requirements-s3.txt", "requirements-dev.txt", "bench/requirements.txt"):
        for name, requirement in declared(file).items():
            assert any(one.operator in {"<", "=="} for one in requirement.specifier), f"{name} has no upper bound"
