"""Who is in a library: members with their roles, and invitations. Owners change them; everybody can leave."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from libraries.digests import digest_of
from libraries.links import Page as Link
from libraries.links import link_to
from libraries.models import Membership
from libraries.rules.errors import NotFound
from libraries.selectors import memberships_of
from libraries.services.invitations import create_invitation, invitations_of, open_ones, withdraw_invitation
from libraries.services.members import change_role, remove_member
from portal.pages.base import PlainPage, page_of
from portal.pages.carried import carried, carry
from portal.pages.library import Confirm, InLibrary, OneForm
from portal.pages.library_forms import ROLES, Invite, OfRole

_COOKIE = "invited"


class _Members(InLibrary):
    """The page."""

    template_name: str | None = "pages/members.html"
    tab = "members"

    def listed(self) -> dict[str, Any]:
        """The members, whose addresses only owners see; for owners the invitations, too."""
        found: dict[str, Any] = {"page": page_of(self.request, memberships_of(self.library.id)), "roles": ROLES}
        if not self.is_owner:
            return found
        invitations = list(open_ones(invitations_of(actor_id=self.user.id, library_id=self.library.id)))
        token = carried(self.request, _COOKIE)
        invited = next((one for one in invitations if one.digest == digest_of(token)), None)
        shown = invited and {"role": invited.role, "link": link_to(self.request, Link.INVITATION, token)}
        return {**found, "invitations": invitations, "invited": shown, "invite_form": Invite()}


class Members(_Members, PlainPage):
    """`/libraries/<libraryId>/members`."""


class ChangeRole(_Members, OneForm):
    """`/libraries/<libraryId>/members/<userId>/role`."""

    form_class = OfRole

    def act(self, form: OfRole) -> HttpResponse:
        """Give the member the role."""
        change_role(
            actor_id=self.user.id,
            library_id=self.library.id,
            user_id=self.kwargs["user_id"],
            role=form.cleaned_data["role"],
        )
        return self.done(_("The role is changed."), "pages:members")


class RemoveMember(Confirm):
    """`/libraries/<libraryId>/members/<userId>/remove`; one's own is to leave."""

    @property
    def is_own(self) -> bool:
        """Whether the person asks about themselves."""
        return bool(self.kwargs["user_id"] == self.user.id)

    def asked(self) -> dict[str, Any]:
        """Who loses the access."""
        member = self._member(self.kwargs["user_id"])
        names = {"name": member.user.get_full_name(), "library": self.library.name}
        question = _("Leave “%(library)s”?") if self.is_own else _("Remove %(name)s?")
        return {
            "question": question % names,
            "lost": [],
            "consequence": _("What is open there ends at once. Pictures and portal views stay in the library."),
            "act": _("Leave the library") if self.is_own else _("Remove the member"),
            "back": reverse("pages:members", args=[self.library.id]),
        }

    def _member(self, user_id: UUID) -> Membership:
        if not self.is_own:
            self.require_owner()
        found = memberships_of(self.library.id).filter(user_id=user_id).first()
        if found is None:
            raise NotFound("This person is not a member of the library.")
        return found

    def act(self, form: Form) -> HttpResponse:
        """End the membership."""
        library = self.library
        remove_member(actor_id=self.user.id, library_id=library.id, user_id=self.kwargs["user_id"])
        if not self.is_own:
            return self.done(_("The member is removed."), "pages:members")
        messages.success(self.request, _("You have left “%(library)s”.") % {"library": library.name})
        return redirect("pages:home")


class MakeInvitation(_Members, OneForm):
    """`/libraries/<libraryId>/invitations`."""

    form_class = Invite
    what = "invite"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """The whole page, and the form as it was filled in."""
        return {**super().get_context_data(**given), "invite_form": given["form"]}

    def act(self, form: Invite) -> HttpResponse:
        """Make it; its link is shown once."""
        _invitation, link = create_invitation(
            inviter_id=self.user.id,
            library_id=self.library.id,
            **form.cleaned_data,
            link_of=lambda token: link_to(self.request, Link.INVITATION, token),
        )
        answer = self.done(_("The invitation is made: give its link to one person."), "pages:members")
        return carry(answer, _COOKIE, link.rpartition("/")[2])


class WithdrawInvitation(Confirm):
    """`/libraries/<libraryId>/invitations/<invitationId>/withdraw`."""

    def asked(self) -> dict[str, Any]:
        """Whom it was for."""
        rows = invitations_of(actor_id=self.user.id, library_id=self.library.id)
        found = open_ones(rows).filter(id=self.kwargs["invitation_id"]).first()
        if found is None:
            raise NotFound("There is no such invitation; perhaps it was withdrawn already.")
        return {
            "question": _("Withdraw the invitation?"),
            "lost": [found.email] if found.email else [],
            "consequence": _("Its link lets nobody in any more."),
            "act": _("Withdraw the invitation"),
            "back": reverse("pages:members", args=[self.library.id]),
        }

    def act(self, form: Form) -> HttpResponse:
        """Delete it."""
        withdraw_invitation(
            actor_id=self.user.id, library_id=self.library.id, invitation_id=self.kwargs["invitation_id"]
        )
        return self.done(_("The invitation is withdrawn."), "pages:members")
