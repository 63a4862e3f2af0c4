"""Writes again what the probes say of machines, for a person to read the difference.

`python -m tests.agent.probes.golden NAME…`; the name is that of a story below tests/fixtures/hosts, without `.toml`.
The golden file of a whole machine speaks of every probe but those that ask the network, another's of those that it
speaks of already.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.agent.probes.conftest import fixture_machine, golden_of, in_paris
from tests.agent.probes.stories import HOSTS, WHOLE

from prerequis_agent.runner import discover


def main(names: list[str]) -> None:
    """Write `<name>.json` beside each `<name>.toml`."""
    for name in names:
        place = HOSTS / f"{name}.json"
        known = golden_of(name) if place.exists() else {}
        with tempfile.TemporaryDirectory() as root, in_paris():
            host = fixture_machine(name, Path(root))
            probes = {probe.name: probe for probe in discover() if not probe.uses_surroundings}
            said = {each: host.anew().observe(probes[each]) for each in (probes if name.startswith(WHOLE) else known)}
        place.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
