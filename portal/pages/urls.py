"""The addresses of the pages; none ends with a slash, as a screen's bookmark has the whole of it."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from portal.pages import (
    account,
    desk,
    doors,
    home,
    invitations,
    language,
    library,
    mailed,
    members,
    pictures,
    screens,
    sharing,
    watching,
)


class _Secret(StringConverter):
    """A token, as `libraries.digests` and Django make them."""

    regex = r"[\w-]{1,200}"


register_converter(_Secret, "secret")
app_name = "pages"

_LIBRARY = "libraries/<uuid:library_id>"
_VIEW = f"{_LIBRARY}/views/<uuid:portal_view_id>"
_PICTURE = f"{_LIBRARY}/pictures/<uuid:image_id>"
_MEMBER = f"{_LIBRARY}/members/<uuid:user_id>"

urlpatterns = [
    path("", home.Home.as_view(), name="home"),
    path("language", language.ChooseLanguage.as_view(), name="language"),
    path("sample", home.MakeSample.as_view(), name="sample"),
    path("libraries", home.MakeLibrary.as_view(), name="libraries"),
    path(_LIBRARY, library.Views.as_view(), name="library"),
    path(f"{_LIBRARY}/settings", library.ChangeSettings.as_view(), name="settings"),
    path(f"{_LIBRARY}/delete", library.DeleteLibrary.as_view(), name="library-delete"),
    path(f"{_LIBRARY}/views", library.MakeView.as_view(), name="views"),
    path(f"{_VIEW}/name", library.RenameView.as_view(), name="view-name"),
    path(f"{_VIEW}/delete", library.DeleteView.as_view(), name="view-delete"),
    path(f"{_VIEW}/desk", desk.Desk.as_view(), name="desk"),
    path(f"{_VIEW}/stage", watching.ByMember.as_view(), name="stage"),
    path(f"{_VIEW}/share", sharing.ShareView.as_view(), name="share"),
    path(f"{_VIEW}/share/watching", sharing.Watching.as_view(), name="share-watching"),
    path(f"{_VIEW}/share/<uuid:link_id>/code", sharing.NewCode.as_view(), name="share-code"),
    path(f"{_VIEW}/share/<uuid:link_id>/withdraw", sharing.Withdraw.as_view(), name="share-withdraw"),
    path(f"{_LIBRARY}/pictures", pictures.Pictures.as_view(), name="pictures"),
    path(f"{_PICTURE}/name", pictures.RenamePicture.as_view(), name="picture-name"),
    path(f"{_PICTURE}/delete", pictures.DeletePicture.as_view(), name="picture-delete"),
    path(f"{_LIBRARY}/members", members.Members.as_view(), name="members"),
    path(f"{_MEMBER}/role", members.ChangeRole.as_view(), name="member-role"),
    path(f"{_MEMBER}/remove", members.RemoveMember.as_view(), name="member-remove"),
    path(f"{_LIBRARY}/invitations", members.MakeInvitation.as_view(), name="invitations"),
    path(
        f"{_LIBRARY}/invitations/<uuid:invitation_id>/withdraw",
        members.WithdrawInvitation.as_view(),
        name="invitation-withdraw",
    ),
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
    path("account/language", account.ChangeLanguage.as_view(), name="account-language"),
    path("account/theme", account.ChangeTheme.as_view(), name="account-theme"),
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
