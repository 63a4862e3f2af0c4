"""Observes what stands between a card and the DUI: Cryptolib CPS, GALSS, the service PC/SC and its reader driver.

Keys and files are those of the ANS (specification of the MSI 3.3.4, annexe B; files of the RPM and PKG 5.2; `.reg`
files that turn the traces on and off). No library is loaded: Cryptolib writes to its card cache when it is. The cache
and the logs hold card numbers and are never listed.
"""

import re
from collections.abc import Iterator

from prerequis.v1.middleware_pb2 import Cryptolib, LibraryNames, Middleware, RegisteredCard, RegisteredCards
from prerequis_agent import programs
from prerequis_agent.attributes import Attributes, fill
from prerequis_agent.errors import NotPermitted
from prerequis_agent.host import Host
from prerequis_agent.plists import parse_settings
from prerequis_agent.probe import Observation, Probe

_WINDOWS_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_CSP = r"HKLM\SOFTWARE\Microsoft\Cryptography\Defaults\Provider\ASIP Sante Cryptographic Provider"
_PKCS11_MODULES = (r"HKLM\SOFTWARE\Mozilla\PKCS11Modules\cps3", r"HKLM\SOFTWARE\Mozilla\PKCS11Modules\cps3_x86")
_CCM = r"HKLM\SOFTWARE\ASIP Sante\CCM"
# Cards that Windows knows by their answer to reset; the value 80000001 names a minidriver (Smart Card Minidriver
# Specification of Windows). Those of the ANS bear its mark, or are served by its CSP.
_CALAIS = r"HKLM\SOFTWARE\Microsoft\Cryptography\Calais\SmartCards"
_ANS_MARK, _ANS_CSP, _MINIDRIVER = bytes.fromhex("001225006480"), "ASIP Sante", "80000001"
_TRACES = (r"ASIP Sante\PKCS11", r"ASIP Sante\CSP")
# CPS2ter through GALSS, then CPS2ter through PC/SC.
_LEGACY = ("cps_pkcs11_w32.dll", "cps_pkcs11_pcsc_w32.dll")
_SERVICE = "SCardSvr"
_STARTS = {2: Middleware.AUTOMATIC, 3: Middleware.ON_DEMAND, 4: Middleware.DISABLED}

_LINUX_FIREFOX = "/usr/lib64/mozilla/pkcs11-modules/cps3.json"
_LINUX_SETTINGS = "/etc/opt/santesocial/CPS/cps3_pkcs11.conf"
_MACOS_SETTINGS = "/Library/Preferences/santesocial/CPS/cps3_pkcs11.conf"
_MACOS_LEGACY = "/Library/Frameworks/cps3.framework"
_MACOS_DRIVER_CHOICE = "/Library/Preferences/com.apple.security.smartcard.plist"
_GALSS_FOLDER = "/usr/local/galss"
_GALSS_SETTINGS = {"win32": r"C:\Windows\galss.ini", "darwin": "/Library/Preferences/galss.ini"}
# The installers of the health insurance leave a version, as six digits, and the name of what they installed.
_INSTALLED = {
    "linux": "/var/opt/santesocial/commun/adm",
    "darwin": "/Library/Application Support/santesocial/commun/adm",
}
_CRYPTOLIB_LABEL = "CRYPTOLIB_CPS"
# Cryptolib's own package puts its table of readers there.
_CRYPTOLIB_IN_GALSS_FOLDER = "libcptab"
_UNITS = "/etc/systemd/system"
_CCID_BUNDLES = tuple(
    f"{place}/ifd-ccid.bundle/Contents/Info.plist"
    for place in ("/usr/lib/pcsc/drivers", "/usr/lib64/pcsc/drivers", "/usr/libexec/SmartCardServices/drivers")
)

_VERSION = re.compile(r"v?([0-9]{1,9}(?:\.[0-9]{1,9})+)")
_TRACES_BLOCK = re.compile(r"\btraces\s*\{([^}]*)\}")
_CHANNEL = re.compile(r"\s*Caracteristiques\s*=[\s\"]*(.+)", re.IGNORECASE)
_SERIAL_PORT = re.compile(r"COM[0-9]+\b|/dev/(?:tty|cu)", re.IGNORECASE)
_ADM = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})\s+(\S+)")


def parse_version(text: str) -> tuple[int, ...]:
    """Return the numbers of a version such as v05.02.02, or none of a text that begins with no version."""
    found = _VERSION.match(text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def parse_traces(text: str) -> bool:
    """Return whether a cps3_pkcs11.conf turns traces on: `active` true, or a level of `debug` above 0."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    block = _TRACES_BLOCK.search("\n".join(lines))
    settings = dict(re.findall(r"(\w+)\s*=\s*\"?(\w+)", block[1])) if block else {}
    return settings.get("active", "")[:1] in {*"tTyY1"} or settings.get("debug", "0").strip("0") != ""


def parse_galss(text: str) -> bool | None:
    """Return whether a galss.ini sends a channel to a serial port; None when it describes no channel."""
    # On macOS its lines end with a carriage return alone.
    channels = [found[1] for line in text.splitlines() if (found := _CHANNEL.match(line))]
    return any(_SERIAL_PORT.match(channel) for channel in channels) if channels else None


def parse_adm(text: str) -> str | None:
    """Return the version of Cryptolib CPS that an inventory file `.adm` tells, or None when it speaks of another."""
    found = _ADM.match(text.strip())
    if not found or _CRYPTOLIB_LABEL not in found[4]:
        return None
    return ".".join(str(int(part)) for part in found.groups()[:3])


def observe(host: Host) -> Observation:
    """Return the middleware that is there; raises ProbeError when nothing of it can be seen."""
    attributes = Attributes(host)
    facts = Middleware()
    with attributes.part():
        _fill_from_programs(programs.inventory(host), facts)
    if host.platform == "win32":
        _on_windows(host, attributes, facts)
    else:
        # Windows alone shows the readers of the far end.
        facts.remote_session = False
    if host.platform == "linux":
        _on_linux(host, attributes, facts)
    elif host.platform == "darwin":
        _on_macos(host, attributes, facts)
    if host.platform in _GALSS_SETTINGS:
        with attributes.part():
            settings = host.read_bytes(_GALSS_SETTINGS[host.platform])
            fill(facts, galss_on_serial_port=parse_galss(settings.decode("cp1252", "replace")) if settings else None)
    for bundle in _CCID_BUNDLES if host.platform != "win32" else ():
        with attributes.part():
            content = host.read_bytes(bundle)
            version = parse_settings(content).get("CFBundleShortVersionString") if content else None
            fill(facts, ccid_version=version if isinstance(version, str) else None)
    if not facts.ListFields():
        raise attributes.absence("les composants de carte à puce")
    if facts.cryptolib.present and not facts.cryptolib.HasField("version"):
        told = "La Cryptolib CPS est là, mais rien ne dit sa version."
    else:
        told = ""
    return Observation(facts, " ".join(filter(None, [told, attributes.detail(facts, {})])))


def _fill_from_programs(found: programs.Inventory, facts: Middleware) -> None:
    middleware = {each.program.id: each for each in found.of("middleware")}
    facts.cryptolib.present = "cryptolib" in middleware
    versions = [parse_version(each.version) for each in found.found if each.program.id == "cryptolib" and each.version]
    oldest = min(filter(None, versions), default=None)
    if oldest:
        facts.cryptolib.version = ".".join(map(str, oldest))
    facts.galss, facts.atsam = "galss" in middleware, "atsam" in middleware
    if "pcscd" in middleware:
        fill(facts, pcsc_lite_version=middleware["pcscd"].version)


# Windows.


def _on_windows(host: Host, attributes: Attributes, facts: Middleware) -> None:
    folder = attributes.string(_WINDOWS_VERSION, "SystemRoot") or r"C:\Windows"
    with attributes.part():
        facts.legacy_libraries.CopyFrom(LibraryNames(names=_legacy_on_windows(host, folder)))
    with attributes.part():
        service = host.win32().service(_SERVICE)
        fill(facts, service_start=_STARTS.get(service.start) if service else None)
    with attributes.part():
        facts.remote_session = host.win32().remote_session()
    with attributes.part():
        if _is_there(host, _CALAIS):
            facts.registered_cards.CopyFrom(RegisteredCards(cards=_registered_cards(host)))
    if facts.cryptolib.present:
        _fill_cryptolib(host, attributes, facts.cryptolib, folder)


def _legacy_on_windows(host: Host, folder: str) -> list[str]:
    places = [rf"{folder}\{system}" for system in ("System32", "SysWOW64")]
    return [name for name in _LEGACY if any(host.exists(rf"{place}\{name}") for place in places)]


def _fill_cryptolib(host: Host, attributes: Attributes, cryptolib: Cryptolib, folder: str) -> None:
    with attributes.part():
        # The 32-bit view alone would leave 64-bit browsers without it.
        cryptolib.csp_registered = host.registry_values(_CSP) is not None
    with attributes.part():
        cryptolib.pkcs11_registered = any(_is_there(host, key) for key in _PKCS11_MODULES)
    with attributes.part():
        cryptolib.ccm = _is_there(host, _CCM)
    with attributes.part():
        calls = host.win32()
        version = calls.file_version(rf"{folder}\System32\cps3_pkcs11_w64.dll")
        version = version or calls.file_version(rf"{folder}\System32\cps3_pkcs11_w32.dll")
        fill(cryptolib, pkcs11_version=version)
    with attributes.part():
        fill(cryptolib, traces=_traced_on_windows(host, attributes))


def _registered_cards(host: Host) -> Iterator[RegisteredCard]:
    """Give the cards of the ANS that Windows is told of, each once though both views tell of it."""
    seen: list[RegisteredCard] = []
    for view32 in (False, True):
        for name in host.registry_keys(_CALAIS, view32=view32) or []:
            values = host.registry_values(rf"{_CALAIS}\{name}", view32=view32) or {}
            atr, mask, csp = values.get("ATR"), values.get("ATRMask", b""), values.get("Crypto Provider", "")
            if not isinstance(atr, bytes) or not isinstance(mask, bytes):
                continue
            by_ans = isinstance(csp, str) and _ANS_CSP in csp
            card = RegisteredCard(atr=atr, mask=mask, csp=by_ans, minidriver=_MINIDRIVER in values)
            if (by_ans or _ANS_MARK in atr) and card not in seen:
                seen.append(card)
                yield card


def _is_there(host: Host, key: str) -> bool:
    return any(host.registry_values(key, view32=view32) is not None for view32 in (False, True))


def _traced_on_windows(host: Host, attributes: Attributes) -> bool | None:
    """Return whether a value asks for traces; None when none does, but one was not shown."""
    refused = False
    for hive, view32 in [("HKLM", False), ("HKLM", True), *((hive, False) for hive in attributes.hives())]:
        for key in _TRACES:
            try:
                values = host.registry_values(rf"{hive}\SOFTWARE\{key}", view32=view32) or {}
            except NotPermitted:
                refused = True
                continue
            if any(isinstance(level, int) and level for name, level in values.items() if name in ("Traces", "Debug")):
                return True
    return None if refused else False


# Linux and macOS.


def _on_linux(host: Host, attributes: Attributes, facts: Middleware) -> None:
    # Those of CPS2ter were for Windows and macOS.
    facts.legacy_libraries.SetInParent()
    with attributes.part():
        facts.galss = any(not name.startswith(_CRYPTOLIB_IN_GALSS_FOLDER) for name in host.list_dir(_GALSS_FOLDER))
    with attributes.part():
        start = next(_linux_starts(host), None)
        if start is not None:
            facts.service_start = start
    if facts.cryptolib.present:
        with attributes.part():
            facts.cryptolib.pkcs11_registered = host.exists(_LINUX_FIREFOX)
        _fill_installed_version(host, attributes, facts.cryptolib)
        _fill_traces(host, attributes, facts.cryptolib, _LINUX_SETTINGS)


def _linux_starts(host: Host) -> Iterator[Middleware.ServiceStart.ValueType]:
    """Give how systemd starts pcscd, what weighs most first; a masked unit is a link to nowhere."""
    if "/dev/null" in (host.read_link(f"{_UNITS}/pcscd.socket"), host.read_link(f"{_UNITS}/pcscd.service")):
        yield Middleware.DISABLED
    if host.read_link(f"{_UNITS}/multi-user.target.wants/pcscd.service"):
        yield Middleware.AUTOMATIC
    if host.read_link(f"{_UNITS}/sockets.target.wants/pcscd.socket"):
        yield Middleware.ON_DEMAND


def _on_macos(host: Host, attributes: Attributes, facts: Middleware) -> None:
    with attributes.part():
        legacy = [_MACOS_LEGACY.rpartition("/")[2]] if host.exists(_MACOS_LEGACY) else []
        facts.legacy_libraries.CopyFrom(LibraryNames(names=legacy))
    with attributes.part():
        chosen = host.read_bytes(_MACOS_DRIVER_CHOICE)
        facts.ifd_ccid_chosen = bool(parse_settings(chosen).get("useIFDCCID")) if chosen else False
    if facts.cryptolib.present:
        _fill_installed_version(host, attributes, facts.cryptolib)
        _fill_traces(host, attributes, facts.cryptolib, _MACOS_SETTINGS)


def _fill_installed_version(host: Host, attributes: Attributes, cryptolib: Cryptolib) -> None:
    """Take the version from what its installer left, where no package tells it."""
    if cryptolib.HasField("version"):
        return
    with attributes.part():
        folder = _INSTALLED[host.platform]
        files = [name for name in host.list_dir(folder) if name.lower().endswith(".adm")]
        told = [parse_adm(host.read_text(f"{folder}/{name}") or "") for name in files]
        fill(cryptolib, version=min(filter(None, told), key=parse_version, default=None))


def _fill_traces(host: Host, attributes: Attributes, cryptolib: Cryptolib, settings: str) -> None:
    with attributes.part():
        cryptolib.traces = parse_traces(host.read_text(settings) or "")


PROBE = Probe(
    name="middleware",
    observe=observe,
    about="Logiciels de carte CPx d'une liste fermée et leur version.",
    reads=(
        *programs.READS,
        *(rf"C:\Windows\{system}\{name}" for system in ("System32", "SysWOW64") for name in _LEGACY),
        _LINUX_FIREFOX,
        _LINUX_SETTINGS,
        _MACOS_SETTINGS,
        _MACOS_LEGACY,
        _MACOS_DRIVER_CHOICE,
        _GALSS_FOLDER,
        *_GALSS_SETTINGS.values(),
        *(f"{folder}/*" for folder in _INSTALLED.values()),
        *(f"{_UNITS}/{unit}" for unit in ("pcscd.socket", "pcscd.service")),
        f"{_UNITS}/multi-user.target.wants/pcscd.service",
        f"{_UNITS}/sockets.target.wants/pcscd.socket",
        *_CCID_BUNDLES,
    ),
    commands=programs.COMMANDS,
    registry=(
        *programs.REGISTRY,
        _WINDOWS_VERSION,
        _CSP,
        *_PKCS11_MODULES,
        _CCM,
        _CALAIS,
        rf"{_CALAIS}\*",
        *(rf"{hive}\SOFTWARE\{key}" for hive in ("HKLM", r"HKU\*", "HKCU") for key in _TRACES),
    ),
    win32=("file_version", "remote_session", "service"),
)
