"""The one way to write to a portal view's state: changes, applied one after the other, are stored as one version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from django.db import transaction

from libraries import events
from libraries.events import PortalViewChanged, Tell, tell_on_commit
from libraries.models import PortalView
from libraries.outages import tried_again
from libraries.receipts import ReceiptKey, Receipts
from libraries.rules.changes import Change
from libraries.rules.commands import project_command
from libraries.rules.draft import Answer, Draft
from libraries.rules.edits import Seen, seen_by_controllers, seen_by_viewers
from libraries.rules.errors import VersionConflict
from libraries.rules.state import State, check_size
from libraries.rules.warnings import MAX_WARNINGS, warnings_of
from libraries.services.storing import lock_portal_view, put_state, store


@dataclass(frozen=True, slots=True)
class Message:
    """The changes of one message of a client, applied together; several are a batch if the client said so."""

    changes: Sequence[Change]
    is_batch: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The portal view after the messages, and for each of them its answer and its warnings.

    `is_stored` is false if there was nothing to store: the version is then that of an earlier change.
    """

    portal_view: PortalView
    answers: Sequence[Answer] = ()
    warnings: Sequence[Sequence[str]] = field(default=())
    is_stored: bool = True


@tried_again
def change_portal_view(
    *,
    actor_id: UUID | None,
    portal_view_id: UUID,
    messages: Sequence[Message],
    if_version: int | None = None,
    check: Callable[[State], None] | None = None,
    sender: str | None = None,
    receipts: Collection[ReceiptKey] = (),
    tell: Tell = events.tell,
) -> Written:
    """The portal view after all of the messages, stored as one version; none of them is stored if one is refused.

    Unknown keys of a patch are relayed with it, or alone, and not stored. With `if_version`, VersionConflict unless
    that is the stored version; `check` is called with the stored state, and may refuse. `receipts` are kept for the
    messages. AlreadyApplied, and no change, if there is a receipt for a message first sent by another connection than
    `sender`.
    """
    with transaction.atomic():
        portal_view = lock_portal_view(actor_id, portal_view_id)
        _check_version(portal_view, if_version)
        draft = Draft(portal_view.content(), portal_view.item_key)
        if check is not None:
            check(draft.before)
        answers = [draft.apply(message.changes, is_batch=message.is_batch) for message in messages]
        controllers, viewers = seen_by_controllers(draft), seen_by_viewers(draft, portal_view.rules)
        after = draft.state
        kept = Receipts(actor_id, portal_view_id, receipts, sender)
        if draft.is_written:
            columns = put_state(portal_view, draft.before, after)
            item_ids = [item_id for answer in answers for item_id in answer.item_ids]
            after = store(portal_view, after, columns, kept, viewers_changed=bool(viewers), item_ids=item_ids)
        elif receipts and not draft.relayed:  # a retry must not be done later, when there would be something to do
            kept.keep_of_nothing(portal_view)
        if draft.is_written or draft.relayed:
            tell_on_commit(tell, _event(portal_view, draft, after, controllers, viewers, sender))
    warnings = [warnings_of_message(message, after, portal_view) for message in messages]
    return Written(portal_view, answers, warnings, draft.is_written)


def _check_version(portal_view: PortalView, if_version: int | None) -> None:
    if if_version is not None and if_version != portal_view.version:
        raise VersionConflict(f"The portal view has changed: its version is {portal_view.version} now. Read it again.")


def _event(
    portal_view: PortalView, draft: Draft, after: State, controllers: Seen, viewers: Seen, sender: str | None
) -> PortalViewChanged:
    """The event of a draft, with what is relayed beside what is stored."""
    shown = project_command(draft.relayed, after, portal_view.rules)
    return PortalViewChanged(
        portal_view_id=portal_view.id,
        version=portal_view.version,
        viewers_version=portal_view.viewers_version,
        controllers=Seen({**controllers.patch, **draft.relayed}, controllers.edits),
        viewers=Seen({**viewers.patch, **shown}, viewers.edits),
        is_stored=draft.is_written,
        viewers_changed=bool(viewers),
        sender=sender,
    )


def preview_changes(portal_view: PortalView, changes: Sequence[Change]) -> State:
    """The state that the portal view would have after a batch; nothing is stored. InvalidPayload as if it were."""
    draft = Draft(portal_view.state(), portal_view.item_key)
    draft.apply(changes, is_batch=True)
    check_size(draft.state)
    return draft.state


def warnings_of_message(message: Message, after: State, portal_view: PortalView) -> list[str]:
    """The warnings about a message, after which the state of the portal view is `after`."""
    found: Iterable[str] = (
        f"changes[{place}].{warning}" if message.is_batch else warning
        for place, change in enumerate(message.changes)
        for warning in warnings_of(change, after, portal_view.rules)
    )
    return list(islice(found, MAX_WARNINGS))
