"""Counts the folders that this machine offers, and those of others that it uses. Never a name."""

import re

from prerequis.v1.access_pb2 import Shares
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.descriptor import parse_allowances
from prerequis_agent.errors import NotPermitted, ParseError
from prerequis_agent.host import Host
from prerequis_agent.launchd import enabled_services
from prerequis_agent.plists import Plist, run_plist
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.samba import SAMBA_FILES, Share, offered_folders

# Win32_Share.Type of a folder; the administrative ones have the highest bit besides.
_FOLDER = 0
_RIGHTS = r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Shares\Security"
# Everyone, ANONYMOUS LOGON and Guests.
_ANYONE = frozenset({"S-1-1-0", "S-1-5-7", "S-1-5-32-546"})
# FILE_WRITE_DATA, GENERIC_ALL and GENERIC_WRITE (winnt.h).
_WRITE = 0x2 | 0x1000_0000 | 0x4000_0000
_GUEST, _DISABLED = 501, 0x2
_RUNNING = 4
_REMOTE = frozenset({"cifs", "smb3", "smbfs", "nfs", "nfs4", "fuse.sshfs", "fuse.davfs", "davfs", "afpfs", "webdav"})
_EXPORTS = "/etc/exports"
_POINTS = ("dscl", "-plist", ".", "-readall", "/SharePoints", "smb_shared", "smb_guestaccess")

_LABELS = {
    "offered": "dossiers partagés", "writable_by_everyone": "partages modifiables par tous",
    "open_to_guests": "partages ouverts aux invités", "mounted": "partages utilisés",
}  # fmt: skip


def observe(host: Host) -> Observation:
    """Return the counts; raises NotPermitted or Unsupported when nothing is known."""
    facts = Shares()
    attributes = Attributes(host)
    if host.platform == "win32":
        _fill_from_windows(host, attributes, facts)
    elif host.platform == "darwin":
        with attributes.part():
            _fill_from_macos(host, facts)
        with attributes.part():
            facts.mounted = count_mounted(host.run("mount").stdout)
    else:
        with attributes.part():
            _fill_from_servers(_folders(host), facts)
        mounts = attributes.text("/proc/mounts")
        if mounts:
            facts.mounted = sum(line.split()[2] in _REMOTE for line in mounts.splitlines() if len(line.split()) > 2)
    if facts == Shares():
        raise attributes.absence("ses partages")
    return Observation(facts, attributes.detail(facts, _LABELS))


def _fill_from_windows(host: Host, attributes: Attributes, facts: Shares) -> None:
    with attributes.part():
        rows = host.cim("root/cimv2", "Win32_Share", "Name", "Type")
        if not rows and _serves(host):
            # A server always offers IPC$.
            raise ParseError("Windows ne liste aucun partage : rien n'est vérifiable.")
        names = [str(row["Name"]) for row in rows if row["Type"] == _FOLDER and not str(row["Name"]).endswith("$")]
        facts.offered = len(names)
        _fill_from_rights(host, names, facts)
    with attributes.part():
        person = host.win32().console_user()
        # The drives that a session connects again at each opening; those of the agent's own session say nothing.
        drives = attributes.subkeys(rf"HKU\{person.sid}\Network") if person and person.sid else None
        fill(facts, mounted=None if drives is None else len(drives))


def _serves(host: Host) -> bool:
    server = host.win32().service("LanmanServer")
    return server is not None and server.state == _RUNNING


def _fill_from_rights(host: Host, names: list[str], facts: Shares) -> None:
    """Fill what the rights on the shares allow; those on the files, which may be narrower, are not read."""
    try:
        rights = [host.registry_value(_RIGHTS, name) for name in names]
    except NotPermitted:
        raise NotPermitted("Les droits des partages ne se voient qu'en administrateur.") from None
    if any(not isinstance(right, bytes) for right in rights):
        raise ParseError("Windows ne montre pas les droits de tous les partages.")
    allowances = [parse_allowances(right) for right in rights if isinstance(right, bytes)]
    for_anyone = [
        0xFFFF_FFFF if allowed is None else sum({one.mask for one in allowed if one.sid in _ANYONE})
        for allowed in allowances
    ]
    facts.writable_by_everyone = sum(bool(mask & _WRITE) for mask in for_anyone)
    # Everyone takes the guest in, whose account must be enabled to be one.
    guests = any(one.rid == _GUEST and not one.flags & _DISABLED for one in host.win32().local_accounts())
    facts.open_to_guests = sum(bool(mask) for mask in for_anyone) if guests else 0


def _fill_from_servers(shares: list[Share], facts: Shares) -> None:
    facts.offered = len(shares)
    facts.open_to_guests = sum(share.to_guests for share in shares)
    facts.writable_by_everyone = sum(share.writable_by_everyone for share in shares)


def _folders(host: Host) -> list[Share]:
    try:
        return offered_folders(host) + _exports(host)
    except NotPermitted:
        raise NotPermitted("Seul root voit les partages des utilisateurs : relancer l'agent avec sudo.") from None


def _exports(host: Host) -> list[Share]:
    """Return the folders that a running NFS server offers; its threads are on the line `th` of its statistics."""
    threads = re.search(r"^th ([0-9]+)", host.read_text("/proc/net/rpc/nfsd") or "", re.MULTILINE)
    if not threads or threads[1] == "0":
        return []
    parts = [f"{_EXPORTS}.d/{name}" for name in host.list_dir(f"{_EXPORTS}.d") if name.endswith(".exports")]
    paths = [_EXPORTS, *parts]
    return [share for path in paths for share in parse_exports(host.read_text(path) or "")]


def parse_exports(text: str) -> list[Share]:
    """Return the folders of exports(5); NFS knows no guest, and `*` or no name is every machine."""
    lines = [re.sub(r"#.*$", "", line).split() for line in text.replace("\\\n", " ").splitlines()]
    return [
        Share(to_guests=False, writable_by_everyone=any(re.match(r"\*?\((?:.*,)?rw\b", client) for client in line[1:]))
        for line in lines
        if line
    ]


def _fill_from_macos(host: Host, facts: Shares) -> None:
    if not enabled_services(host).get("com.apple.smbd", False):
        facts.offered = facts.open_to_guests = facts.writable_by_everyone = 0
        return
    points = parse_points(run_plist(host, *_POINTS))
    facts.offered, facts.open_to_guests = len(points), sum(points)


def parse_points(answer: Plist) -> list[bool]:
    """Return, for each folder that `dscl` says is shared by SMB, whether guests may open it."""
    if not isinstance(answer, list):
        raise ParseError("dscl ne liste pas les partages.")
    points = []
    for record in answer:
        shared, guests = (
            record.get(f"dsAttrTypeNative:{name}") if isinstance(record, dict) else None
            for name in ("smb_shared", "smb_guestaccess")
        )
        if shared == ["1"]:
            points.append(guests == ["1"])
    return points


def count_mounted(answer: str) -> int:
    """Return how many folders of other machines `mount` lists; raises ParseError when it lists nothing at all."""
    kinds = re.findall(r"^.* on .* \(([a-z0-9]+)[,)]", answer, re.MULTILINE)
    if not kinds:
        raise ParseError("mount ne liste aucun volume.")
    return sum(kind in _REMOTE for kind in kinds)


PROBE = Probe(
    name="shares",
    observe=observe,
    about="Dossiers partagés, en nombre : ouverts à tous, aux invités.",
    administrator="les droits des partages (Windows)",
    reads=("/proc/mounts", "/proc/net/rpc/nfsd", _EXPORTS, f"{_EXPORTS}.d/*", *SAMBA_FILES),
    commands=("launchctl", "dscl", "mount"),
    registry=(_RIGHTS, r"HKU\*\Network"),
    cim=("root/cimv2:Win32_Share",),
    win32=("console_user", "local_accounts", "service"),
)
