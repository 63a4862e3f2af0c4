"""What the sources leave open, and a site may settle for itself: each parameter as people write and read it.

Sources: « Un ordinateur/dispositif pour 3 professionnels (à ajuster) » and « Un débit internet de 250Ko/s par
utilisateur sur le DUI » (002_c5ac8e6b63ce73e4.txt), which says neither in which direction nor whether users are those
of the same moment (their number is the register's) or all; INSi is called by card or by the certificate of a server
(000_7d75b846daf52f55.txt).
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from prerequis.v1.register_pb2 import Profile
from prerequis_rules.expressions import rate

_RATE = re.compile(r"(\d{1,6}(?:[.,]\d{1,3})?) ?(ko/s|mo/s|kbit/s|mbit/s)", re.IGNORECASE)
_BITS = {"ko/s": 8e3, "mo/s": 8e6, "kbit/s": 1e3, "mbit/s": 1e6}
"""1 Ko is 1000 bytes, and never a kilobit: eight times too little."""

_DIRECTIONS = {"réception": Profile.DOWN, "deux sens": Profile.BOTH}
_USERS = {"à la fois": Profile.SIMULTANEOUS, "tous": Profile.EVERYBODY}
_INSI = {"carte": Profile.CARD, "certificat": Profile.SERVER_CERTIFICATE, "mixte": Profile.MIXED}


class UnreadableValue(ValueError):
    """A value does not fit its parameter; the text is a French sentence that says what would."""


class Parameter(NamedTuple):
    """One thing that the sources leave open."""

    meaning: str
    """In French."""
    read: Callable[[str], Profile]
    """Return a profile that has only this value; raises UnreadableValue."""
    shown: Callable[[Profile], str]
    """Return the value as people read it; empty where the profile has none."""


def _ratio(text: str) -> Profile:
    if not re.fullmatch(r"[1-9][0-9]?", text):
        raise UnreadableValue("écrire un nombre entier de professionnels, de 1 à 99.")
    return Profile(professionals_per_device=int(text))


def _rate(text: str) -> Profile:
    found = _RATE.fullmatch(text)
    bits = float(found[1].replace(",", ".")) * _BITS[found[2].lower()] if found else 0.0
    if not bits:
        raise UnreadableValue("écrire un débit avec son unité : « 250 Ko/s » ou « 2 Mbit/s ».")
    return Profile(bits_per_second_per_user=bits)


def _direction(text: str) -> Profile:
    if text not in _DIRECTIONS:
        raise UnreadableValue(f"choisir parmi : {', '.join(_DIRECTIONS)}.")
    return Profile(direction=_DIRECTIONS[text])


def _users(text: str) -> Profile:
    if text not in _USERS:
        raise UnreadableValue(f"choisir parmi : {', '.join(_USERS)}.")
    return Profile(users=_USERS[text])


def _insi(text: str) -> Profile:
    if text not in _INSI:
        raise UnreadableValue(f"choisir parmi : {', '.join(_INSI)}.")
    return Profile(insi=_INSI[text])


def _name_of(names: Mapping[str, int], value: int) -> str:
    return next((name for name, number in names.items() if number == value), "")


PARAMETERS: Mapping[str, Parameter] = {
    "ratio": Parameter(
        "professionnels par ordinateur ou dispositif",
        _ratio,
        lambda profile: str(profile.professionals_per_device) if profile.HasField("professionals_per_device") else "",
    ),
    "débit": Parameter(
        "débit par utilisateur du DUI",
        _rate,
        lambda profile: rate(profile.bits_per_second_per_user) if profile.HasField("bits_per_second_per_user") else "",
    ),
    "utilisateurs": Parameter(
        "professionnels comptés comme utilisateurs de la ligne",
        _users,
        lambda profile: _name_of(_USERS, profile.users),
    ),
    "sens": Parameter(
        "sens dans lequel ce débit est demandé",
        _direction,
        lambda profile: _name_of(_DIRECTIONS, profile.direction),
    ),
    "insi": Parameter(
        "façon d'appeler le téléservice INSi",
        _insi,
        lambda profile: _name_of(_INSI, profile.insi),
    ),
}
"""By the name that people type."""
