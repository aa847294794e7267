"""People who log in."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from asgiref.sync import sync_to_async
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from libraries.access import revoke
from libraries.credentials import Session
from libraries.rules.emails import NOT_PLAIN, canonical, is_plain
from libraries.rules.revocations import Reason
from libraries.validators import validate_name

_WATCHED = ("email", "email_verified_at", "is_active", "password")
"""The fields whose change means more than another value."""


class UserManager(BaseUserManager["User"]):
    """Makes and finds users; an e-mail address has one spelling (`libraries.rules.emails`)."""

    def new_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A user that is not stored yet, with the password hashed: no transaction should wait for that.

        ValueError without an e-mail address; ValidationError for an address that is not plain.
        """
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user: User = self.model(email=canonical(email), **extra)
        if not is_plain(user.email):
            raise ValidationError({"email": NOT_PLAIN})
        user.set_password(password)
        return user

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A new stored user, made by `new_user`."""
        user = self.new_user(email, password, **extra)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A new user with all rights in the admin, whose address counts as verified."""
        rights = {"is_staff": True, "is_superuser": True, "email_verified_at": timezone.now()}
        return self.create_user(email, password, **{**rights, **extra})

    def get_by_natural_key(self, username: str | None) -> User:
        """The user with that e-mail address; the case does not matter."""
        return self.get(email=canonical(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who logs in with an e-mail address.

    `auth_version` is in every credential of the person, and ends those with a lower one. It rises when a changed
    password or deactivation is saved, and by `end_sessions`; nothing else may write it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=100, blank=True, validators=[validate_name])
    is_active = models.BooleanField("active", default=True, help_text="Off: may not log in, and is cut off at once.")
    is_staff = models.BooleanField("staff", default=False, help_text="May open this admin.")
    date_joined = models.DateTimeField(auto_now_add=True)
    auth_version = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    email_verified_at = models.DateTimeField(
        "address verified", null=True, editable=False, help_text="When the person proved to read mail at this address."
    )

    language = models.CharField(
        max_length=5, blank=True, default="", db_default="", help_text="Of the pages; empty: the browser's."
    )
    theme = models.CharField(
        max_length=5,
        blank=True,
        default="",
        db_default="",
        help_text="Of the pages: light or dark; empty: the system's.",
    )

    _stored: dict[str, Any] | None = None

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),)

    def __str__(self) -> str:
        return self.email

    @classmethod
    def from_db(cls, *args: Any, **options: Any) -> Self:
        """Called by Django: the object of a row."""
        row = super().from_db(*args, **options)
        row._note_stored()
        return row

    def refresh_from_db(self, *args: Any, **options: Any) -> None:
        """Read the row, or some fields of it, again; what others have changed is no change of this object."""
        given = options.get("fields") or (args[1] if len(args) > 1 else None)
        super().refresh_from_db(*args, **options)
        self._note_stored(_WATCHED if given is None else given)

    def _note_stored(self, names: Iterable[str] = _WATCHED) -> None:
        values = {name: self.__dict__[name] for name in names if name in _WATCHED and name in self.__dict__}
        self._stored = {**(self._stored or {}), **values}

    def save(self, *args: Any, **options: Any) -> None:
        """Save it. A changed password and deactivation end all sessions; a changed address is not verified any more.

        Without `update_fields` a password, an address and the like are written only if this object changed them: it may
        have been read before somebody else did.
        """
        if self._state.adding or options.get("force_insert"):
            super().save(*args, **options)
            self._note_stored()
            return
        given = options.pop("update_fields", None)
        fields = {field.name for field in self._meta.concrete_fields if field.attname in self.__dict__}
        fields = set(given) if given is not None else fields - {"id"}
        before = self._stored or {}
        changed = {name for name in fields & before.keys() if before[name] != getattr(self, name)}
        if given is None:
            fields -= before.keys() - changed
        if "email" in changed and "email_verified_at" not in changed:
            self.email_verified_at = None
            fields.add("email_verified_at")
        with transaction.atomic():
            # An object that was read earlier must not lower what has risen since.
            super().save(*args, **options, update_fields=fields - {"auth_version"})
            if "is_active" in changed and not self.is_active:
                self.end_sessions(Reason.USER_UNAVAILABLE)
            elif "password" in changed:
                self.end_sessions()
        self._note_stored()

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Delete the person, and end all of their sessions."""
        with transaction.atomic():
            stored = User.objects.select_for_update().filter(pk=self.pk).values_list("auth_version", flat=True).first()
            user_id, version = self.id, max(stored or 0, self.auth_version) + 1
            deleted = super().delete(*args, **options)
            revoke(user_id, Reason.USER_UNAVAILABLE, auth_version=version)
        return deleted

    def end_sessions(self, reason: Reason = Reason.SESSION_ENDED) -> None:
        """End all sessions and tokens of the person, and the open connections that rest on them."""
        with transaction.atomic():
            User.objects.filter(pk=self.pk).update(auth_version=F("auth_version") + 1)
            self.auth_version = User.objects.values_list("auth_version", flat=True).get(pk=self.pk)
            Session.objects.filter(user_id=self.pk).delete()
            revoke(self.id, reason, auth_version=self.auth_version)

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password. A hash with old parameters is replaced, which ends no token and no connection.

        Log-ins to pages in other browsers do end, as always with Django: their sessions hold a hash of the stored hash.
        """

        def renew(raw_password: str) -> None:
            old, self.password = self.password, make_password(raw_password)
            User.objects.filter(pk=self.pk, password=old).update(password=self.password)
            self._note_stored(["password"])

        return check_password(raw_password, self.password, renew)

    async def acheck_password(self, raw_password: str | None) -> bool:
        """As `check_password`."""
        return await sync_to_async(self.check_password)(raw_password)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """The part of a session that must not change; without `auth_version` until it rose for the first time."""
        version = f" {self.auth_version}" if self.auth_version else ""
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        return salted_hmac(salt, self.password + version, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_verified(self) -> bool:
        """Whether the person proved to read mail at their address."""
        return self.email_verified_at is not None

    def get_full_name(self) -> str:
        """The name to show to others: never the whole e-mail address."""
        return display_name(self.name, self.email)

    def clean(self) -> None:
        """Normalise the address, also when it comes from a form; ValidationError if it is not plain.

        An address stored before this rule existed stays valid.
        """
        address = canonical(self.email)
        super().clean()
        self.email = address  # Django's own normalisation has changed letters of some addresses
        if not is_plain(self.email) and not User.objects.filter(pk=self.pk, email=self.email).exists():
            raise ValidationError({"email": NOT_PLAIN})


def display_name(name: str, email: str) -> str:
    """The name to show to others: never the whole e-mail address."""
    return name or email.partition("@")[0]
