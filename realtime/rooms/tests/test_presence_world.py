"""Joins, leaves, cuts, lost news and deaths of processes, at random: in the end presence is who is connected.

The world has what is real of each process, and a store and a bus in their place. Its steps are those of
`realtime.hub.presences`, which has a test with a real Valkey.
"""

from __future__ import annotations

import random
from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from libraries.rules.roles import PortalRole
from realtime.rooms.elsewhere import Elsewhere, Entries, Written
from realtime.rooms.presence import GRACE_SECONDS, Delta, Here, Person, Told, merged
from realtime.tests.audience import as_sent, is_known, person
from testing.presence import Audience

STEPS = 1_000
DEAD_SECONDS = 15.0
PEOPLE, PROCESSES = 12, 3


class Store:
    """The hash of one portal view."""

    def __init__(self) -> None:
        self.version = 0
        self.entries: dict[str, dict[UUID, Person]] = {}

    def write(self, process: str, delta: Delta) -> int:
        people = self.entries.setdefault(process, {})
        people |= delta.came
        for one in delta.gone:
            people.pop(one, None)
        self.version += 1
        return self.version


class Process:
    """One process, with a controller's client who is told everything."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self.here, self.elsewhere, self.told, self.client = Here(), Elsewhere(name), Told(), Audience()
        self.connections: list[int] = []
        self.inbox: list[Written] = []
        self.answer: tuple[int, Entries, set[str]] | None = None
        self.client.take(as_sent(self.told.snapshot()))
        self.ask()
        self.read()

    def look(self) -> None:
        now = self.world.now
        at = int(now * 1000)
        connected = {UUID(int=one): person(one, since=at) for one in self.connections}
        delta = self.here.see(connected, merged({}, self.elsewhere.entries.values()), now)
        if delta:
            self.world.tell(Written(self.name, self.world.store.write(self.name, delta), delta))

    def hear(self) -> None:
        inbox, self.inbox = self.inbox, []
        for written in inbox:
            self.elsewhere.hear(written)

    def ask(self) -> None:
        """Ask the store; the answer is taken later, and news may come before it."""
        store = self.world.store
        self.elsewhere.ask()
        entries = {one: dict(found) for one, found in store.entries.items()}
        self.answer = store.version, entries, self.world.alive

    def read(self) -> None:
        if self.answer is not None:
            version, entries, alive = self.answer
            known = alive | self.elsewhere.entries.keys()
            self.elsewhere.load(version, {one: found for one, found in entries.items() if one in known})
            self.answer = None

    @property
    def is_settled(self) -> bool:
        """Whether its own writes have been counted, and no other before them was missed."""
        own = any(written.process == self.name for written in self.inbox)
        return not (own or self.elsewhere.has_gap or self.answer is not None)

    def show(self) -> None:
        if not self.is_settled:
            return
        if (message := self.told.tell(merged(self.here.people, self.elsewhere.entries.values()))) is not None:
            self.client.take(as_sent(message))
        assert is_known(self.client, as_sent(self.told.snapshot()))


class World:
    """Some processes with their connections. `dead` are names of processes, with the time of their death.

    `visits` counts how often each person came who was connected to no process.
    """

    def __init__(self, seed: int, lost: float = 0.1) -> None:
        self.rng = random.Random(seed)  # noqa: S311  # no secret
        self.now = 0.0
        self.store = Store()
        self.dead: dict[str, float] = {}
        self.lost = lost
        self.visits: Counter[str] = Counter()
        self.born = 0
        self.processes: list[Process] = []
        for _ in range(PROCESSES):
            self.start()

    def start(self) -> None:
        self.born += 1
        self.processes.append(Process(f"process-{self.born}", self))

    def tell(self, written: Written) -> None:
        """Send news; now and then some are overtaken, or lost."""
        for process in self.processes:
            if process.name == written.process or self.rng.random() >= self.lost:
                process.inbox.insert(self.rng.randint(0, len(process.inbox)), written)

    @property
    def connected(self) -> set[int]:
        return {one for process in self.processes for one in process.connections}

    @property
    def alive(self) -> set[str]:
        """The processes that have given a sign of life lately."""
        dying = {name for name, since in self.dead.items() if self.now - since < DEAD_SECONDS}
        return dying | {process.name for process in self.processes}

    # What may happen.

    def join(self) -> None:
        one = self.rng.randint(1, PEOPLE)
        if one not in self.connected:
            self.visits[str(UUID(int=one))] += 1
        self.rng.choice(self.processes).connections.append(one)

    def leave(self) -> None:
        process = self.rng.choice(self.processes)
        if process.connections:
            process.connections.remove(self.rng.choice(process.connections))

    def reload(self) -> None:
        process = self.rng.choice(self.processes)
        if process.connections:
            one = self.rng.choice(process.connections)
            process.connections.remove(one)
            self.rng.choice(self.processes).connections.append(one)

    def cut(self) -> None:
        self.rng.choice(self.processes).connections.clear()

    def die(self) -> None:
        process = self.rng.choice(self.processes)
        self.processes.remove(process)
        self.dead[process.name] = self.now
        self.start()
        for one in process.connections:
            if self.rng.random() < 0.7:  # reconnects
                self.rng.choice(self.processes).connections.append(one)

    def turn(self) -> None:
        """Compare one process with the store, as each does in its turn."""
        self.compare(self.rng.choice(self.processes))

    def compare(self, process: Process) -> None:
        process.read()
        dropped = [name for name in self.dead.keys() - self.alive if process.elsewhere.drop(name)]
        if self.rng.random() < 0.5:
            process.hear()
        if dropped or process.elsewhere.version != self.store.version or process.elsewhere.has_gap:
            process.ask()

    def wait(self, seconds: float = 0.0) -> None:
        self.now += seconds or self.rng.choice([0.25, 1.0, 5.0])
        for process in self.processes:
            for step in self.rng.sample((process.hear, process.read, process.look), 3):
                step()
                process.show()

    def settle(self) -> None:
        for _ in range(2):
            self.wait(GRACE_SECONDS + 1)
            self.wait(DEAD_SECONDS)
            for process in self.processes:
                self.compare(process)
        self.wait(1.0)


MOVES = ("join", "join", "join", "leave", "reload", "reload", "cut", "die", "turn", "turn", "wait", "wait", "wait")


@hypothesis_settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_presence_ends_as_who_is_connected(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        getattr(world, world.rng.choice(MOVES))()
    world.settle()
    connected = {str(UUID(int=one)) for one in world.connected}
    for process in world.processes:
        assert set(process.client.people) == connected
        assert process.client.counts == {"controllers": 0, "viewers": len(connected)}


@hypothesis_settings(max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5]))
def test_nobody_leaves_or_comes_more_often_than_they_did(seed: int, lost: float) -> None:
    world = World(seed, lost)
    for _ in range(STEPS):
        getattr(world, world.rng.choice(MOVES))()
        for process in world.processes:
            assert process.client.left <= world.visits
            assert process.client.joined <= world.visits


def test_a_death_is_one_leave_for_each() -> None:
    world = World(1)
    first, *others = world.processes
    first.connections = [1, 2, 2, 3]
    others[0].connections = [3, 4]
    world.wait(1.0)
    world.settle()
    world.processes.remove(first)
    world.dead[first.name] = world.now
    world.settle()
    for process in others:
        assert process.client.left == {str(UUID(int=1)): 1, str(UUID(int=2)): 1}
        assert sorted(process.client.joined.values()) == [1, 1, 1, 1]


def test_a_reload_in_another_process_is_no_event() -> None:
    world = World(2)
    first, second, third = world.processes
    first.connections = [1]
    world.wait(1.0)
    world.settle()
    for _ in range(5):
        first.connections, second.connections = second.connections, first.connections
        world.wait(0.25)
        for _ in range(12):
            world.wait(1.0)
    assert (third.client.left, third.client.joined) == ({}, {str(UUID(int=1)): 1})
    assert third.client.people[str(UUID(int=1))]["role"] == PortalRole.VIEWER
