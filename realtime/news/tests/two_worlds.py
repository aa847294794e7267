"""Two portal views that viewers cannot tell apart: what they see is the same, and everything unseen differs.

A step says what happens to public items, which can be hidden for a while. Secret items are never seen: how many there
are, where they stand, what they hold, who of them is in the order of an encounter and when they have the turn, is up to
each world. So each world finds its own messages for a step.

Three things tell viewers that an unseen item has the turn, and no step does them: to remove the item that seems to have
the turn meanwhile, to go back before the first seen item of the first round, and to go back across the start of a round
in several messages to an item that is then revealed.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from random import Random
from typing import Any

from libraries.events import Event
from libraries.rules.disclosure import Disclosure
from realtime.news.compose import news_of
from realtime.news.structs import MessageNews
from testing.asking import CONTENT, a_camera, any_fields, content
from testing.table import Table, checked, new_state

Message = dict[str, Any]
_CONTENT_OF_SECRETS = {key for key in CONTENT if key not in {"visible", "Hidden", "revealOnTurn"}}


def is_public(item_id: str | None) -> bool:
    """Whether it is the id of an item that both worlds have."""
    return item_id is not None and item_id.startswith("p")


def some_of(random: Random, values: list[str]) -> list[str]:
    """Some of the values, in any order."""
    return random.sample(values, random.randint(0, len(values)))


class World:
    """One of the two. `sent` are the messages for viewers, as text; `secret` decides all that they do not see."""

    def __init__(self, disclosure: Disclosure, seed: int) -> None:
        self.table = Table(new_state(), disclosure)
        self.sent: list[str] = []
        self.secret = Random(seed)  # noqa: S311  # to be repeated
        self._batch: list[Message] | None = None
        self._secrets = self._publics = 0

    def send(self, kind: str, **body: Any) -> None:
        """Send a message to the table, or add it to the batch; viewers' texts are kept."""
        message = {"type": kind, **body}
        events: list[Event] = []
        self.table.change(messages=[checked(message)], tell=events.append)
        if self._batch is not None:
            self._batch.append(message)
            return
        for news in (news for event in events for news in news_of(event)):
            if isinstance(news, MessageNews) and news.viewers is not None:
                self.sent.append(news.viewers)

    def batch(self, steps: Callable[[], None]) -> None:
        """Send what the steps send as one batch."""
        table, self.table, self._batch = self.table, copy(self.table), []
        steps()
        changes, self.table, self._batch = self._batch, table, None
        if changes:
            self.send("batch", changes=changes)

    # What there is.

    @property
    def state(self) -> dict[str, Any]:
        """The stored state."""
        return self.table.state

    @property
    def public(self) -> list[str]:
        """The ids of the public items, in their order."""
        return [item["id"] for item in self.state["items"] if is_public(item["id"])]

    @property
    def secrets(self) -> list[str]:
        """The ids of the secret items that can go: not the current one, and not the one with the turn."""
        kept = {self.state["currentItemId"], (self.state["encounter"] or {}).get("turn")}
        return [item["id"] for item in self.state["items"] if not is_public(item["id"]) and item["id"] not in kept]

    @property
    def order(self) -> list[str]:
        """The ids in the order of the encounter."""
        return [entry["itemId"] for entry in (self.state["encounter"] or {"order": []})["order"]]

    @property
    def turn(self) -> str | None:
        """The item that has the turn."""
        turn: str | None = (self.state["encounter"] or {"turn": None})["turn"]
        return turn

    @property
    def public_turn(self) -> str | None:
        """The public item that has the turn, or had it before the secret ones that have it now."""
        if self.turn is None or is_public(self.turn):
            return self.turn
        before = self._public_before()
        if not before and self.state["encounter"]["round"] > 1:
            before = [one for one in self.order if is_public(one)]
        return before[-1] if before else None

    def _public_before(self) -> list[str]:
        return [one for one in self.order[: self.order.index(self.turn or "")] if is_public(one)]

    def raw_place(self, ids: list[str], place: int) -> int:
        """An index among the given ids that is the place among the public ones; which one, is secret."""
        ends = [index for index, item_id in enumerate(ids) if is_public(item_id)]
        least = ends[place - 1] + 1 if place else 0
        return self.secret.randint(least, ends[place] if place < len(ends) else len(ids))

    def new_secret(self) -> Message:
        """A secret item."""
        self._secrets += 1
        return {"id": f"s{self._secrets}", **content(self.secret, _CONTENT_OF_SECRETS), "visible": False}

    def new_public(self, public: Random) -> Message:
        """An item of both worlds."""
        self._publics += 1
        return {"id": f"p{self._publics}", **content(public)}

    def mixed(self, public: list[Any], secrets: list[Any]) -> list[Any]:
        """The public ones in their order, with the secret ones anywhere."""
        mixed = list(public)
        for one in secrets:
            mixed.insert(self.secret.randint(0, len(mixed)), one)
        return mixed

    # What happens unseen.

    def make_noise(self) -> None:
        """Do something that viewers must not notice, or nothing."""
        noises = (self._add, self._change, self._remove, self._move, self._nudge, self._step, self._reorder)
        self.secret.choice((*noises, lambda: None))()

    def _add(self) -> None:
        self.send("item-add", payload=self.new_secret(), index=self.secret.randint(0, len(self.state["items"])))

    def _change(self) -> None:
        if self.secrets:
            some = content(self.secret, _CONTENT_OF_SECRETS)
            self.send("item-update", itemId=self.secret.choice(self.secrets), payload=some)

    def _remove(self) -> None:
        if self.secrets:
            self.send("item-remove", itemId=self.secret.choice(self.secrets))

    def _move(self) -> None:
        if self.secrets:
            index = self.secret.randrange(len(self.state["items"]))
            self.send("item-move", itemId=self.secret.choice(self.secrets), index=index)

    def _nudge(self) -> None:
        """Move a public item past secret ones."""
        if self.public:
            item_id = self.secret.choice(self.public)
            ids = [item["id"] for item in self.state["items"] if item["id"] != item_id]
            self.send("item-move", itemId=item_id, index=self.raw_place(ids, self.public.index(item_id)))

    def _step(self) -> None:
        """Give the turn to a secret item, or to the secret one before."""
        if not self.order:
            return
        place = -1 if self.turn is None else self.order.index(self.turn)
        behind, is_last = self.order[(place + 1) % len(self.order)], place + 1 == len(self.order)
        if not is_public(behind) and not (is_last and self.public_turn is None):
            self.send("encounter-next")
        elif self.turn is not None and not is_public(self.turn) and place:
            self.send("encounter-previous")

    def _reorder(self) -> None:
        """Let other secret items take part."""
        encounter = self.state["encounter"]
        if encounter is None or not is_public(self.turn):
            return
        public = [entry for entry in encounter["order"] if is_public(entry["itemId"])]
        some = [{"itemId": one, "initiative": self.secret.randint(1, 20)} for one in some_of(self.secret, self.secrets)]
        self.send("portal-view-update", payload={"encounter": {**encounter, "order": self.mixed(public, some)}})

    # What both worlds do, each in its way; `public` decides what viewers may see of it.

    def update(self, public: Random) -> None:
        """Change a public item."""
        if self.public:
            item_id, patch = public.choice(self.public), content(public)
            if item_id == self.public_turn:
                patch.pop("revealOnTurn", None)
            self.send("item-update", itemId=item_id, payload=patch)

    def add(self, public: Random) -> None:
        """Add a public item."""
        item = self.new_public(public)
        ids = [item["id"] for item in self.state["items"]]
        self.send("item-add", payload=item, index=self.raw_place(ids, public.randint(0, len(self.public))))

    def remove(self, public: Random) -> None:
        """Remove a public item; if it has the turn, the next public one has it first."""
        if not self.public:
            return
        item_id = public.choice(self.public)

        def in_one() -> None:
            if item_id == self.public_turn:
                self._go(1)
            self.send("item-remove", itemId=item_id)

        in_one() if self._batch is not None else self.batch(in_one)

    def move(self, public: Random) -> None:
        """Move a public item."""
        if self.public:
            item_id, place = public.choice(self.public), public.randrange(len(self.public))
            ids = [item["id"] for item in self.state["items"] if item["id"] != item_id]
            self.send("item-move", itemId=item_id, index=self.raw_place(ids, place))

    def replace(self, public: Random) -> None:
        """Replace all items: some stay, in another order, and others come."""
        kept = [one for one in self.public if public.random() < 0.7 or one == self.public_turn]
        public.shuffle(kept)
        items = {item["id"]: item for item in self.state["items"]}
        new = [self.new_public(public) for _ in range(public.randint(0, 2))]
        stay = [item for key, item in items.items() if not is_public(key) and key not in self.secrets]
        stay += [self.new_secret() for _ in range(self.secret.randint(0, 2))]
        self.send("portal-view-update", payload={"items": self.mixed([items[one] for one in kept] + new, stay)})

    def patch(self, public: Random) -> None:
        """Change a switch, the camera or the name."""
        self.send("portal-view-update", payload=any_fields(public, self.state))

    def command(self, public: Random) -> None:
        """Send a command, unless it is in a batch."""
        if self._batch is None:
            self.send("portal-view-update", payload={"zoom": public.randint(1, 9)})

    def choose(self, public: Random) -> None:
        """Make a public item the current one, or a secret one or none."""
        item_id = public.choice([None, *self.public])
        camera = {"camera": a_camera(public, self.state)}
        if item_id is None:
            item_id = self.secret.choice([None, *self.secrets])
            camera = self.secret.choice([{}, {"camera": a_camera(self.secret, self.state)}])
        elif is_public(self.state["currentItemId"]) and public.random() < 0.6:
            camera = {}
        index = None if item_id is None else [item["id"] for item in self.state["items"]].index(item_id)
        by_index, by_id = {"currentItem": index}, {"currentItemId": item_id}
        self.send("portal-view-update", payload={**self.secret.choice([by_index, by_id, by_index | by_id]), **camera})

    def begin(self, public: Random) -> None:
        """Begin an encounter, or another one."""
        ids = some_of(public, self.public)
        order = [{"itemId": one, **public.choice([{}, {"initiative": public.randint(1, 20)}])} for one in ids]
        turn, number = public.choice([None, *ids, *ids]), public.randint(1, 3)
        mixed = self.mixed(order, [{"itemId": one, "initiative": 9} for one in some_of(self.secret, self.secrets)])
        if turn is not None and not self._waits(turn):
            entries = [entry["itemId"] for entry in mixed]
            behind = entries[entries.index(turn) + 1 :]
            if behind and not is_public(behind[0]) and self.secret.random() < 0.5:
                turn = behind[0]
        self.send("portal-view-update", payload={"encounter": {"round": number, "turn": turn, "order": mixed}})

    def end(self, public: Random) -> None:
        """End the encounter."""
        self.send("portal-view-update", payload={"encounter": None})

    def go_on(self, _public: Random) -> None:
        """Give the turn to the next public item."""
        self._go(1)

    def go_back(self, public: Random) -> None:
        """Give the turn to the public item before."""
        turn, ids = self.public_turn, [one for one in self.order if is_public(one)]
        if turn is None or (ids[0] == turn and self._public_round() <= 1):
            return
        while self.turn != turn:
            self.send("encounter-previous")
        is_one = self._batch is None and self._waits(ids[ids.index(turn) - 1])
        self.batch(lambda: self._go(-1)) if is_one else self._go(-1)

    def _waits(self, item_id: str | None) -> bool:
        """Whether the item is revealed when it has the turn."""
        return any(item["id"] == item_id and item.get("revealOnTurn") for item in self.state["items"])

    def _public_round(self) -> int:
        number = int(self.state["encounter"]["round"])
        return number if is_public(self.turn) or self._public_before() else number - 1

    def _go(self, step: int) -> None:
        """Go on until a public item has the turn; viewers see one step."""
        if any(is_public(one) for one in self.order):
            kind = "encounter-next" if step > 0 else "encounter-previous"
            self.send(kind)
            while not is_public(self.turn):
                self.send(kind)
