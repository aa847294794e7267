"""People who log in."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from libraries.rules.emails import NOT_PLAIN, canonical, is_plain
from libraries.validators import validate_name


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
        """A new user with all rights in the admin."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **extra})

    def get_by_natural_key(self, username: str | None) -> User:
        """The user with that e-mail address; the case does not matter."""
        return self.get(email=canonical(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who logs in with an e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=100, blank=True, validators=[validate_name])
    is_active = models.BooleanField("active", default=True, help_text="Off: may not log in, and is cut off at once.")
    is_staff = models.BooleanField("staff", default=False, help_text="May open this admin.")
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)
        constraints = (models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),)

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """The name to show to others: never the whole e-mail address."""
        return self.name or self.email.partition("@")[0]

    def clean(self) -> None:
        """Normalise the address, also when it comes from a form; ValidationError if it is not plain.

        An address stored before this rule existed stays valid.
        """
        address = canonical(self.email)
        super().clean()
        self.email = address  # Django's own normalisation has changed letters of some addresses
        if not is_plain(self.email) and not User.objects.filter(pk=self.pk, email=self.email).exists():
            raise ValidationError({"email": NOT_PLAIN})
