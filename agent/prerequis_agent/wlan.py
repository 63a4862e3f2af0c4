"""Reads what systems say of a Wi-Fi connection, in their own numbers and words; names of networks are never kept."""

import html
import plistlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from xml.parsers.expat import ExpatError

from prerequis.v1.exposure_pb2 import Wifi
from prerequis_agent.attributes import fill
from prerequis_agent.errors import ParseError
from prerequis_agent.network_manager import Connection
from prerequis_agent.windows.api import WlanConnection

Authentication: TypeAlias = Wifi.Authentication.ValueType
Cipher: TypeAlias = Wifi.Cipher.ValueType

# DOT11_AUTH_ALGORITHM and DOT11_CIPHER_ALGORITHM of windot11.h.
_ALGORITHMS: Mapping[int, Authentication] = {
    1: Wifi.OPEN, 2: Wifi.WEP, 3: Wifi.WPA, 4: Wifi.WPA, 6: Wifi.WPA2_ENTERPRISE, 7: Wifi.WPA2_PERSONAL,
    8: Wifi.WPA3_ENTERPRISE, 9: Wifi.WPA3_PERSONAL, 10: Wifi.ENHANCED_OPEN, 11: Wifi.WPA3_ENTERPRISE,
}  # fmt: skip
_CIPHERS: Mapping[int, Cipher] = {
    0: Wifi.CLEAR, 1: Wifi.RC4, 2: Wifi.TKIP, 4: Wifi.CCMP, 5: Wifi.RC4, 8: Wifi.GCMP, 9: Wifi.GCMP, 10: Wifi.CCMP,
    0x101: Wifi.RC4,
}  # fmt: skip
# The words of a WLAN profile (Microsoft, "WLAN_profile Schema Elements", authEncryption).
_PROFILE_WORDS: Mapping[str, Authentication] = {
    "open": Wifi.OPEN, "shared": Wifi.WEP, "wpa": Wifi.WPA, "wpapsk": Wifi.WPA, "wpa2": Wifi.WPA2_ENTERPRISE,
    "wpa2psk": Wifi.WPA2_PERSONAL, "wpa3": Wifi.WPA3_ENTERPRISE, "wpa3ent": Wifi.WPA3_ENTERPRISE,
    "wpa3ent192": Wifi.WPA3_ENTERPRISE, "wpa3sae": Wifi.WPA3_PERSONAL, "owe": Wifi.ENHANCED_OPEN,
}  # fmt: skip
_PROFILE_CIPHERS: Mapping[str, Cipher] = {
    "none": Wifi.CLEAR, "wep": Wifi.RC4, "tkip": Wifi.TKIP, "aes": Wifi.CCMP, "gcmp256": Wifi.GCMP,
}  # fmt: skip
# `key-mgmt` of NetworkManager; wpa-psk and wpa-eap also reach older networks, so they prove nothing by themselves.
_KEY_MANAGEMENT: Mapping[str | None, Authentication] = {
    None: Wifi.OPEN, "none": Wifi.WEP, "ieee8021x": Wifi.WEP, "owe": Wifi.ENHANCED_OPEN, "sae": Wifi.WPA3_PERSONAL,
    "wpa-eap-suite-b-192": Wifi.WPA3_ENTERPRISE,
}  # fmt: skip
# What system_profiler puts behind `spairport_security_mode_`.
_SECURITY_MODES: Mapping[str, Authentication] = {
    "none": Wifi.OPEN, "wep": Wifi.WEP, "wpa_personal": Wifi.WPA, "wpa_enterprise": Wifi.WPA,
    "wpa2_personal": Wifi.WPA2_PERSONAL, "wpa2_enterprise": Wifi.WPA2_ENTERPRISE,
    "wpa3_personal": Wifi.WPA3_PERSONAL, "wpa3_enterprise": Wifi.WPA3_ENTERPRISE, "owe": Wifi.ENHANCED_OPEN,
}  # fmt: skip
_WEAK = frozenset({Wifi.OPEN, Wifi.WEP})
_PERSONAL = frozenset({Wifi.OPEN, Wifi.WEP, Wifi.WPA2_PERSONAL, Wifi.WPA3_PERSONAL, Wifi.ENHANCED_OPEN})


@dataclass(frozen=True, slots=True)
class Profile:
    """A network that the machine keeps; the name is for finding the one in use, and stays on the machine."""

    name: str
    authentication: Authentication | None
    cipher: Cipher | None
    ieee_802_1x: bool
    automatic: bool

    @property
    def is_weak(self) -> bool:
        """Whether the machine joins it by itself though it is open or WEP."""
        return self.automatic and not self.ieee_802_1x and self.authentication in _WEAK


def parse_profile(xml: str) -> Profile:
    """Return a WLAN profile of Windows; raises ParseError on another form."""
    # Windows writes these elements itself, without attributes; the first name is that of the profile.
    found = {name: value.strip() for name, value in reversed(re.findall(r"<(\w+)>([^<>]*)</\1>", xml))}
    if "authentication" not in found:
        raise ParseError("Un profil Wi-Fi n'a pas la forme attendue.")
    authentication = _PROFILE_WORDS.get(found["authentication"].lower())
    cipher = _PROFILE_CIPHERS.get(found.get("encryption", "").lower())
    return Profile(
        name=html.unescape(found.get("name", "")),
        authentication=_wep_or(authentication, cipher),
        cipher=cipher,
        ieee_802_1x=found.get("useOneX", "").lower() in ("true", "1"),
        automatic=found.get("connectionMode", "auto").lower() == "auto",
    )


def fill_from_windows(facts: Wifi, connection: WlanConnection) -> None:
    """Set what WlanQueryInterface says of the connection in use."""
    cipher = _CIPHERS.get(connection.cipher)
    fill(
        facts,
        authentication=_wep_or(_ALGORITHMS.get(connection.authentication), cipher),
        cipher=cipher,
        ieee_802_1x=connection.ieee_802_1x,
        signal_dbm=connection.signal_quality // 2 - 100,
        speed_bits_per_second=connection.receive_kilobits_per_second * 1000 or None,
    )


def fill_from_profile(facts: Wifi, profile: Profile) -> None:
    """Set what the profile of the connection in use says."""
    fill(facts, authentication=profile.authentication, cipher=profile.cipher, ieee_802_1x=profile.ieee_802_1x)


def authentication_of(connection: Connection) -> Authentication | None:
    """Return what a Wi-Fi connection of NetworkManager requires at least, or None when it accepts several."""
    kind = connection.value("wifi-security", "key-mgmt")
    if (connection.value("wifi-security", "proto") or "").strip(";") == "rsn":
        # RSN is WPA2 or better.
        return {"wpa-psk": Wifi.WPA2_PERSONAL, "wpa-eap": Wifi.WPA2_ENTERPRISE}.get(
            kind or "", _KEY_MANAGEMENT.get(kind)
        )
    return _KEY_MANAGEMENT.get(kind)


def is_weak(connection: Connection) -> bool:
    """Return whether NetworkManager joins a network by itself though it is open or WEP."""
    automatic = connection.value("connection", "autoconnect") != "false"
    return automatic and _KEY_MANAGEMENT.get(connection.value("wifi-security", "key-mgmt")) in _WEAK


def fill_from_network_manager(facts: Wifi, connection: Connection) -> None:
    """Set what the connection in use requires."""
    pairwise = (connection.value("wifi-security", "pairwise") or "").strip(";")
    authentication = authentication_of(connection)
    fill(
        facts,
        authentication=authentication,
        cipher=Wifi.CLEAR if authentication == Wifi.OPEN else {"ccmp": Wifi.CCMP, "tkip": Wifi.TKIP}.get(pairwise),
        ieee_802_1x="802-1x" in connection.settings,
    )


def parse_signal(text: str, interface: str) -> int | None:
    """Return the signal in dBm that /proc/net/wireless gives for an interface, or None."""
    found = re.search(rf"^\s*{re.escape(interface)}:\s+\S+\s+\S+\s+(-\d{{1,3}})\.?\s", text, re.MULTILINE)
    return int(found[1]) if found else None


def parse_system_profiler(content: bytes) -> Wifi:
    """Return what `system_profiler -xml SPAirPortDataType` says of the interface in use; raises ParseError."""
    try:
        interfaces = [
            interface
            for report in plistlib.loads(content)
            for item in report["_items"]
            for interface in item.get("spairport_airport_interfaces", [])
        ]
        current = [each.get("spairport_current_network_information") for each in interfaces]
        network = next(filter(None, current), None)
        facts = Wifi(present=bool(interfaces), connected=network is not None)
        if network is not None:
            _fill_from_macos(facts, network)
    except (plistlib.InvalidFileException, ExpatError, KeyError, TypeError, ValueError, AttributeError):
        raise ParseError("system_profiler ne décrit pas le Wi-Fi sous la forme attendue.") from None
    return facts


def _fill_from_macos(facts: Wifi, network: Mapping[str, object]) -> None:
    mode = str(network.get("spairport_security_mode", "")).removeprefix("spairport_security_mode_")
    authentication = _SECURITY_MODES.get(mode)
    signal = re.match(r"(-\d{1,3}) dBm", str(network.get("spairport_signal_noise", "")))
    rate = network.get("spairport_network_rate")
    fill(
        facts,
        authentication=authentication,
        ieee_802_1x=True if mode.endswith("enterprise") else False if authentication in _PERSONAL else None,
        frequency_mhz=frequency(str(network.get("spairport_network_channel", ""))),
        signal_dbm=int(signal[1]) if signal else None,
        speed_bits_per_second=rate * 1_000_000 if isinstance(rate, int) and 0 < rate < 1_000_000 else None,
    )


def frequency(channel: str) -> int | None:
    """Return the centre in MHz of a channel such as `36 (5GHz, 80MHz)` (IEEE 802.11, annex E), or None."""
    found = re.match(r"(\d{1,3}) \((2|5|6)GHz", channel)
    if not found:
        return None
    number = int(found[1])
    if found[2] == "2":
        return 2484 if number == 14 else 2407 + 5 * number
    return {"5": 5000, "6": 5950}[found[2]] + 5 * number


def _wep_or(authentication: Authentication | None, cipher: Cipher | None) -> Authentication | None:
    """Return WEP for what calls itself open and enciphers with RC4."""
    return Wifi.WEP if authentication == Wifi.OPEN and cipher == Wifi.RC4 else authentication
