"""The steps of a `World`: each is a kind and a seed, so that a list of steps can be repeated and made shorter."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from libraries.rules.disclosure import NOTHING, compiled
from libraries.rules.roles import PortalRole
from realtime.client.python.portal_client.fold import Message
from realtime.rooms.snapshots import Answer
from realtime.tests.world import CONTROLLER, VIEWER, Client, World
from testing.asking import any_message

DISCLOSURE = compiled({"always": ["notes"], "name": ["title"]})
Step = tuple[str, int]
Happens = Callable[[World, Client, Random], None]


def _say(world: World, client: Client, random: Random) -> None:
    if client.connection is None or client.folded.role != CONTROLLER:
        return
    state = client.folded.state if random.random() < 0.5 else world.table.state
    for _ in range(random.choice([1, 1, 2, 4])):
        client.say(_drag(random) if random.random() < 0.3 else any_message(random, state))
    if random.random() < 0.6:
        _arrive(world, client, random)


def _drag(random: Random) -> Message:
    """A message of many that are merged while they wait."""
    if random.random() < 0.5:
        return {"type": "item-update", "itemId": "a", "payload": {"hp": random.randint(0, 9), "visible": True}}
    return {"type": "portal-view-update", "payload": {"showHealth": random.random() < 0.5}}


def _arrive(world: World, client: Client, random: Random) -> None:
    for _ in range(random.randint(1, 4)):
        if client.connection is not None and client.uplink:
            client.arrive()


def _work(world: World, client: Client, random: Random) -> None:
    queue = random.choice(world.queues) if random.random() < 0.2 and world.queues else client.queue
    if random.random() < 0.03:
        world.outages = [random.choice(["before", "after"])]
    for _ in range(random.randint(1, 5)):
        queue.go_on()


def _news(world: World, client: Client, random: Random) -> None:
    process = random.choice(world.processes)
    for _ in range(random.randint(1, 3)):
        if process.inbox:
            place = 0 if random.random() < 0.7 else random.randrange(len(process.inbox))
            if random.random() < 0.05:
                process.inbox.pop(place)
            else:
                process.take(place, stays=random.random() < 0.1)


def _read(world: World, client: Client, random: Random) -> None:
    process = random.choice(world.processes)
    if random.random() < 0.3:
        process.beat()
    for _ in range(random.randint(1, 3)):
        process.read_on()


def _receive(world: World, client: Client, random: Random) -> None:
    client.receive(random.randint(1, 6))


def _stall(world: World, client: Client, random: Random) -> None:
    if client.connection is not None:
        client.stall()


def _drop(world: World, client: Client, random: Random) -> None:
    if client.connection is not None:
        if random.random() < 0.5:
            client.queue.waiting.clear()
        client.drop(random.randint(0, 5))
        if random.random() < 0.7:
            _join(world, client, random)


def _join(world: World, client: Client, random: Random) -> None:
    if client.connection is None:
        client.join(random.choice(world.processes))


def _again(world: World, client: Client, random: Random) -> None:
    if client.connection is not None:
        client.say_again()
        _arrive(world, client, random)


def _role(world: World, client: Client, random: Random) -> None:
    world.swap_role(client.subject)


def _hear(world: World, client: Client, random: Random) -> None:
    process = random.choice(world.processes)
    if process.roles:
        process.hear_of_role()


def _elsewhere(world: World, client: Client, random: Random) -> None:
    """A write over REST, whose news come later, or another disclosure of the library."""
    if random.random() < 0.2:
        world.table.disclosure = DISCLOSURE if world.table.disclosure is NOTHING else NOTHING
        world.table.put({}, viewers_changed=True)
        world.note()
    else:
        world.write(any_message(random, world.table.state))


def _ask(world: World, client: Client, random: Random) -> None:
    for process in world.processes:
        is_here = client.connection is not None and client.connection.id in process.room.people.connections
        if is_here and client.connection is not None and client.connection.role is VIEWER:
            process.serve(Answer(client.connection))


KINDS: dict[str, tuple[int, Happens]] = {
    "say": (8, _say),
    "arrive": (4, _arrive),
    "work": (8, _work),
    "news": (8, _news),
    "read": (3, _read),
    "receive": (6, _receive),
    "stall": (2, _stall),
    "drop": (2, _drop),
    "join": (1, _join),
    "again": (2, _again),
    "role": (1, _role),
    "hear": (2, _hear),
    "elsewhere": (1, _elsewhere),
    "ask": (1, _ask),
    "quiet": (1, lambda world, client, random: calm(world)),
}


def happen(world: World, step: Step) -> None:
    """Let one step happen, to one of the clients."""
    kind, seed = step
    random = Random(seed)  # noqa: S311  # to be repeated
    KINDS[kind][1](world, random.choice(world.clients), random)


def calm(world: World) -> None:
    """Let everything come to its end; AssertionError unless everybody has the stored state as their role sees it."""
    for client in world.clients:
        if client.connection is None:
            client.join(world.processes[0])
    for _ in range(100):
        if not _go_on(world):
            break
    else:
        raise AssertionError("It does not come to rest.")
    for client in world.clients:
        role = world.role_of(client.subject)
        state = world.table.state
        client.has_echo = False
        assert (client.folded.role, client.again) == (role, [])
        assert client.folded.version == state["version" if role is PortalRole.CONTROLLER else "viewersVersion"], role
        world.check_history(client)
        assert not client.folded.is_amid


def _go_on(world: World) -> bool:
    """Let everybody go on; returns whether anybody had anything to do."""
    found = False
    for process in world.processes:
        while process.inbox:
            found = True
            process.take(0)
        while process.roles:
            found = True
            process.hear_of_role()
        process.beat()
        while process.read_on():
            found = True
    for client in world.clients:
        if client.connection is not None and client.connection.outlet.stalled_since is not None:
            found = True
            client.stall()
        client.say_again()
        while client.uplink:
            found = True
            client.arrive()
        found |= client.receive(1000)
    for queue in world.queues:
        while queue.go_on():
            found = True
    return found


def new_world() -> World:
    """Two controllers, one of them with two devices, and two viewers."""
    world = World([CONTROLLER, CONTROLLER, VIEWER, VIEWER], [0, 0, 1, 2, 3])
    for number, client in enumerate(world.clients):
        client.join(world.processes[number % 2])
    calm(world)
    return world
