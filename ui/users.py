"""Who may log in: a file with a line for each, `name:scrypt$n$r$p$salt$hash`, the last two in Base64."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.errors import CitewellError

NAME = re.compile(r"[\w.@+-]{1,64}")
LEAST_CHARACTERS = 8
"""Of a password."""

COST = (2**14, 8, 5)
"""n, r and p of scrypt: 16 MB and some tenths of a second a try (OWASP, Password Storage Cheat Sheet)."""

MOST_MEMORY = 2**28
"""Bytes that a line of the file may make scrypt use."""


@dataclass(frozen=True, slots=True)
class Password:
    """A hashed password with what it was hashed with."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes


Users = Mapping[str, Password]

NOBODY = Password(*COST, salt=bytes(16), digest=bytes(32))
"""What an unknown name is compared with, so that it takes as long as a known one."""


def check_password(users: Users, name: str, password: str) -> bool:
    """Whether the name is a user's and the password is theirs; takes equally long for a name that nobody has."""
    stored = users.get(name, NOBODY)
    return hmac.compare_digest(_hash(password, stored), stored.digest) and name in users


def read_users(file: Path) -> Users:
    """The users by name. Raises CitewellError, with the line's number, for a file that is empty or malformed."""
    try:
        users = parse_users(file)
    except FileNotFoundError as error:
        raise CitewellError(f"'{file}' does not exist. Add its first user: {_command(file)}") from error
    if not users:
        raise CitewellError(f"'{file}', line 1: there is no user. Add one: {_command(file)}")
    return users


def add_user(file: Path, name: str, password: str) -> bool:
    """Writes the user into the file, which only its owner can read then; whether the name was there before.

    Raises CitewellError for a name or password that cannot be used, and for a malformed file.
    """
    if not NAME.fullmatch(name):
        raise CitewellError(f"'{name}' is no name for a user. Take up to 64 letters, digits and any of . _ @ + -")
    if len(password) < LEAST_CHARACTERS:
        raise CitewellError(f"The password has {len(password)} characters. Take one of at least {LEAST_CHARACTERS}.")
    users = dict(parse_users(file)) if file.exists() else {}
    known = name in users
    users[name] = hash_password(password)
    _write("".join(f"{user}:{_format(stored)}\n" for user, stored in users.items()), file.resolve())
    return known


def hash_password(password: str) -> Password:
    """The password hashed with a salt of its own."""
    unhashed = Password(*COST, salt=secrets.token_bytes(16), digest=b"")
    return Password(*COST, salt=unhashed.salt, digest=_hash(password, unhashed))


def parse_users(file: Path) -> Users:
    """As `read_users`, but a file may be empty. Raises OSError where it cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise CitewellError(f"'{file}' is no file of users: it is no text in UTF-8. Write a new one.") from error
    users: dict[str, Password] = {}
    for number, line in enumerate(lines, start=1):
        name, _, hashed = line.strip().partition(":")
        if not line.strip():
            continue
        if not NAME.fullmatch(name) or name in users:
            fault = "has been there before" if name in users else "is no name"
            raise CitewellError(f"'{file}', line {number}: what stands before the colon {fault}. Correct or delete it.")
        users[name] = _parse(hashed, f"'{file}', line {number}")
    return users


def _parse(hashed: str, place: str) -> Password:
    try:
        scheme, n, r, p, salt, digest = hashed.split("$")
        costs = int(n), int(r), int(p)
        stored = Password(*costs, base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True))
        _check(scheme, stored)
    except (ValueError, binascii.Error) as error:
        expected = "expected name:scrypt$n$r$p$salt$hash"
        raise CitewellError(f"{place}: {expected}. Delete the line and add the user anew.") from error
    return stored


def _check(scheme: str, stored: Password) -> None:
    """Raises ValueError for what scrypt cannot compute, or not without bringing the machine to a stop."""
    powers = stored.n > 1 and stored.n & (stored.n - 1) == 0
    cheap = min(stored.r, stored.p) > 0 and 128 * stored.n * stored.r <= MOST_MEMORY and stored.p <= 16
    if scheme != "scrypt" or not powers or not cheap or len(stored.salt) < 8 or len(stored.digest) != 32:
        raise ValueError


def _hash(password: str, stored: Password) -> bytes:
    typed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    costs = {"n": stored.n, "r": stored.r, "p": stored.p}
    return hashlib.scrypt(typed, salt=stored.salt, **costs, maxmem=2 * MOST_MEMORY, dklen=32)


def _format(stored: Password) -> str:
    salt, digest = (base64.b64encode(part).decode() for part in (stored.salt, stored.digest))
    return f"scrypt${stored.n}${stored.r}${stored.p}${salt}${digest}"


def _write(text: str, file: Path) -> None:
    """Replaces the file at once, so that no other process reads half of it; `mkstemp` gives it mode 0600."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _command(file: Path) -> str:
    return f"CITEWELL_AUTH={file} citewell ui --add-user NAME"
