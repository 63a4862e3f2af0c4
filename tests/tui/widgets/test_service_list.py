"""What stands above the services of a site."""

import pytest
from tests.tui.services import asked
from textual.app import App

from prerequis_tui.widgets.line_list import Heading
from prerequis_tui.widgets.service_list import ServiceList


@pytest.mark.parametrize(("by_script", "missed"), [(True, True), (True, False), (False, True)])
async def test_a_script_that_chooses_the_proxy_is_told_above_services_that_were_not_reached(
    by_script: bool, missed: bool
) -> None:
    found, services, app = asked(), ServiceList(id="services"), App[None]()
    if by_script:
        found.services.automatic_script = True
    if not missed:
        reached = [one for one in found.services.asked if not one.trouble]
        del found.services.asked[:]
        found.services.asked.extend(reached)
    async with app.run_test():
        await app.mount(services)
        services.fill(found)
    above = [row.text for row in services.rows if isinstance(row, Heading)]
    assert above
    assert any("Un script (PAC) choisit le mandataire" in text for text in above) is (by_script and missed)
