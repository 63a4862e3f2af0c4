"""What a scan knows beforehand: the site's plan, fresh or as last seen, and the way to a lease."""

import asyncio
import contextlib
from dataclasses import replace

from google.protobuf import json_format

from prerequis.v1.facts_pb2 import Interface, Network
from prerequis.v1.measurement_pb2 import GetPlanRequest, GetPlanResponse
from prerequis.v1.services_pb2 import TLS
from prerequis_agent import durable, trust
from prerequis_agent.config import State
from prerequis_agent.errors import CollectorUnreachable, Refused
from prerequis_agent.identity import Identity, passphrase
from prerequis_agent.line_lease import Outcome, Wanted, held
from prerequis_agent.surroundings import Collector, Plan, Surroundings, Target
from prerequis_agent.turns import kept_plan
from prerequis_agent.uplink import Uplink

PLAN_SECONDS = 4.0
"""The longest that a scan waits for a fresh plan before it uses the one of last time."""

_NOT_ELECTED = "Un autre poste du site vérifie les services aujourd'hui : rien à faire sur celui-ci."
_NOT_TOLD = "Le collecteur n'a pas dit si ce poste doit vérifier les services aujourd'hui : ils n'ont pas été demandés."


def surroundings(
    state: State, identity: Identity, attended: bool = False, network: Network | None = None
) -> Surroundings:
    """Return the plan, refreshed when the collector answers, and where the collector is.

    A person who waits may ask the services of last time's plan; a machine that nobody watches asks them only when the
    collector has just elected it: a million of them must not knock at the national services every morning.
    """
    spared = "" if attended else _NOT_TOLD
    with contextlib.suppress(CollectorUnreachable, Refused):  # last time's plan serves
        spared = _NOT_ELECTED if refresh(state, identity, attended, network) else ""
    plan = cached(state)
    collector = collector_of(state, identity, Wanted(attended=attended), Outcome())
    return Surroundings(replace(plan, spared=spared) if plan else None, collector)


def collector_of(state: State, identity: Identity, wanted: Wanted, outcome: Outcome) -> Collector:
    """Return where the collector is, with leases asked for in this way; `outcome` is told how the last one ended."""
    host, port = state.enrolment().address
    return Collector(
        host,
        port,
        state.authority,
        state.identity,
        lambda: held(state, identity, wanted, outcome),
        lambda: passphrase(state.identity),
    )


def refresh(state: State, identity: Identity, attended: bool = False, network: Network | None = None) -> bool:
    """Keep the plan that the collector gives now, and return whether another machine asks the services today.

    The collector is told how this machine is attached, so that the best placed ones measure the site's line.
    Raises CollectorUnreachable and Refused.
    """

    async def ask() -> GetPlanResponse:
        trusts = trust.digest(trust.trusted(state))
        request = GetPlanRequest(attended=attended, wireless=_is_wireless(network), trusts=trusts)
        async with Uplink(
            state.enrolment().collector, state.authority_pem(), identity, answer_seconds=PLAN_SECONDS
        ) as uplink:
            return await uplink.plan(request)

    answer = asyncio.run(ask())
    authorities = tuple(answer.authorities)
    del answer.authorities[:]
    if answer.another_elected and (last := kept_plan(state)):
        # For a technician whose scan has no network: what there is to ask does not depend on who is to.
        answer.targets.extend(last.targets)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs the next offline scan its plan, no more
        durable.write(state.plan, json_format.MessageToJson(answer).encode())
        if answer.bundle_recipient:
            durable.write(state.recipient, f"{answer.bundle_recipient}\n".encode())
        if authorities:
            trust.learn(state, identity, authorities)
            with contextlib.suppress(CollectorUnreachable, Refused):  # it is said again tomorrow
                asyncio.run(ask())
    return answer.another_elected


def cached(state: State) -> Plan | None:
    """Return the plan of last time; None when there was none or its file is damaged."""
    plan = kept_plan(state)
    if plan is None:
        return None
    targets = tuple(
        Target(target.host, target.port, target.purpose, target.protocol or TLS, target.path) for target in plan.targets
    )
    return Plan(targets, plan.demand_bits_per_second or None, plan.librespeed_url)


def _is_wireless(network: Network | None) -> bool | None:
    """Return whether this machine reaches its gateway over the air; None when it does not say."""
    carrying = [one for one in network.interfaces if one.carries_default_route] if network is not None else []
    kinds = {one.kind for one in carrying if one.HasField("kind")}
    return bool(kinds & {Interface.WIFI, Interface.MOBILE}) if kinds else None
