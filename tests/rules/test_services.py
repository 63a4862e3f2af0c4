"""What a network administrator reads of a service that a site does not reach, and which services count."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from tests.rules.strategies import messages

from prerequis.v1.context_pb2 import SiteService, SiteServices
from prerequis.v1.facts_pb2 import Endpoint, EndpointPath
from prerequis.v1.register_pb2 import Profile, ProfileHost
from prerequis.v1.services_pb2 import CRL, OCSP, TCP, TLS
from prerequis_rules.load import load_knowledge
from prerequis_rules.messages import moment
from prerequis_rules.services import described

KNOWLEDGE = load_knowledge()
SINCE = moment(datetime(2026, 11, 12, 7, 0, tzinfo=UTC))
PSC = "auth.esw.esante.gouv.fr"
FILTERED = EndpointPath(reachable=False, failure=Endpoint.TIMED_OUT)
REFUSED = EndpointPath(reachable=False, failure=Endpoint.REFUSED)


def one(endpoint: Endpoint, profile: Profile | None = None) -> SiteService:
    services = SiteServices(asked=[SiteService(endpoint=endpoint, since=SINCE)])
    return described(services, profile or Profile(insi=Profile.CARD), KNOWLEDGE).asked[0]


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        (Endpoint(host=PSC, port=443), True),
        (Endpoint(host=PSC, port=443, through_proxy=True), False),
        (Endpoint(host="dui.test", port=1521, protocol=TCP), False),
        (Endpoint(host="collecteur.test", port=7443, purpose="collector"), False),
    ],
    ids=["Web", "by the proxy", "not Web", "collector"],
)
def test_a_script_that_chooses_the_proxy_is_told_where_a_browser_may_reach_the_service(
    endpoint: Endpoint, told: bool
) -> None:
    endpoint.reachable, endpoint.failure = False, Endpoint.TIMED_OUT
    for by_script in (True, False):
        services = SiteServices(asked=[SiteService(endpoint=endpoint, since=SINCE)], automatic_script=by_script)
        found = described(services, Profile(), KNOWLEDGE)
        assert found.automatic_script is by_script
        assert ("un script (PAC) choisit le mandataire" in found.asked[0].trouble) is (told and by_script)


@pytest.mark.parametrize(
    ("endpoint", "trouble"),
    [
        (
            Endpoint(host=PSC, port=443, failure=Endpoint.NAME_NOT_FOUND),
            "auth.esw.esante.gouv.fr:443 (Pro Santé Connect, authentification) : nom inconnu du DNS",
        ),
        (
            Endpoint(host="dui.test", port=443, purpose="dui", failure=Endpoint.REFUSED),
            "dui.test:443 (DUI) : connexion refusée (service arrêté, ou pare-feu qui rejette)",
        ),
        (
            Endpoint(host="dui.test", port=443, failure=Endpoint.TIMED_OUT, ipv4=FILTERED, ipv6=REFUSED),
            "dui.test:443 : pas de réponse (pare-feu qui filtre sans le dire, ou ligne coupée) ; IPv4 : pas de réponse "
            "(pare-feu qui filtre sans le dire, ou ligne coupée) ; IPv6 : connexion refusée (service arrêté, ou "
            "pare-feu qui rejette)",
        ),
        (
            Endpoint(
                host="dui.test", port=443, failure=Endpoint.TLS_NOT_TRUSTED,
                certificate_fault=Endpoint.UNKNOWN_AUTHORITY, issuer="Pare-feu",
            ),
            "dui.test:443 : certificat non reconnu, autorité inconnue du poste, signé par « Pare-feu »",
        ),
        (
            Endpoint(
                host="dui.test", port=443, failure=Endpoint.PROXY_REFUSED, through_proxy=True, http_status=407
            ),
            "dui.test:443 : refusé par le mandataire (proxy), réponse HTTP 407",
        ),
        (
            Endpoint(host="dui.test", port=443, failure=Endpoint.TIMED_OUT, through_proxy=True),
            "dui.test:443 : pas de réponse (pare-feu qui filtre sans le dire, ou ligne coupée), par le mandataire",
        ),
        (
            Endpoint(host="igc-sante.esante.gouv.fr", port=80, protocol=CRL, failure=Endpoint.CAPTIVE_PORTAL),
            "igc-sante.esante.gouv.fr:80 (listes de révocation de l'IGC-Santé (HTTP)) : renvoyé vers une autre page "
            "(portail captif)",
        ),
    ],
    ids=["name", "refused", "families", "certificate", "proxy refuses", "by the proxy", "portal"],
)  # fmt: skip
def test_the_sentence_names_host_port_failure_and_day(endpoint: Endpoint, trouble: str) -> None:
    endpoint.reachable = False
    assert one(endpoint).trouble == f"{trouble}, depuis le 12/11/2026"


@pytest.mark.parametrize("failure", [value for value in Endpoint.Failure.values() if value > Endpoint.NONE])
def test_every_failure_has_words_of_its_own(failure: Endpoint.Failure.ValueType) -> None:
    assert "échec" not in one(Endpoint(host="dui.test", port=443, reachable=False, failure=failure)).trouble


def test_what_was_reached_or_proves_nothing_is_no_trouble() -> None:
    assert not one(Endpoint(host=PSC, port=443, reachable=True, failure=Endpoint.NONE)).HasField("trouble")
    assert not one(Endpoint(host="ocsp.esante.gouv.fr", port=80, protocol=OCSP, http_status=400)).HasField("trouble")


def test_a_service_reached_over_one_family_alone_is_remarked_upon_and_no_trouble() -> None:
    joined = EndpointPath(reachable=True, failure=Endpoint.NONE)
    half = one(Endpoint(host=PSC, port=443, reachable=True, failure=Endpoint.NONE, ipv4=joined, ipv6=REFUSED))
    assert half.remark == (
        f"{PSC}:443 (Pro Santé Connect, authentification) : joint, mais IPv6 échoue : connexion refusée "
        "(service arrêté, ou pare-feu qui rejette)"
    )
    assert not half.HasField("trouble")
    assert not one(Endpoint(host=PSC, port=443, reachable=True, ipv4=joined, ipv6=joined)).HasField("remark")
    assert not one(Endpoint(host=PSC, port=443, reachable=False, ipv4=FILTERED, ipv6=REFUSED)).HasField("remark")
    opened = one(Endpoint(host=PSC, port=443, reachable=True, public_authority=False, issuer="Pare-feu"))
    assert opened.remark.endswith("joint, mais échanges ouverts en chemin (certificat de « Pare-feu »)")


@pytest.mark.parametrize(
    ("host", "insi", "essential"),
    [
        (PSC, Profile.CARD, True),
        ("services-ps.ameli.fr", Profile.CARD, True),
        ("services-ps.ameli.fr", Profile.SERVER_CERTIFICATE, False),
        ("services-ps-tlsm.ameli.fr", Profile.SERVER_CERTIFICATE, True),
        ("services-ps-tlsm.ameli.fr", Profile.MIXED, True),
        ("www.dmp.fr", Profile.CARD, False),
    ],
)
def test_what_counts_follows_the_way_of_calling_insi(host: str, insi: Profile.Insi.ValueType, essential: bool) -> None:
    assert one(Endpoint(host=host, port=443), Profile(insi=insi)).essential is essential


def test_what_the_editor_asks_for_counts_whatever_else_is_known_of_it() -> None:
    profile = Profile(hosts=[ProfileHost(host="www.dmp.fr", port=443, purpose="dmp")])
    assert one(Endpoint(host="www.dmp.fr", port=443), profile).essential
    assert one(Endpoint(host="dui.test", port=443, purpose="dui"), Profile()).essential


def test_the_dui_works_without_the_collector() -> None:
    assert not one(Endpoint(host="c.test", port=7443, purpose="collector"), Profile()).essential
    assert not one(Endpoint(host="c.test", port=7443), Profile()).HasField("essential")


@pytest.mark.parametrize(
    ("host", "public", "issuer", "intercepted"),
    [
        (PSC, True, "Certigna", False),
        (PSC, False, "ASIP-SANTE, AC IGC-SANTE ELEMENTAIRE ORGANISATIONS", False),
        (PSC, False, "Pare-feu", True),
        (PSC, False, None, None),
        (PSC, None, "Pare-feu", None),
        ("dui.test", False, "Autorité de l'éditeur", None),
    ],
)
def test_an_interception_is_told_only_where_it_is_known(
    host: str, public: bool | None, issuer: str | None, intercepted: bool | None
) -> None:
    told = one(Endpoint(host=host, port=443, reachable=True, public_authority=public, issuer=issuer))
    assert (told.intercepted if told.HasField("intercepted") else None) is intercepted


def test_an_agent_of_before_asked_by_tls() -> None:
    assert one(Endpoint(host=PSC, port=443)).endpoint.protocol == TLS


def test_no_national_service_is_named_twice_and_revocation_is_among_them() -> None:
    places = [(service.host, service.port) for service in KNOWLEDGE.services]
    assert len(set(places)) == len(places)
    assert {service.protocol for service in KNOWLEDGE.services} >= {CRL, OCSP}
    assert all(service.path.startswith("/") for service in KNOWLEDGE.services if service.protocol == CRL)


@given(messages(Endpoint))
def test_any_endpoint_can_be_described(endpoint: Endpoint) -> None:
    told = one(endpoint)
    assert told.HasField("trouble") <= endpoint.HasField("reachable")
