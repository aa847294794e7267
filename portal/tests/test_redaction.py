"""The redaction of logs: no credential, nothing long, no terminal control character."""

from __future__ import annotations

import sys
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.redaction import (
    MAX_CHARS,
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_KEY_CHARS,
    MAX_TRACEBACK_CHARS,
    STRUCK,
    Redactor,
    escape,
    is_secret,
    strike,
)

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.c2lnbmF0dXJl-_x"
SECRET_TOKEN = "Zk3_x-9QpL0aVb7TnR2sWd8YcE5mUf1H"
PATH = f"/ws/portal-view/1?version=3&token={JWT}&ticket=T1ck3t&share=Sh4re&epoch=e"

text_log = Redactor(one_line=True)
json_log = Redactor(one_line=False)

# --- Credentials ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PATH, "/ws/portal-view/1?version=3&token=***&ticket=***&share=***&epoch=e"),
        ("GET /?TOKEN=abc HTTP/1.1", "GET /?TOKEN=*** HTTP/1.1"),
        ('"WebSocket /ws?token=abc" [accepted]', '"WebSocket /ws?token=***" [accepted]'),
        ("b'token=abc&x=1'", "b'token=***&x=1'"),
        ("access_token=abc", "access_token=***"),
        ("next=/ws%3Ftoken%3Dabc", "next=/ws%3Ftoken%3D***"),
        ('{"token": "abc", "x": 1}', '{"token": "***", "x": 1}'),
        ('{"token": "", "x": 1}', '{"token": "", "x": 1}'),
        ('{"password": null, "token": 1234}', '{"password": null, "token": ***}'),
        ('{"password": "a\\"b\'c", "x": 1}', '{"password": "***", "x": 1}'),
        ("{'password': 'abc'}", "{'password': '***'}"),
        ("{'new_password1': b'abc'}", "{'new_password1': b'***'}"),
        ("<QueryDict: {'password': ['a]b', \"c'd\"], 'x': ['1']}>", "<QueryDict: {'password': [***], 'x': ['1']}>"),
        (r'"{\"refreshToken\": \"abc\"}"', r'"{\"refreshToken\": \"***\"}"'),
        (r'"{\"password\": \"a\\\"b\", \"x\": 1}"', r'"{\"password\": \"***\", \"x\": 1}"'),
        ("?body=%7B%22token%22%3A%22abc%22%2C%22x", "?body=%7B%22token%22%3A%22***%22%2C%22x"),
        (r"Auth(ref=UNSET, token='a\'b', x=1)", "Auth(ref=UNSET, token='***', x=1)"),
        (f"portal.v1.json, bearer.{JWT}", "portal.v1.json, bearer.***"),
        (f"Authorization: Bearer {JWT}, x", "Authorization: Bearer ***, x"),
        ("authorization: Basic cGFzcw==", "authorization: Basic ***"),
        ("Authorization: abc", "Authorization: ***"),
        ('Authorization: Digest username="a", response="b"\r\nHost: x', "Authorization: *** ***\r\nHost: x"),
        ("(b'authorization', b'Basic abc'), (b'x', b'y')", "(b'authorization', b'***'), (b'x', b'y')"),
        ("Cookie: sessionid=abc; theme=dark\r\nHost: x", "Cookie: ***\r\nHost: x"),
        ("Bearer abcdefghijklmnop", "Bearer ***"),
        ("postgres://portal:abc@db/portal", "postgres://portal:***@db/portal"),
        (f"{JWT[:30]}", STRUCK),
        (JWT.replace(".", "%2E"), STRUCK),
        ("eyJhbGciOiJkaXIi0..iv.text.tag", STRUCK),
        (f"portal.v1.json, ticket.{SECRET_TOKEN}", "portal.v1.json, ticket.***"),
        (f"['share.{SECRET_TOKEN}', 'x']", "['share.***', 'x']"),
        (f"portal.v1.json, guest.{JWT}", "portal.v1.json, guest.***"),
        (f"share.{SECRET_TOKEN[:9]}", "share.***"),
        (f"share.{SECRET_TOKEN[:9]} … (23 characters cut)", "share.*** … (23 characters cut)"),
        (f"GET /view/{SECRET_TOKEN}", "GET /view/***"),
        (f"/portal/verify/{SECRET_TOKEN}?x=1", "/portal/verify/***?x=1"),
        (f"/reset/0123abcd-{SECRET_TOKEN}/", "/reset/***/"),
        (f"https://portal.example.org/invitation/{SECRET_TOKEN}#x", "https://portal.example.org/invitation/***#x"),
        (f"/login?next=%2Fview%2F{SECRET_TOKEN}&x", "/login?next=%2Fview%2F***&x"),
        (f"/VIEW/{SECRET_TOKEN[:3]}", "/VIEW/***"),
        ("/view/%61b%63", "/view/***"),
        ("/view/guest-list", "/view/***"),
        ("GET /add-screen?code=ABC234 HTTP", "GET /add-screen?code=*** HTTP"),
        ("/join?name=x&code=abc-234", "/join?name=x&code=***"),
        ("/login?next=/add-screen%3Fcode%3DABC234", "/login?next=/add-screen%3Fcode%3D***"),
        ('{"code": "ABC234", "name": "x"}', '{"code": "***", "name": "x"}'),
        ("<QueryDict: {'code': ['abc234']}>", "<QueryDict: {'code': ['***']}>"),
        (r'"{\"code\": \"ABC234\"}"', r'"{\"code\": \"***\"}"'),
        ('{"claim": "abc"}', '{"claim": "***"}'),
        # No secret
        ("/view/guest/3f0e", "/view/guest/3f0e"),
        ("POST /api/auth/verify/send", "POST /api/auth/verify/send"),
        ("POST /api/auth/password/reset/confirm", "POST /api/auth/password/reset/confirm"),
        ("GET /ws/portal-view/1", "GET /ws/portal-view/1"),
        ('{"code": "not-found"}', '{"code": "not-found"}'),
        ('{"code": "throttled", "status": 429}', '{"code": "throttled", "status": 429}'),
        ("code=1008 barcode=1", "code=1008 barcode=1"),
        ("ticket.delete() guest.name, (share.link_id)", "ticket.delete() guest.name, (share.link_id)"),
        ("libraries/services/tickets.py, line 3", "libraries/services/tickets.py, line 3"),
        ("token expired, ticket unknown; the share of it", "token expired, ticket unknown; the share of it"),
        ("a bearer token is missing", "a bearer token is missing"),
        ("keyJoin HeyJude", "keyJoin HeyJude"),
        ("http://127.0.0.1:8000/x ws://[::1]:80", "http://127.0.0.1:8000/x ws://[::1]:80"),
        ("version=3", "version=3"),
    ],
)
def test_strike(text: str, expected: str) -> None:
    assert strike(text) == expected


SECRET = "Hunter2Swordfish"
FORMS: list[Callable[[str, str], str]] = [
    lambda name, secret: f"/x?a=1&{name}={secret}&b=2",
    lambda name, secret: f"next=%2Fx%3F{name}%3D{secret}",
    lambda name, secret: f'{{"{name}":"{secret}"}}',
    lambda name, secret: f'{{"{name}" : "say \\"{secret}\\""}}',
    lambda name, secret: repr({name: secret}),
    lambda name, secret: repr({name: secret.encode()}),
    lambda name, secret: repr({name: [secret, f"{secret}'"]}),
    lambda name, secret: repr(str({name: secret})),
    lambda name, secret: repr([(name.encode(), secret.encode())]),
    lambda name, secret: f"Form({name}={secret!r})",
    lambda name, secret: f'Form({name} = "{secret}")',
]
NAMES = ["token", "accessToken", "refresh_token", "ticket", "share", "password", "new_password1", "secret", "apiKey"]


@given(
    st.sampled_from(FORMS),
    st.sampled_from(NAMES),
    st.sampled_from([str, str.upper, str.title]),
    st.text(max_size=20).filter(lambda text: "unter" not in text),
    st.integers(0, 200),
)
@example(FORMS[3], "token", str, "\\", 200)
def test_no_form_shows_a_credential_wherever_it_is_cut(
    form: Callable[[str, str], str], name: str, case: Callable[[str], str], before: str, length: int
) -> None:
    said = before + " " + form(case(name), SECRET)
    for kept in (said, said[: len(before) + length]):
        assert "unter" not in strike(kept), strike(kept)


@pytest.mark.parametrize("lead", ["bearer.", "Authorization: Bearer ", "authorization: basic ", "?token=", "", "x="])
def test_half_a_credential_at_the_end_of_a_cut_is_redacted(lead: str) -> None:
    for room in range(14, len(JWT)):
        said = "x" * (MAX_CHARS - len(lead) - room) + lead + JWT
        shown = text_log.value(said)
        assert shown.replace("***.", "***").endswith(f"*** … ({len(JWT) - room} characters cut)")
        assert "IUzI1NiJ9" not in shown


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("claim", True),
        ("shareToken", True),
        ("code", False),
        ("token", True),
        ("accessToken", True),
        ("HTTP_AUTHORIZATION", True),
        (b"cookie", True),
        ("Set-Cookie", True),
    ]
    + [("password2", True), ("SECRET_KEY", True), ("tokenizer", False), ("expiresIn", False), ("", False), (7, False)],
)
def test_names_of_credentials(name: object, secret: bool) -> None:
    assert is_secret(name) is secret


NEW_FORMS: list[Callable[[str], str]] = [
    *[lambda secret, kind=kind: f"portal.v1.json, {kind}.{secret}" for kind in ("bearer", "ticket", "share", "guest")],
    *[lambda secret, kind=kind: repr([f"{kind}.{secret}"]) for kind in ("bearer", "ticket", "share", "guest")],
    *[lambda secret, page=page: f"/x/{page}/{secret}/?a=1" for page in ("view", "verify", "reset", "invitation")],
    *[lambda secret, page=page: f"next=%2F{page}%2F{secret}&b" for page in ("view", "verify", "reset", "invitation")],
    lambda secret: f"/x?a=1&code={secret}&b",
]


@given(
    st.sampled_from(NEW_FORMS),
    st.text(max_size=20).map(lambda text: text.replace(SECRET_TOKEN, "")),
    st.integers(0, 80),
    st.sampled_from(["", " … (9 characters cut)"]),
)
def test_no_token_of_a_page_or_subprotocol_is_shown_wherever_it_is_cut(
    form: Callable[[str], str], before: str, length: int, mark: str
) -> None:
    said = f"{before} {form(SECRET_TOKEN)}"
    for kept in (said, said[: len(before) + length] + mark):
        assert SECRET_TOKEN[:3] not in strike(kept), strike(kept)


# --- Values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, True, 3, -(2**63), 1.5, ""])
def test_plain_values_are_unchanged(value: Any) -> None:
    assert text_log.value(value) is value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (UUID(int=1), repr(UUID(int=1))),
        (b"token=abc", "b'token=***'"),
        ([10**5000], ["an integer of 16610 bits"]),
        ((1, {2}), [1, [2]]),
        (deque([1]), [1]),
        (OrderedDict(token="abc", user={"passwords": ["abc"]}), {"token": STRUCK, "user": {"passwords": STRUCK}}),
        ([(b"authorization", b"Basic abc"), (b"host", b"x")], [["b'authorization'", STRUCK], ["b'host'", "b'x'"]]),
        ({"password": ""}, {"password": ""}),
        ({7: "x", "token=abc": 1}, {"7": "x", "token=***": 1}),
    ],
)
def test_other_values_become_text_lists_and_dicts(value: Any, shown: Any) -> None:
    assert text_log.value(value) == shown


def test_an_object_whose_repr_fails_does_not_lose_the_line() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise KeyError("token=abc")

    assert text_log.value(Broken()) == "<Broken, whose repr raised KeyError>"


def test_long_values_are_cut_and_marked() -> None:
    long = "x" * (MAX_CHARS + 5)
    event = {"event": long, "entries": [long.encode()], "k" * 200: {"n" * 200: 1}}
    shown = text_log(None, "info", event)
    assert shown["event"] == "x" * MAX_CHARS + " … (5 characters cut)"
    assert shown["entries"] == ["b'" + "x" * (MAX_CHARS - 2) + " … (5 characters cut)"]
    [key] = [key for key in shown if key.startswith("k")]
    assert key == "k" * MAX_KEY_CHARS + " … (72 characters cut)"
    assert list(shown[key]) == ["n" * MAX_KEY_CHARS + " … (72 characters cut)"]


def size_of(value: Any) -> int:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + sum(map(size_of, inner))
    return 1


def test_wide_and_deep_values_are_cut_and_marked() -> None:
    wide = text_log.value({"a": list(range(10_000)), "b": dict.fromkeys(range(10_000), 1), "c": 1})
    assert wide["a"][-1].endswith(" more)")
    assert wide["b"] == {"…": "10000 more"}
    tree: Any = 1
    for _ in range(8):
        tree = [tree] * 8
    assert size_of(text_log.value(tree)) < 3 * MAX_ENTRIES
    deep: Any = []
    for _ in range(10_000):
        deep = [deep]
    shown, levels = text_log.value(deep), 0
    while isinstance(shown, list):
        shown, levels = shown[0], levels + 1
    assert (shown, levels) == ("… (1 entries)", MAX_DEPTH)


# --- Control and direction marks --------------------------------------------------------------------------


def test_every_unicode_mark_is_escaped() -> None:
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    marks = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in kinds]
    assert len(marks) > 2000
    for mark in marks:
        assert escape(f"a{mark}b").isascii()
        assert escape(f"a{mark}b").isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x9b1m", r"\x1b[2J\x9b1m"),
        ("a\u202ecod.exe\u2066\u200b", r"a\u202ecod.exe\u2066\u200b"),
        ("a\r\nb\tc\u2028d", r"a\r\nb\tc\u2028d"),
        ("half \ud83d", r"half \ud83d"),
        ("Ümläut 生命 \U0001f409", "Ümläut 生命 \U0001f409"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_line_breaks_are_left_to_json() -> None:
    assert json_log.value("a\nb\u202e") == "a\nb\\u202e"
    assert text_log.value({"a\nb": "c\n"}) == {r"a\nb": r"c\n"}


# --- Tracebacks -------------------------------------------------------------------------------------------

TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in x\n    {}\nValueError: {}'


def test_a_traceback_keeps_its_lines_and_none_can_look_like_an_event() -> None:
    said = TRACEBACK.format("raise ValueError(text)", "bad\n2026-01-01 [info] forged token=abc\x1b[1m")
    assert json_log.traceback(said) == said.replace("abc\x1b[1m", STRUCK)
    shown = text_log(None, "error", {"event": "failed", "exception": said})["exception"].split("\n")
    assert all(line.startswith("  ") for line in shown)
    assert shown[1] == '    File "x.py", line 1, in x'
    assert shown[-1].startswith("  2026-01-01 [info] forged")


def test_a_long_line_of_a_traceback_is_cut_and_the_others_are_kept() -> None:
    shown = json_log.traceback(TRACEBACK.format("x" * 5000, "y" * 1_000_000))
    lines = shown.split("\n")
    assert [line[:12] for line in lines] == ["Traceback (m", '  File "x.py', "    xxxxxxxx", "ValueError: "]
    assert lines[2].endswith(" characters cut)")
    assert len(shown) < 3 * MAX_CHARS


def test_a_long_traceback_is_cut_in_the_middle_between_lines() -> None:
    said = TRACEBACK.format("\n".join(f'    {number:06}: {JWT} "token": "abc"' for number in range(10_000)), "the end")
    shown = json_log.traceback(said)
    assert len(shown) < MAX_TRACEBACK_CHARS + 100
    assert shown.startswith("Traceback")
    assert shown.endswith("ValueError: the end")
    assert "characters cut)\n    00" in shown
    assert "abc" not in shown
    assert "c2ln" not in shown
