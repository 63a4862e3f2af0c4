"""The certificate store of the user, for real: what is put into it comes back without a name."""

import sys

assert sys.platform == "win32"

import ctypes
import hashlib
import winreg
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes
from datetime import UTC, datetime

import pytest
from tests.agent.card_files import NAMES, certificate

from prerequis.v1.certificate_stores_pb2 import CertificateStores, StoredCertificates
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probes.certificate_stores import PROBE
from prerequis_agent.windows import sessions
from prerequis_agent.windows.api import StoredCertificate

_X509, _ADD_ALWAYS, _SYSTEM_STORES, _CURRENT_USER, _KEY_PROVIDER = 1, 4, 10, 0x10000, 2
_CERTIFICATES = r"Software\Microsoft\SystemCertificates\MY\Certificates"
ENDS = datetime(2029, 5, 17, 22, tzinfo=UTC)


class _KeyProvider(ctypes.Structure):
    """CRYPT_KEY_PROV_INFO."""

    _fields_ = (
        ("container", wintypes.LPCWSTR),
        ("provider", wintypes.LPCWSTR),
        ("type", wintypes.DWORD),
        ("flags", wintypes.DWORD),
        ("parameters", wintypes.DWORD),
        ("parameter", ctypes.c_void_p),
        ("key", wintypes.DWORD),
    )


@contextmanager
def stored(der: bytes, *, with_key: bool) -> Iterator[None]:
    """A certificate in the user's store MY for the time of a `with`."""
    api = ctypes.WinDLL("crypt32", use_last_error=True)
    api.CertOpenStore.restype = api.CertCreateCertificateContext.restype = ctypes.c_void_p
    api.CertOpenStore.argtypes = (ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p, wintypes.DWORD, wintypes.LPCWSTR)
    context = ctypes.c_void_p(api.CertCreateCertificateContext(_X509, der, len(der)))
    if with_key:
        provider = _KeyProvider("prerequis-tests", "Microsoft Enhanced Cryptographic Provider v1.0", 1, 0, 0, None, 1)
        assert api.CertSetCertificateContextProperty(context, _KEY_PROVIDER, 0, ctypes.byref(provider))
    store = ctypes.c_void_p(api.CertOpenStore(_SYSTEM_STORES, 0, None, _CURRENT_USER, "MY"))
    assert api.CertAddCertificateContextToStore(store, context, _ADD_ALWAYS, None)
    # Wine writes it to the registry once the store is closed.
    assert api.CertCloseStore(store, 0)
    try:
        yield
    finally:
        thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
        winreg.DeleteKey(winreg.HKEY_CURRENT_USER, rf"{_CERTIFICATES}\{thumbprint}")
        api.CertFreeCertificateContext(context)


def test_the_certificates_of_the_user_are_told_without_a_name() -> None:
    before = Host().win32().certificates("user")
    with (
        stored(certificate(ends=ENDS), with_key=True),
        stored(certificate(issuer="Une autre autorité"), with_key=False),
    ):
        found = Host().win32().certificates("user")
    added = [each for each in found if each not in before]
    assert sorted(added, key=lambda each: each.kind) == [
        StoredCertificate("CARD", has_key=True, ends_at=ENDS),
        StoredCertificate("OTHER", has_key=False, ends_at=ENDS),
    ]
    assert not any(name in repr(found) for name in NAMES)
    assert Host().win32().certificates("user") == before


def test_the_probe_counts_them_by_kind_and_month() -> None:
    with stored(certificate(ends=ENDS), with_key=True):
        facts = PROBE.observe(Host()).facts
    assert isinstance(facts, CertificateStores)
    (card,) = [store for store in facts.stores if store.kind == StoredCertificates.CARD]
    assert (card.count, card.with_key, card.expired, card.test, card.machine_store) == (1, 1, 0, 0, False)
    assert card.last_end.ToDatetime() == datetime(2029, 5, 1)


def test_the_store_of_the_machine_shows_itself() -> None:
    assert isinstance(Host().win32().certificates("machine"), list)


def test_a_service_does_not_take_its_own_store_for_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "own", lambda: 0)
    with pytest.raises(Unsupported, match="session"):
        Host().win32().certificates("user")
