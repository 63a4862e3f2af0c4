"""The only door to the machine: files, allow-listed commands, registry, CIM, Win32, PC/SC, psutil and sockets.

The root of the file system is a parameter, so that a tree of fixtures can stand for a machine. Below such a root
nothing asks the live kernel: `run` answers from `answers`, the other live doors raise Unsupported, and a test that
needs one overrides its method.
"""

import errno
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar, cast

from prerequis.os_errors import why
from prerequis_agent.errors import NotPermitted, Unreadable, Unsupported
from prerequis_agent.execution import MOST_BYTES, execute, stream
from prerequis_agent.execution import CommandResult as CommandResult
from prerequis_agent.network_door import NetworkDoor
from prerequis_agent.pcsc import Scard
from prerequis_agent.surroundings import Surroundings
from prerequis_agent.windows.api import CimValue, RegistryValue, Win32, Windows

PROGRAMS = frozenset(
    {
        "apt-helper",
        "csrutil",
        "diskutil",
        "dscl",
        "fdesetup",
        "ioreg",
        "ip",
        "ip6tables-legacy-save",
        "ip6tables-save",
        "ipconfig",
        "iptables-legacy-save",
        "iptables-save",
        "launchctl",
        "iperf3",
        "mount",
        "netstat",
        "nft",
        "nmcli",
        "pmset",
        "profiles",
        "pwpolicy",
        "route",
        "rpm",
        "scutil",
        "security",
        "socketfilterfw",
        "spctl",
        "stat",
        "sysctl",
        "system_profiler",
        "systemsetup",
        "xprotect",
    }
)
"""Every program that the agent may run; nothing else is ever started."""

_SYSTEM: dict[str, str] = {}
_SUFFIX = ""
if sys.platform == "win32":
    _SYSTEM = {"SYSTEMROOT": os.environ["SYSTEMROOT"]}
    DIRECTORIES: tuple[str, ...] = (rf"{_SYSTEM['SYSTEMROOT']}\System32",)
    _SUFFIX = ".exe"
else:
    DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/libexec/ApplicationFirewall", "/usr/lib/apt")
"""Where programs are looked for: directories that only the administrator can write, never the caller's PATH."""

ENVIRONMENT = _SYSTEM | {"PATH": os.pathsep.join(DIRECTORIES), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TERM": "dumb"}
"""The whole environment of a program: untranslated output, nothing of the caller's."""

# /proc/sys answers that memory lacks when it is asked for megabytes at once.
_PIECE = 256 * 1024
_MOST_PIECES = 256

_REFUSALS = frozenset({errno.EACCES, errno.EPERM})
_ABSENCES = frozenset({errno.ENOENT, errno.ENOTDIR})

if TYPE_CHECKING:
    from prerequis_agent.clock import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Volume:
    """Size of a file system and what is left to an ordinary user, in bytes."""

    total_bytes: int
    free_bytes: int


class Host(NetworkDoor):
    """One machine; probes see nothing of it but this."""

    def __init__(
        self,
        root: Path = Path("/"),
        platform: str = sys.platform,
        surroundings: Surroundings | None = None,
        answers: Mapping[str, CommandResult] | None = None,
        windows: Windows | None = None,
    ) -> None:
        """`answers` gives, for a root of fixtures, what each command line (words joined by spaces) would answer.

        `windows` stands for the registry, CIM and the Windows API; without it they are the live ones.
        """
        self.root = root
        self.platform = platform
        self.surroundings = surroundings or Surroundings()
        self._answers = answers or {}
        self._shared: dict[str, str | None] = {}
        self._windows = windows

    @property
    def is_live(self) -> bool:
        """Whether this is the machine that the agent runs on, rather than a tree of fixtures."""
        return self.root == Path(self.root.anchor)

    def path(self, path: str) -> Path:
        r"""Return where an absolute path of the machine lies: `/…` below the root, `C:\…` below its folder `C`."""
        if "\\" not in path:
            return self.root / PurePosixPath(path).relative_to("/")
        windows = PureWindowsPath(path)
        return Path(path) if self.is_live else self.root.joinpath(windows.drive.rstrip(":"), *windows.parts[1:])

    # Files: None, False or an empty list mean absent; NotPermitted and Unreadable are raised.

    def read_bytes(self, path: str) -> bytes | None:
        """Return the content of a file, or None when there is no such file."""

        def content() -> bytes:
            with self.path(path).open("rb") as file:
                parts = [file.read(_PIECE)]
                while len(parts[-1]) == _PIECE and len(parts) * _PIECE <= MOST_BYTES:
                    parts.append(file.read(_PIECE))
                return b"".join(parts)

        found = _ask(path, content)
        if found is not None and len(found) > MOST_BYTES:
            raise Unreadable(f"{path} est trop long pour être lu.")
        return found

    def read_text(self, path: str) -> str | None:
        """Return the content of a UTF-8 file, undecodable bytes replaced, or None when there is no such file."""
        content = self.read_bytes(path)
        return None if content is None else content.decode(errors="replace")

    def read_pieces(self, path: str) -> Iterator[bytes]:
        """Give the content of a file of up to 64 MiB in pieces that are not kept; nothing when it is absent."""
        file = _ask(path, lambda: self.path(path).open("rb"))
        if file is None:
            return
        with file:
            for _ in range(_MOST_PIECES):
                piece = _ask(path, lambda: file.read(_PIECE))
                if not piece:
                    return
                yield piece
        raise Unreadable(f"{path} est trop long pour être lu.")

    def read_shared(self, path: str) -> str | None:
        """Return what `read_text` said when the first probe of this scan asked for this path.

        For what the kernel writes anew at each reading, and the longer the more the machine does: `/proc/net/tcp`.
        """
        if path not in self._shared:
            self._shared[path] = self.read_text(path)
        return self._shared[path]

    def exists(self, path: str) -> bool:
        """Return whether the path leads to something."""
        return _ask(path, self.path(path).stat) is not None

    def list_dir(self, path: str) -> list[str]:
        """Return the sorted names in a directory; an absent directory has none."""
        return sorted(_ask(path, lambda: [entry.name for entry in self.path(path).iterdir()]) or [])

    def read_link(self, path: str) -> str | None:
        """Return what a symbolic link says, or None when there is no such link."""
        return _ask(path, lambda: str(self.path(path).readlink()), also_absent=errno.EINVAL)

    def modified_at(self, path: str) -> datetime | None:
        """Return when a file was last written (UTC), or None when there is no such file."""
        status = _ask(path, self.path(path).stat)
        return None if status is None else datetime.fromtimestamp(status.st_mtime, UTC)

    def volume(self, path: str) -> Volume:
        """Return the size of the file system that carries a path."""
        self._require_live("la taille des volumes")
        usage = _ask(path, lambda: shutil.disk_usage(self.path(path)))
        if usage is None:
            raise Unsupported(f"Il n'y a pas de {path} sur ce poste.")
        return Volume(usage.total, usage.free)

    # Programs.

    def run(self, *argv: str, timeout: float = 5.0, may_be_silent: bool = False) -> CommandResult:
        """Run an allow-listed program, without a shell, in the C locale, and return how it ended.

        Raises Unsupported when the program is absent, or succeeds and says nothing though it always speaks: silence
        proves nothing. Raises NotPermitted when it may not be started, TimedOut when it was killed after `timeout`
        seconds, Unreadable when it wrote more than MOST_BYTES.
        """
        result = self._run(argv, timeout)
        if result.status == 0 and not may_be_silent and not (result.stdout.strip() or result.stderr.strip()):
            raise Unsupported(f"Le programme {argv[0]} n'a rien répondu : rien n'est vérifiable.")
        return result

    def run_in_pieces(self, *argv: str) -> Iterator[bytes]:
        """Give what an allow-listed program writes in pieces that are not kept; raises like `run`, which holds it all.

        Only the probe's own deadline ends a program that hangs.
        """
        program = self._program(argv)
        if program is None:
            return iter([self._answer(argv).stdout.encode()])
        return stream(program, argv, ENVIRONMENT)

    def _run(self, argv: tuple[str, ...], timeout: float) -> CommandResult:
        program = self._program(argv)
        return self._answer(argv) if program is None else execute(program, argv, ENVIRONMENT, timeout)

    def _program(self, argv: tuple[str, ...]) -> str | None:
        """Return where a program of the list is, or None below a root of fixtures, where `answers` stand for it."""
        if argv[0] not in PROGRAMS:
            raise ValueError(f"{argv[0]} is not in the list of programs that the agent may run")
        if not self.is_live:
            return None
        for place in DIRECTORIES:
            program = Path(place, argv[0] + _SUFFIX)
            if program.is_file():
                return str(program)
        raise Unsupported(f"Le programme {argv[0]} n'est pas installé.")

    def _answer(self, argv: tuple[str, ...]) -> CommandResult:
        try:
            return self._answers[" ".join(argv)]
        except KeyError:
            raise Unsupported(f"Le programme {argv[0]} n'est pas installé.") from None

    # Windows: each raises Unsupported elsewhere, NotPermitted when the account may not ask.

    def registry_value(self, key: str, name: str, *, view32: bool = False) -> RegistryValue | None:
        r"""Return a value of a key such as `HKLM\SOFTWARE\…` (HKLM, HKCU, HKU), or None when either is absent.

        The name "" is the key's default value; `view32` looks where 32-bit programs write.
        """
        return self._on_windows().registry_value(key, name, view32=view32)

    def registry_values(self, key: str, *, view32: bool = False) -> Mapping[str, RegistryValue] | None:
        """Return the values of a key by name, or None when the key is absent."""
        return self._on_windows().registry_values(key, view32=view32)

    def registry_keys(self, key: str, *, view32: bool = False) -> list[str] | None:
        """Return the names of the keys below a key, or None when it is absent."""
        return self._on_windows().registry_keys(key, view32=view32)

    def cim(
        self, namespace: str, class_name: str, *properties: str, where: Mapping[str, str | int | bool] | None = None
    ) -> list[Mapping[str, CimValue]]:
        """Return the named properties of each object of a class, such as `root/cimv2`, `Win32_Battery`.

        `where` keeps the objects whose properties equal these. Raises Unsupported where this Windows has no such
        namespace, class or property.
        """
        return self._on_windows().cim(namespace, class_name, properties, where or {})

    def win32(self) -> Win32:
        """Return the calls of the Windows API that neither the registry nor CIM replaces."""
        return self._on_windows().win32

    def _on_windows(self) -> Windows:
        if self.platform != "win32":
            raise Unsupported("Ce poste n'est pas sous Windows.")
        if self._windows is None:
            self._require_live("le registre ni l'interface de Windows")
            # Named, not imported: it exists for the type checker on Windows alone.
            live = importlib.import_module("prerequis_agent.windows.live")
            self._windows = cast(Windows, live.LiveWindows())
        return self._windows

    # Libraries that ask the live machine, loaded on first use.

    def clock(self) -> "Clock":
        """Return how Linux says that its clock stands; raises NotPermitted, or Unsupported where it says nothing."""
        self._require_live("l'état de l'horloge")
        if self.platform != "linux":
            raise Unsupported("Seul Linux dit si son horloge est juste.")
        from prerequis_agent.clock import kernel_clock

        return kernel_clock()

    def psutil(self) -> ModuleType:
        """Return psutil; raises Unsupported below a root of fixtures or when it is not installed."""
        return self._library("psutil", "Installer le paquet Python psutil sur ce poste.")

    def pcsc(self) -> Scard:
        """Return pyscard's interface to PC/SC; raises Unsupported, saying what to install, when it is missing."""
        remedy = "Installer python3-pyscard (Debian, Ubuntu) ou le paquet Python pyscard sur ce poste."
        return cast(Scard, self._library("smartcard.scard", remedy))

    def _library(self, name: str, remedy: str) -> ModuleType:
        self._require_live(name)
        try:
            return importlib.import_module(name)
        except ImportError:
            raise Unsupported(f"La bibliothèque {name} manque. {remedy}") from None

    def web_proxy(self, name: str, scheme: str) -> str:
        """Return how the system is set to reach a host by `http` or `https` through a proxy; empty: directly.

        A script that chooses a proxy is not run.
        """
        self._require_live("le mandataire")
        from prerequis_agent.system_proxy import setting  # urllib takes longer to load than most probes

        return setting(self, name, scheme)

    def _require_live(self, what: str) -> None:
        if not self.is_live:
            raise Unsupported(f"Un jeu d'essai ne donne pas {what}.")


def _ask(path: str, question: Callable[[], T], also_absent: int = errno.ENOENT) -> T | None:
    try:
        return question()
    except OSError as problem:
        if problem.errno in _ABSENCES or problem.errno == also_absent:
            return None
        if problem.errno in _REFUSALS:
            raise NotPermitted(f"Le compte de l'agent n'a pas le droit de lire {path}.") from None
        raise Unreadable(f"{path} ne se laisse pas lire ({why(problem)}).") from problem
