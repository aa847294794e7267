"""The table of the cost fuzzer: it is complete, and each row can be called."""

from __future__ import annotations

import inspect
import pkgutil
import random
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

from fuzz import readers
from fuzz.clock import NotAccepted
from fuzz.cost import KINDS, REFUSALS
from fuzz.left_out import LEFT_OUT
from fuzz.readers import TargetGone
from fuzz.targets import TARGETS, WALKED, Target

PLANS = 40
LENGTH = 200
PURE = "Pure packages know no framework"
OF_NO_CLIENT = {
    "libraries.rules.errors": "says what is refused",
    "libraries.rules.roles": "has words of our own",
    "libraries.rules.revocations": "has words of our own",
    "libraries.rules.figures": "counts what we know",
    "libraries.rules.subjects": "holds ids",
    "libraries.rules.presets": "reads files of our own",
    **{
        f"libraries.imaging.{name}": "runs in a process with limits of its own, or follows it"
        for name in (
            *("animations", "colours", "confinement", "faults", "formats", "limits", "output", "pages", "process"),
            *("results", "stills", "system_calls", "worker"),
        )
    },
    **{
        f"realtime.metrics.{name}": "counts what we know"
        for name in ("exposition", "instruments", "listening", "names", "reports")
    },
    "realtime.protocol.closing": "is a table",
    "realtime.protocol.events": "says what we send",
    "realtime.limits.attempts": "counts by network and by id",
    "realtime.news.structs": "takes what other processes of ours publish",
    "realtime.limits.rates": "takes types, lengths and times",
    "realtime.limits.occupancy": "counts by id",
    "realtime.news.seal": "takes what comes over the bus",
}
"""Pure modules without client input."""


def public(module: str) -> Iterator[str]:
    """The dotted names of a module's public functions and of its classes' public methods."""
    for name, value in vars(import_module(module)).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module:
            continue
        if inspect.isfunction(value):
            yield f"{module}.{name}"
        elif inspect.isclass(value):
            methods = (key for key, one in vars(value).items() if inspect.isfunction(one) and not key.startswith("_"))
            yield from (f"{module}.{name}.{key}" for key in methods)


def covers(row: str, name: str) -> bool:
    return name == row or name.startswith(f"{row}.")


def modules_of(names: list[str]) -> Iterator[str]:
    """Each module of those packages, and each of the names that is a module itself."""
    for name in names:
        path = getattr(import_module(name), "__path__", None)
        if path is None:
            yield name
        else:
            yield from (f"{name}.{one.name}" for one in pkgutil.iter_modules(path) if not one.ispkg)


@pytest.mark.parametrize("module", WALKED)
def test_every_public_function_is_tried_or_left_out_for_a_reason(module: str) -> None:
    rows = [*(target.name for target in TARGETS), *LEFT_OUT]
    for name in public(module):
        assert any(covers(row, name) for row in rows), f"{name} is in neither TARGETS of fuzz/targets.py nor LEFT_OUT"


def test_left_out_functions_exist_and_are_not_tried() -> None:
    for name, reason in LEFT_OUT.items():
        assert readers.resolve(name) if name not in WALKED else import_module(name)
        assert reason
        assert name not in {target.name for target in TARGETS}


def test_every_pure_module_is_walked_or_has_no_client_input() -> None:
    tools = tomllib.loads(Path(settings.BASE_DIR, "pyproject.toml").read_text())["tool"]
    (pure,) = (contract for contract in tools["importlinter"]["contracts"] if contract["name"] == PURE)
    for module in modules_of(pure["source_modules"]):
        assert (module in WALKED) != (module in OF_NO_CLIENT), f"{module}: is it in WALKED of fuzz/targets.py?"


def test_an_outdated_name_is_reported() -> None:
    for name in ("libraries.rules.values.no_such_name", "libraries.no_such_module.name", "no_such_package.name"):
        with pytest.raises(TargetGone, match=f"^{name} is named in fuzz/targets.py"):
            readers.resolve(name)


def test_titles_are_unique_and_can_be_part_of_a_name() -> None:
    titles = [target.title for target in TARGETS]
    assert len(titles) == len(set(titles))
    assert not any(":" in title for title in titles)


@pytest.mark.django_db
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.title)
def test_a_target_gets_valid_inputs(target: Target) -> None:
    function = readers.resolve(target.name)
    assert target.limit() > LENGTH
    rng = random.Random(1)
    called = 0
    for number in range(PLANS):
        made = KINDS[target.kind](rng, function.__module__, number).build(LENGTH)
        try:
            given = target.read(made)
        except (NotAccepted, *REFUSALS):
            continue
        called += 1
        try:
            target.call(function, given)
        except REFUSALS:
            continue
    assert called
