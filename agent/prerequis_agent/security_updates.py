"""Counts the packages of Debian and its kin for which a security update waits, from the lists that apt last fetched.

apt itself would take seconds of processor time to answer. Like it, this takes a package for outdated when a security
suite offers a higher version; unlike it, it also counts a package that its administrator holds back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import ParseError
from prerequis_agent.host import Host

LISTS = "/var/lib/apt/lists"
STATUS = "/var/lib/dpkg/status"

READS = (f"{LISTS}/*-security_*_Packages*", STATUS)
"""What is read; everyone may."""

COMMANDS = ("apt-helper",)
"""What is run: apt's own program, which unpacks a list that is kept compressed."""

# apt writes address, suite and component with _ for /: …_dists_bookworm-security_main_binary-amd64_Packages.
_SECURITY_LIST = re.compile(r".*_dists_[a-z0-9.-]+-security_.*_binary-([a-z0-9-]+)_Packages(\.[a-z0-9]+)?")
_STANZA = b"\nPackage: "
_INSTALLED = "\nStatus: install ok installed\n", "\nStatus: hold ok installed\n"

Key = tuple[tuple[tuple[int, ...], int], ...]
Installed = Mapping[tuple[str, str], str]
"""Versions by name and architecture."""


def count(host: Host, attributes: Attributes) -> int | None:
    """Return how many packages wait for a security update; None where apt has fetched no list of such updates.

    Raises NotPermitted, Unreadable, Unsupported or ParseError when one of those lists cannot be read.
    """
    lists = [(name, found) for name in attributes.names(LISTS) or [] if (found := _SECURITY_LIST.fullmatch(name))]
    if not lists:
        return None
    installed = parse_installed(host.read_text(STATUS) or "")
    outdated: set[tuple[str, str]] = set()
    for name, found in lists:
        path = f"{LISTS}/{name}"
        pieces = host.run_in_pieces("apt-helper", "cat-file", path) if found[2] else host.read_pieces(path)
        outdated |= parse_outdated(pieces, installed, found[1])
    return len(outdated)


def parse_installed(text: str) -> Installed:
    """Return the packages that /var/lib/dpkg/status says are installed; raises ParseError when it tells of none."""
    found = {}
    for stanza in ("\n" + text).split("\nPackage: "):
        if any(state in stanza for state in _INSTALLED):
            version, architecture = _field(stanza, "Version"), _field(stanza, "Architecture")
            if version and architecture:
                found[stanza.partition("\n")[0], architecture] = version
    if not found:
        raise ParseError("L'état de dpkg ne liste aucun paquet installé.")
    return found


def parse_outdated(pieces: Iterable[bytes], installed: Installed, architecture: str) -> set[tuple[str, str]]:
    """Return which installed packages a list of an architecture has a higher version of.

    Raises ParseError when the list is empty: nothing then says that nothing waits.
    """
    names = {name.encode() for name, _ in installed}
    outdated = set()
    empty = True
    for stanza in _stanzas(pieces):
        empty = False
        name = stanza[: stanza.find(b"\n")]
        if name not in names:
            continue
        text = stanza.decode(errors="replace")
        offered, package = _field(text, "Version"), text.partition("\n")[0]
        # A package for all architectures may become one of this architecture, and back.
        for kind in (architecture, "all"):
            version = installed.get((package, kind))
            if version and offered and sort_key(version) < sort_key(offered):
                outdated.add((package, kind))
    if empty:
        raise ParseError("La liste des mises à jour de sécurité est vide : elles ne sont pas comptées.")
    return outdated


def _stanzas(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Give what follows `Package: ` in each stanza of a list that comes in pieces."""
    rest = b"\n"
    for piece in pieces:
        rest += piece
        last = rest.rfind(_STANZA)
        if last > 0:
            yield from rest[:last].split(_STANZA)[1:]
            rest = rest[last:]
    yield from rest.split(_STANZA)[1:]


def _field(stanza: str, name: str) -> str | None:
    # Sought, not matched: there are thousands of stanzas, and a search by regular expression costs ten times as much.
    _, _, rest = stanza.partition(f"\n{name}: ")
    return rest.partition("\n")[0].strip() or None


def sort_key(version: str) -> tuple[int, Key, Key]:
    """Return what puts versions in the order of deb-version(7); raises ParseError on an epoch that is no number."""
    epoch, colon, rest = version.partition(":")
    upstream, dash, revision = (rest if colon else version).rpartition("-")
    if not dash:
        upstream, revision = revision, "0"
    try:
        return int(epoch) if colon else 0, _parts(upstream), _parts(revision)
    except ValueError:
        raise ParseError("Un paquet a une version illisible.") from None


def _parts(text: str) -> Key:
    # The tilde comes before the end of a part, letters before all other signs.
    weights = {"~": -1}
    return tuple(
        ((*(weights.get(sign, ord(sign) + (0 if sign.isalpha() else 256)) for sign in signs), 0), int(digits or 0))
        for signs, digits in re.findall(r"([^0-9]*)([0-9]*)", text)
    )
