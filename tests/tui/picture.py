"""Draws the picture of the terminal UI that the README shows: `python -m tests.tui.picture`."""

import asyncio
import re
import tempfile
from pathlib import Path

from tests.tui.conftest import Authority, Collector, Kept, know_the_park, write_credential

from prerequis_tui.app import PrerequisApp

PICTURE = Path(__file__).resolve().parents[2] / "docs/screen.svg"
_SIZE = (120, 32)


async def draw() -> str:
    """Return the page of a site as an SVG that fetches nothing from elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority("Autorité d'essai")
        collector = Collector(Kept(), Path(folder) / "dsi.toml", 0, authority)
        know_the_park(collector)
        await collector.start()
        write_credential(collector.credential, authority, authority.certificate, collector.port)
        try:
            async with collector.client() as client, PrerequisApp(client).run_test(size=_SIZE) as pilot:
                await pilot.app.workers.wait_for_complete()
                await pilot.press("enter")
                await pilot.app.workers.wait_for_complete()
                drawn = ""
                while "quitter" not in drawn:  # the foot of the screen comes last
                    await pilot.pause()
                    drawn = pilot.app.export_screenshot(title="prerequis")
        finally:
            await collector.stop()
    unhosted = re.sub(r"@font-face\s*\{[^}]*\}", "", drawn)
    return re.sub(r"127\.0\.0\.1:\d+", "localhost:7443", unhosted)


if __name__ == "__main__":
    PICTURE.write_text(asyncio.run(draw()), encoding="utf-8")
