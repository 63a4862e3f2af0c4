"""One file per probe, found by walking this package; nothing else lives here."""

import pkgutil


def probe_names() -> list[str]:
    """Return the names of the probes, sorted, without loading them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
