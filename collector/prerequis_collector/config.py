"""Where the collector keeps its things and under which names it is reached."""

import json
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prerequis.os_errors import why
from prerequis_collector.errors import InvalidInput, StorageUnavailable

GRPC_PORT = 7443


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on or to connect to; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address written `host:port` or `[v6]:port`; raises InvalidInput."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise InvalidInput(f"« {text} » n'est pas une adresse : écrire machine:port.")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    def next(self, steps: int) -> "Address":
        """Return the address some ports further, or again one that the system chooses."""
        return Address(self.host, self.port and self.port + steps)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a serving collector is reached: for those who have a certificate, to measure a line, to enrol."""

    listen: Address
    measure: Address
    enrolment: Address
    http: Address | None = None
    """LibreSpeed's endpoints, for agents whose network lets only HTTP pass; None: not served."""

    def under(self, name: str) -> "Listening":
        """Return the same ports on the host of this name."""
        listen, measure, enrolment = (Address(name, one.port) for one in (self.listen, self.measure, self.enrolment))
        http = Address(name, self.http.port) if self.http is not None else None
        return Listening(listen, measure, enrolment, http)


@dataclass(frozen=True, slots=True)
class Config:
    """One collector's folder and what `init` wrote in it."""

    data: Path
    names: tuple[str, ...]
    """Names and addresses in the collector's certificate; agents are given the first."""
    database_url: str
    rules: Path | None
    """An organisation's own rules, laid over those of the program."""
    national_services: bool = True
    """Whether sites are asked to reach the national services (INSi, Pro Santé Connect…) besides their profile's hosts;
    `national_services = false` in `collector.toml` keeps a closed network or a rehearsal away from them."""

    uplink_bits_per_second: float = 1e9
    """What the collector's own access carries; `uplink_megabits` in `collector.toml`. Measuring takes half at most."""

    librespeed: str = ""
    """URL of a LibreSpeed server of the organisation, which agents measure beside this collector; `librespeed`."""

    @property
    def public_name(self) -> str:
        """The name that tickets and credentials give."""
        return self.names[0]

    @property
    def authority_certificate(self) -> Path:
        """The certificate that everybody trusts, PEM."""
        return self.data / "authority.pem"

    @property
    def authority_key(self) -> Path:
        """The key that signs certificates, PEM; it never leaves this file."""
        return self.data / "authority.key"

    @property
    def server_certificate(self) -> Path:
        """The collector's own certificate, then those between it and its authority, PEM."""
        return self.data / "server.pem"

    @property
    def server_key(self) -> Path:
        """Its key, PEM."""
        return self.data / "server.key"

    @property
    def requested_key(self) -> Path:
        """The key of a request for a certificate that another authority is to sign, PEM."""
        return self.data / "server.request.key"

    @property
    def bundle_key(self) -> Path:
        """The private key of age that opens bundles."""
        return self.data / "bundle.key"

    def listening(self) -> Listening:
        """Return where the collector was last heard to listen, under its public name; the usual ports if never.

        Raises InvalidInput when that cannot be read, as after a power cut: a ticket must not name a wrong port.
        """
        usual = Address(self.public_name, GRPC_PORT)
        path = self.data / "listening.json"
        try:
            noted: Mapping[str, Any] = json.loads(path.read_bytes())
            listen, measure, enrolment = (Address.parse(str(noted[key])) for key in ("listen", "measure", "enrolment"))
        except FileNotFoundError:
            return Listening(usual, usual.next(1), usual.next(2))
        except (OSError, ValueError, TypeError, KeyError, InvalidInput) as error:
            raise InvalidInput(f"{path} est abîmé : redémarrer le collecteur, qui l'écrit de nouveau.") from error
        return Listening(listen, measure, enrolment).under(self.public_name)

    def note_listening(self, where: Listening) -> None:
        """Write where the collector listens, for scripts and for the tickets made from now on.

        Raises StorageUnavailable.
        """
        noted: dict[str, Any] = {
            "listen": str(where.listen),
            "measure": str(where.measure),
            "enrolment": str(where.enrolment),
            "pid": os.getpid(),
        }
        path = self.data / "listening.json"
        new = path.with_suffix(".new")
        try:
            new.write_text(json.dumps(noted, indent=2) + "\n")
            new.replace(path)
        except OSError as error:
            raise StorageUnavailable(f"Impossible d'écrire {path} : {why(error)}.") from error


def default_data() -> Path:
    """Return the folder used when none is given."""
    given = os.environ.get("PREREQUIS_COLLECTOR_DATA")
    if given:
        return Path(given)
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/prerequis-collector")
    return Path.home() / ".local" / "share" / "prerequis-collector"


def default_database_url(data: Path) -> str:
    """Return the URL of the embedded database."""
    return f"sqlite:///{data / 'collector.sqlite3'}"


def load(data: Path) -> Config:
    """Return the configuration of an initialised folder; raises InvalidInput."""
    try:
        with (data / "collector.toml").open("rb") as file:
            written = tomllib.load(file)
        names = tuple(map(str, written["names"])) if isinstance(written["names"], list) else ()
        if not names:
            raise ValueError("names : une liste d'un nom au moins")
        rules = data / str(written["rules"]) if "rules" in written else None
        national = bool(written.get("national_services", True))
        uplink = float(written.get("uplink_megabits", 1000)) * 1e6
        if not 0 < uplink < float("inf"):
            raise ValueError("uplink_megabits : un nombre positif")
        database, librespeed = written.get("database", default_database_url(data)), written.get("librespeed", "")
        return Config(data, names, str(database), rules, national, uplink, str(librespeed))
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidInput(
            f"{data} n'est pas le dossier d'un collecteur : lancer d'abord « prerequis-collector init »."
        ) from None
    except OSError as error:
        raise InvalidInput(f"{data / 'collector.toml'} ne se lit pas : {why(error)}.") from None
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{data / 'collector.toml'} est illisible : {error}.") from None
