"""The addresses of the pages; none ends with a slash, as a screen's bookmark has the whole of it."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from portal.pages import account, doors, invitations, mailed, screens, watching


class _Secret(StringConverter):
    """A token, as `libraries.digests` and Django make them."""

    regex = r"[\w-]{1,200}"


register_converter(_Secret, "secret")
app_name = "pages"

urlpatterns = [
    path("", doors.home, name="home"),
    path("login", doors.LogIn.as_view(), name="login"),
    path("logout", doors.LogOut.as_view(), name="logout"),
    path("register", doors.Register.as_view(), name="register"),
    path("verify", mailed.Verify.as_view(), name="verify"),
    path("verify/<secret:token>", mailed.TakeVerification.as_view()),
    path("reset", mailed.Reset.as_view(), name="reset"),
    path("reset/<secret:token>", mailed.TakeReset.as_view()),
    path("new-password", mailed.NewPassword.as_view(), name="new-password"),
    path("invitation", invitations.Invitation.as_view(), name="invitation"),
    path("invitation/<secret:token>", invitations.TakeInvitation.as_view()),
    path("account", account.Account.as_view(), name="account"),
    path("account/name", account.Rename.as_view(), name="account-name"),
    path("account/password", account.ChangePassword.as_view(), name="account-password"),
    path("account/log-out-everywhere", account.LogOutEverywhere.as_view(), name="account-log-out-everywhere"),
    path("account/verify", account.VerifyAgain.as_view(), name="account-verify"),
    path("account/invitations/<uuid:invitation_id>", account.AcceptInvitation.as_view(), name="account-invitation"),
    path("account/delete", account.Leave.as_view(), name="account-delete"),
    path("join", screens.Join.as_view(), name="join"),
    path("tv", screens.Television.as_view(), name="tv"),
    path("tv/qr.svg", screens.qr, name="qr"),
    path("add-screen", screens.AddScreen.as_view(), name="add-screen"),
    path("view/<secret:token>", watching.ByLink.as_view(), name="view"),
    path("view/guest/<uuid:portal_view_id>", watching.ByCode.as_view(), name="view-guest"),
]
