"""Where the agent keeps its state, what a person declared at enrolment, and the ticket that brings both."""

import contextlib
import json
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from prerequis.os_errors import why
from prerequis_agent.durable import write
from prerequis_agent.errors import ConfigurationError

ROLES = ("care", "secretariat", "support", "management", "other")

_ENROL_FIRST = "Ce poste n'est pas enrôlé : lancer « prerequis-agent enrol --ticket FICHIER »."


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a site's ticket file says: where the collector is, what proves it, and the secret that it asks for."""

    collector: str
    authority: str
    """PEM of the CA that signed the collector's certificate."""
    secret: str
    finess: str
    site: str
    expires: datetime
    enrolment: str
    """host:port of the door that is open without a certificate; gRPC for Python cannot share a port for both."""
    recipient: str = ""
    """The age recipient of bundles; empty in tickets made before there were any."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What enrolling left in `config.toml`."""

    collector: str
    """host:port"""
    finess: str
    site: str
    role: str = ""
    """One of ROLES; empty when nobody said."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the collector."""
        return split_address(self.collector)


@dataclass(frozen=True, slots=True)
class State:
    """The files of one installation; none need exist."""

    directory: Path

    @property
    def authority(self) -> Path:
        """PEM of the collector's CA."""
        return self.directory / "authority.pem"

    @property
    def identity(self) -> Path:
        """PEM of this machine's key and certificate chain."""
        return self.directory / "identity.pem"

    @property
    def plan(self) -> Path:
        """Protobuf JSON of the last plan that the collector gave."""
        return self.directory / "plan.json"

    @property
    def spool(self) -> Path:
        """Directory of the reports that wait."""
        return self.directory / "spool"

    @property
    def acknowledged(self) -> Path:
        """The last report that the collector took, as it was sent."""
        return self.directory / "acknowledged.report"

    @property
    def number(self) -> Path:
        """How many reports this installation has made."""
        return self.directory / "number"

    @property
    def cache(self) -> Path:
        """Directory of what is only kept to save time: the rules as they were read."""
        return self.directory / "cache"

    @property
    def last_run(self) -> Path:
        """When the last run ended and what it cost, JSON."""
        return self.directory / "last-run.json"

    @property
    def recipient(self) -> Path:
        """The age recipient to which bundles for the collector are sealed."""
        return self.directory / "bundle.recipient"

    @property
    def request(self) -> Path:
        """Key, request and ticket of a machine that waits for the answer to its bundle, TOML."""
        return self.directory / "request.toml"

    @property
    def is_enrolled(self) -> bool:
        """Whether enrolment was completed here; raises ConfigurationError when the directory may not be read."""
        with self._reading():
            return self._configuration.exists()

    @property
    def _configuration(self) -> Path:
        return self.directory / "config.toml"

    def enrolment(self) -> Enrolment:
        """Return what enrolment left; raises ConfigurationError when the machine is not enrolled."""
        try:
            with self._reading():
                return Enrolment(**_strings(_toml(self._configuration), Enrolment.__dataclass_fields__))
        except (KeyError, TypeError, ValueError) as problem:
            raise ConfigurationError(f"{self._configuration} est abîmé ({problem}). {_ENROL_FIRST}") from None

    def authority_pem(self) -> bytes:
        """Return the PEM of the collector's CA; raises ConfigurationError when the machine is not enrolled."""
        with self._reading():
            return self.authority.read_bytes()

    def forget_enrolment(self) -> None:
        """Be not enrolled; reports that wait stay, and carry the certificate that they were signed with."""
        self._configuration.unlink(missing_ok=True)
        for file in (self.plan, self.acknowledged, self.last_run):
            file.unlink(missing_ok=True)

    def keep_enrolment(self, enrolment: Enrolment) -> None:
        """Write what enrolment brought; the last file written, so that a machine is enrolled wholly or not at all."""
        # A JSON string of valid text is also a TOML basic string.
        lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in asdict(enrolment).items()]
        write(self._configuration, "".join(lines).encode())

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise ConfigurationError(_ENROL_FIRST) from None
        except OSError as problem:
            raise ConfigurationError(
                f"L'état de l'agent dans {self.directory} ne se lit pas ({why(problem)})."
            ) from None


def default_directory(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return the directory that the operating system sets apart for the state of such a program."""
    if platform == "win32":
        return Path(environment.get("PROGRAMDATA", r"C:\ProgramData"), "Prerequis", "agent")
    home = Path(environment.get("HOME", "/"))
    if platform == "darwin":
        return Path("/" if _is_root() else home, "Library", "Application Support", "Prerequis", "agent")
    if _is_root():
        return Path("/var/lib/prerequis-agent")
    return Path(environment.get("XDG_STATE_HOME") or home / ".local" / "state", "prerequis-agent")


def read_ticket(path: Path) -> Ticket:
    """Return what a ticket file says; raises ConfigurationError when it cannot be read or is not a ticket."""
    return parse_ticket(read_ticket_text(path), str(path))


def read_ticket_text(path: Path) -> str:
    """Return the text of a ticket file; raises ConfigurationError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigurationError(f"Le ticket {path} ne se lit pas ({why(problem)}).") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} n'est pas un ticket : ce n'est pas du texte.") from None


def parse_ticket(text: str, name: str) -> Ticket:
    """Return what the text of a ticket file of this name says; raises ConfigurationError when it is none."""
    try:
        content = tomllib.loads(text)
        words = _strings(content, ("collector", "authority", "secret", "finess", "site"))
        expires = content["expires"]
        if not isinstance(expires, datetime):
            raise TypeError("expires")
        enrolment = str(content.get("enrolment", words["collector"]))
        for address in (words["collector"], enrolment):
            split_address(address)
        recipient = str(content.get("bundle", ""))
        return Ticket(**words, expires=expires.astimezone(), enrolment=enrolment, recipient=recipient)
    except (KeyError, TypeError, ValueError) as problem:
        raise ConfigurationError(f"{name} n'est pas un ticket valable ({problem}) : en demander un nouveau.") from None


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port` or `[IPv6]:port`; raises ValueError."""
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"adresse de collecteur incorrecte : {address}")
    return host, int(port)


def _toml(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def _strings(content: Mapping[str, object], names: Mapping[str, object] | tuple[str, ...]) -> dict[str, str]:
    values = {name: content[name] for name in names}
    wrong = [name for name, value in values.items() if not isinstance(value, str)]
    if wrong:
        raise TypeError(", ".join(wrong))
    return {name: str(value) for name, value in values.items()}


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
