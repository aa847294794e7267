"""E-mail addresses of accounts: one spelling for each. Pure.

Django's own validator checks the format. This module refuses addresses that the validator accepts and we do not.
"""

from __future__ import annotations

import re

NOT_PLAIN = (
    "Use only the letters a to z, digits and signs, without quotes and brackets;"
    " write a domain that has other letters in its xn-- form."
)

_PLAIN = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9.-]+", re.ASCII)


def canonical(address: str) -> str:
    """The one spelling for storing and looking up an address: without space around it, in lower case."""
    return address.strip().lower()


def is_plain(address: str) -> bool:
    """Whether a canonical address is allowed for a new account.

    ASCII alone: `ſ`, `ı`, Cyrillic `а` and the like look like letters of somebody else's address (UTS 39), and an
    invisible character makes a second address that looks the same. No quoted local part and no address literal (RFC
    5321, section 4.1.2), which are second spellings of the same mailbox.
    """
    return _PLAIN.fullmatch(address) is not None
