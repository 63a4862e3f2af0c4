"""Takes out of a recorded machine what tells whose it is, and leaves what rules need."""

import getpass
import re
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_MAC = re.compile(r"\b(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}\b", re.IGNORECASE)
_NO_MAC = {"000000000000", "ffffffffffff"}
_DOMAIN_SID = re.compile(r"\bS-1-(?:5-21|12-1)-[0-9]+-[0-9]+-[0-9]+(?=-|\b)")
_VOLUME = re.compile(r"(?<=Volume\{)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\})", re.IGNORECASE)
_PASSWORD_HASH = re.compile(r"\$([0-9a-z]+)\$[^:\s]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SSID = re.compile(r"(<name>|<hex>|^ssid=).*?(?=</|$)", re.MULTILINE)
# What a name must have to be looked for everywhere: shorter ones are met inside other words.
_SHORTEST = 3
_NOT_PEOPLE = frozenset({"root", "nobody", "nogroup", "administrateur", "administrator", "localhost"})


def secrets_of_this_machine() -> list[str]:
    """Return the names, serial numbers and identifiers of this machine and its people, as far as it tells them."""
    found = [socket.gethostname(), socket.gethostname().partition(".")[0], getpass.getuser()]
    if sys.platform != "win32":
        for line in _text(Path("/etc/passwd")).splitlines():
            name, _, uid, _, people, *_ = [*line.split(":"), *[""] * 7]
            if uid.isdigit() and int(uid) >= 1000:
                found += [name, *people.split(",")]
        found += [_text(path) for path in Path("/sys/class/dmi/id").glob("*_serial")]
        found += [_text(Path("/sys/class/dmi/id/product_uuid")), _text(Path("/etc/machine-id"))]
        found += [_text(path) for path in Path("/sys/block").glob("*/device/serial")]
        found += [_text(path) for path in Path("/sys/block").glob("*/serial")]
    kept = {each.strip() for each in found}
    return sorted({each for each in kept if len(each) >= _SHORTEST and each.lower() not in _NOT_PEOPLE}, key=len)


class Scrubber:
    """Replaces each secret by the same invented word wherever it is met, so that what was equal stays equal."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets` are taken out as whole words, whatever their case."""
        words = sorted(secrets, key=len, reverse=True)
        self._words = (
            re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE) if words else None
        )
        self._invented: dict[str, str] = {}

    def scrub(self, told: Any) -> Any:
        """Return a table, list or text without secrets; names of tables are cleaned too."""
        if isinstance(told, str):
            return self._clean(told)
        if isinstance(told, list):
            return [self.scrub(each) for each in told]
        if isinstance(told, Mapping):
            return {self._clean(name): self.scrub(content) for name, content in told.items()}
        return told

    def _clean(self, text: str) -> str:
        text = _MAC.sub(lambda met: self._mac(met[0]), text)
        text = _DOMAIN_SID.sub(lambda met: self._sid(met[0]), text)
        text = _VOLUME.sub(lambda met: self._volume(met[0]), text)
        text = _PASSWORD_HASH.sub(r"$\1$x$x", text)
        text = _EMAIL.sub("nom@exemple.invalid", text)
        text = _SSID.sub(r"\1reseau", text)
        return self._words.sub(lambda met: self._word(met[0]), text) if self._words else text

    def _word(self, word: str) -> str:
        return self._invented.setdefault(word.lower(), f"anonyme{len(self._invented) + 1}")

    def _mac(self, address: str) -> str:
        plain = re.sub("[:-]", "", address).lower()
        if plain in _NO_MAC:
            return address
        # 02: an address that its administrator chose, which no manufacturer gives.
        number = self._invented.setdefault(plain, f"{len(self._invented) + 1:08x}")
        return address[2].join(["02", "00", *(number[at : at + 2] for at in range(0, 8, 2))])

    def _volume(self, guid: str) -> str:
        return self._invented.setdefault(guid.lower(), f"00000000-0000-0000-0000-{len(self._invented) + 1:012x}")

    def _sid(self, domain: str) -> str:
        authority = "S-1-12-1" if domain.startswith("S-1-12-") else "S-1-5-21"
        return self._invented.setdefault(domain, f"{authority}-1-2-{len(self._invented) + 1}")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
