"""Whether the hosts of the site's plan can be reached: DNS, TCP, then TLS or, for revocation services, one question."""

import ssl
import threading
import time

from prerequis.v1.facts_pb2 import Endpoint, Services
from prerequis.v1.services_pb2 import CRL, OCSP, TCP
from prerequis_agent.errors import Unsupported
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe
from prerequis_agent.reach.asking import Trust, ask
from prerequis_agent.reach.certificates import public_authorities
from prerequis_agent.reach.proxied import is_chosen_by_script, proxy_for
from prerequis_agent.surroundings import Target

WHOLE_SECONDS = 20.0
"""The longest that all targets together may take; under the probe's deadline, so that one target never hides others."""

_BY_SCRIPT = (
    "Un script (PAC) choisit le mandataire des navigateurs de ce poste, et l'agent ne l'exécute pas : ces adresses "
    "s'ouvrent peut-être dans un navigateur ; régler ce mandataire aussi pour le système, puis relancer."
)


def observe(host: Host) -> Observation:
    """Return one endpoint for each target of the plan, in its order.

    The collector must show a certificate of its own CA, every other host one that this machine trusts. Raises
    Unsupported where there is no plan, or another machine of the site was elected to ask today.
    """
    plan, collector = host.surroundings.plan, host.surroundings.collector
    if plan is None:
        raise Unsupported("Le plan du site n'est pas connu : enrôler ce poste, ou le relier une fois à son collecteur.")
    if plan.spared:
        raise Unsupported(plan.spared)
    own: dict[tuple[str, int], Trust] = {}
    targets = plan.targets
    if collector:
        own[collector.host, collector.port] = Trust(ssl.create_default_context(cafile=collector.authority), None)
        targets = tuple(
            target if target.host else Target(collector.host, collector.port, target.purpose) for target in targets
        )
    public = Trust(ssl.create_default_context(), public_authorities())
    attempts = [_Attempt(host, target, own.get((target.host, target.port)), public) for target in targets]
    for attempt in attempts:
        attempt.start()
    limit = time.perf_counter() + WHOLE_SECONDS
    for attempt in attempts:
        attempt.join(max(0.0, limit - time.perf_counter()))
    endpoints = [attempt.result() for attempt in attempts]
    found = Services(endpoints=endpoints)
    missed = [f"{endpoint.host}:{endpoint.port}" for endpoint in endpoints if not endpoint.reachable]
    if not missed:
        return Observation(found, "")
    detail = f"Pas joint : {', '.join(missed)}."
    if is_chosen_by_script(host):
        found.automatic_script = True
        detail += f" {_BY_SCRIPT}"
    return Observation(found, detail)


class _Attempt(threading.Thread):
    """One target, tried in a thread of its own that never keeps the process from ending."""

    def __init__(self, host: Host, target: Target, own: Trust | None, public: Trust) -> None:
        super().__init__(name=f"services-{target.host}", daemon=True)
        self._host = host
        self._target = target
        self._own = own
        self._public = public
        self._endpoint: Endpoint | None = None
        self._problem: Exception | None = None

    def run(self) -> None:
        """Try the target; what cannot be expected is kept for `result`."""
        target, proxy = self._target, None
        try:
            # The agent goes straight to its collector, and only the Web goes through a Web proxy.
            if self._own is None and target.protocol != TCP:
                proxy = proxy_for(self._host, target, "http" if target.protocol in (CRL, OCSP) else "https")
            self._endpoint = ask(self._host, target, self._own or self._public, proxy)
        except Exception as problem:  # noqa: BLE001 – raised again where the runner sees it
            self._problem = problem

    def result(self) -> Endpoint:
        """Return what became of the target; one that drips its answer beyond the time of all counts as late."""
        if self._problem:
            raise self._problem
        return self._endpoint or Endpoint(
            host=self._target.host,
            port=self._target.port,
            purpose=self._target.purpose,
            protocol=self._target.protocol,
            reachable=False,
            failure=Endpoint.TIMED_OUT,
        )


PROBE = Probe(
    "services",
    observe,
    about="Services que le plan du site demande, sur un poste par site et par jour : joignables ou non, durées, "
    "certificat montré, réponse des services de révocation.",
    deadline_seconds=25.0,
    uses_surroundings=True,
)
