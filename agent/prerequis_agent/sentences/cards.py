"""The chain from the reader to the certificates."""

from prerequis.v1.certificate_stores_pb2 import CertificateStores
from prerequis.v1.facts_pb2 import Smartcard
from prerequis.v1.middleware_pb2 import Middleware
from prerequis_agent.sentences.french import count, joined, s, said


def smartcard(facts: Smartcard) -> str:
    """Return the phrase."""
    known = all(reader.HasField("card_present") for reader in facts.readers)
    cards = sum(reader.card_present for reader in facts.readers)
    return joined(count(len(facts.readers), "lecteur"), count(cards, "carte") if known else "cartes inconnues")


def middleware(facts: Middleware) -> str:
    """Return the phrase."""
    cryptolib = facts.cryptolib
    return joined(
        said(cryptolib, "present", f"Cryptolib CPS {cryptolib.version}".strip(), "pas de Cryptolib CPS"),
        said(facts, "galss", "GALSS"),
        said(facts, "atsam", "ATSAM"),
        f"{count(len(facts.legacy_libraries.names), 'bibliothèque ancienne', 'bibliothèques anciennes')}"
        if facts.legacy_libraries.names
        else "",
        f"pcsc-lite {facts.pcsc_lite_version}" if facts.pcsc_lite_version else "",
        said(facts, "remote_session", "session à distance"),
    )


def certificate_stores(facts: CertificateStores) -> str:
    """Return the phrase."""
    held, expired = (sum(getattr(store, name) for store in facts.stores) for name in ("count", "expired"))
    return joined(count(held, "certificat"), f"{expired} expiré{s(expired)}" if expired else "")
