"""E-mail addresses of accounts: one spelling for each. Pure.

Whether an address has the form of one is asked of Django's own validator; here is what it lets through and we do not.
"""

from __future__ import annotations

import re

NOT_PLAIN = (
    "Use only the letters a to z, digits and signs, without quotes and brackets;"
    " write a domain that has other letters in its xn-- form."
)

_PLAIN = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9.-]+", re.ASCII)


def canonical(address: str) -> str:
    """The one spelling that an address is kept in and looked up by: without space around it, in lower case."""
    return address.strip().lower()


def is_plain(address: str) -> bool:
    """Whether a canonical address may be that of a new account.

    ASCII alone: `ſ`, `ı`, Cyrillic `а` and the like look like letters of somebody else's address (UTS 39), and what
    cannot be seen makes a second address that looks the same. No quoted local part and no address literal (RFC 5321,
    section 4.1.2), which are second spellings of the same mailbox.
    """
    return _PLAIN.fullmatch(address) is not None
