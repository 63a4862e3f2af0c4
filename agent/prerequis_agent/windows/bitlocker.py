"""The kinds of key protectors of a BitLocker volume; never a key, a password or a protector's identifier."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import pythoncom
import win32com.client

from prerequis_agent.errors import Unreadable
from prerequis_agent.windows.cim import quoted, translated
from prerequis_agent.windows.com import apartment

_NAMESPACE, _CLASS = "root/cimv2/Security/MicrosoftVolumeEncryption", "Win32_EncryptableVolume"
# Win32_EncryptableVolume.GetKeyProtectors: 1 TPM to 10 CNG; 0 asks for all kinds without telling which.
_KINDS = range(1, 11)


def key_protectors(device: str) -> list[int]:
    """Return the KeyProtectorType numbers that a volume has a protector of; the volume is told by its DeviceID."""
    with apartment():
        try:
            services = win32com.client.Dispatch("WbemScripting.SWbemLocator").ConnectServer(".", _NAMESPACE)
            volume = services.Get(f"{_CLASS}.DeviceID={quoted(device)}")
            return [kind for kind in _KINDS if _has(volume, kind)]
        except pythoncom.com_error as problem:
            raise translated(problem, f"{_NAMESPACE}:{_CLASS}") from None


def _has(volume: "win32com.client.CDispatch", kind: int) -> bool:
    asked = volume.Methods_("GetKeyProtectors").InParameters.SpawnInstance_()
    asked.Properties_("KeyProtectorType").Value = kind
    answer = volume.ExecMethod_("GetKeyProtectors", asked)
    status = answer.Properties_("ReturnValue").Value & 0xFFFFFFFF
    if status:
        raise Unreadable(f"BitLocker ne donne pas les protecteurs d'un volume (erreur {status:#010x}).")
    return bool(answer.Properties_("VolumeKeyProtectorID").Value)
