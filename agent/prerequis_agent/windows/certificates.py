"""The certificate stores of Windows, by CryptoAPI and ctypes: opened to read, and no private key is ever used."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import ctypes
from collections.abc import Iterator
from ctypes import wintypes

from prerequis_agent import igc_sante
from prerequis_agent.errors import Unsupported
from prerequis_agent.windows import sessions
from prerequis_agent.windows.api import StoredCertificate
from prerequis_agent.windows.failures import failure

_SUBJECT = "les certificats installés"
_PERSONAL = "MY"
_SYSTEM_STORES = 10  # CERT_STORE_PROV_SYSTEM_W
_READ_ONLY, _EXISTING = 0x8000, 0x4000
_PLACES = {"user": 0x10000, "machine": 0x20000}
_KEY_PROVIDER = 2  # CERT_KEY_PROV_INFO_PROP_ID
_NO_SUCH_STORE = 2  # ERROR_FILE_NOT_FOUND


class _Context(ctypes.Structure):
    """CERT_CONTEXT."""

    _fields_ = (
        ("encoding", wintypes.DWORD),
        ("encoded", ctypes.POINTER(ctypes.c_ubyte)),
        ("length", wintypes.DWORD),
        ("info", ctypes.c_void_p),
        ("store", ctypes.c_void_p),
    )


def personal(place: str) -> list[StoredCertificate]:
    """Return the certificates of the store MY of the user or the machine.

    Raises Unsupported for the user in the session of the services, whose user is nobody.
    """
    if place == "user" and sessions.own() == 0:
        raise Unsupported(
            "L'agent tourne en service : les certificats de l'utilisateur ne se voient que de sa session."
        )
    api = ctypes.WinDLL("crypt32", use_last_error=True)
    api.CertOpenStore.restype = ctypes.c_void_p
    api.CertOpenStore.argtypes = (ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p, wintypes.DWORD, wintypes.LPCWSTR)
    api.CertCloseStore.argtypes = (ctypes.c_void_p, wintypes.DWORD)
    store = api.CertOpenStore(_SYSTEM_STORES, 0, None, _PLACES[place] | _READ_ONLY | _EXISTING, _PERSONAL)
    if not store:
        number = ctypes.get_last_error()
        if number == _NO_SUCH_STORE:
            return []
        raise failure(number, _SUBJECT)
    try:
        return list(_certificates(api, store))
    finally:
        api.CertCloseStore(store, 0)


def _certificates(api: ctypes.WinDLL, store: int) -> Iterator[StoredCertificate]:
    context_type = ctypes.POINTER(_Context)
    following = api.CertEnumCertificatesInStore
    following.restype, following.argtypes = context_type, (ctypes.c_void_p, context_type)
    has_property = api.CertGetCertificateContextProperty
    has_property.argtypes = (context_type, wintypes.DWORD, ctypes.c_void_p, ctypes.POINTER(wintypes.DWORD))
    context = following(store, None)
    while context:
        found = igc_sante.read(ctypes.string_at(context.contents.encoded, context.contents.length))
        size = wintypes.DWORD()
        has_key = bool(has_property(context, _KEY_PROVIDER, None, ctypes.byref(size)))
        if found is None:
            yield StoredCertificate(igc_sante.Kind.OTHER.value, has_key)
        else:
            yield StoredCertificate(found.kind.value, has_key, found.ends_at, found.test)
        # It frees the one that it goes on from.
        context = following(store, context)
