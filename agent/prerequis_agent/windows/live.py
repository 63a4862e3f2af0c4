"""The doors to the Windows that the agent runs on."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

from collections.abc import Mapping

from prerequis_agent.windows import registry
from prerequis_agent.windows.api import CimValue, RegistryValue, Win32
from prerequis_agent.windows.calls import LiveWin32
from prerequis_agent.windows.failures import asking


class LiveWindows:
    """Implements `api.Windows`; pywin32 is loaded on the first question to CIM."""

    def __init__(self) -> None:
        self.win32: Win32 = LiveWin32()

    def registry_value(self, key: str, name: str, *, view32: bool) -> RegistryValue | None:
        """Return a value, or None when the key or the value is absent."""
        return registry.value(key, name, view32=view32)

    def registry_values(self, key: str, *, view32: bool) -> Mapping[str, RegistryValue] | None:
        """Return the values of a key by name, or None when it is absent."""
        return registry.values(key, view32=view32)

    def registry_keys(self, key: str, *, view32: bool) -> list[str] | None:
        """Return the names of the keys below a key, or None when it is absent."""
        return registry.keys(key, view32=view32)

    @asking("CIM")
    def cim(
        self, namespace: str, class_name: str, properties: tuple[str, ...], where: Mapping[str, str | int | bool]
    ) -> list[Mapping[str, CimValue]]:
        """Return the named properties of each object of a class whose properties equal those of `where`."""
        from prerequis_agent.windows import cim

        return cim.rows(namespace, class_name, properties, where)
