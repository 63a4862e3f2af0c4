"""What `prerequis services` says, to people and to programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.tui.services import asked

if TYPE_CHECKING:
    from tests.tui.conftest import Collector, Run


async def test_the_matrix_begins_with_what_must_be_opened(collector: Collector, run: Run) -> None:
    collector.kept.services["590000001"] = asked()
    shown = (await run("services", "590000001")).out
    rows = [line.split() for line in shown.splitlines() if ".test:" in line][:5]
    assert [next(word for word in row if ".test:" in word) for row in rows] == [
        "dui.test:443", "dmp.test:443", "psc.test:443", "ocsp.test:80", "collecteur.test:7443",
    ]  # fmt: skip
    assert rows[0][-4:] == ["DUI", "non", "–", "12/11/2026"]
    assert rows[2][-2:] == ["oui", "non"]
    assert "✘ Injoignable : 2, dont 1 indispensable   ! À corriger : 1   ? À vérifier : 1" in shown
    passed_on = shown.split("À transmettre à l'administrateur du réseau\n")[1]
    assert "• dui.test:443 (DUI) : pas de réponse, depuis le 12/11/2026\n" in passed_on
    assert "• psc.test:443 : joint, mais IPv6 échoue (pas de réponse)\n" in passed_on


async def test_a_site_of_which_nobody_asked_tells_what_to_do(collector: Collector, run: Run) -> None:
    assert "prerequis-agent run --now" in (await run("services", "590000002")).out


async def test_what_is_not_known_of_a_service_is_null(collector: Collector, run: Run) -> None:
    collector.kept.services["590000001"] = asked()
    document = json.loads((await run("services", "590000001", "--json")).out)
    assert document["observedAt"] == "2026-11-22T08:00:00Z"
    closed, _, one_family, unsure, _ = document["services"]
    assert (closed["reachable"], closed["failure"], closed["since"]) == (False, "TIMED_OUT", "2026-11-12T12:00:00Z")
    assert (one_family["ipv4"]["reachable"], one_family["ipv6"]["reachable"]) == (True, False)
    assert {unsure[key] for key in ("reachable", "ipv4", "ipv6", "name", "since", "sentence", "essential")} == {None}
