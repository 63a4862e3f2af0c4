"""Keeps a directory to the agent's account, the SYSTEM account and the administrators."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import ctypes
from ctypes import wintypes
from pathlib import Path

# SDDL: nothing is inherited from above, everything below inherits this: full access for SYSTEM, administrators, owner.
_ALONE = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"
_SDDL_REVISION_1 = 1
_DACL = 0x80000004  # DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION


def restrict(directory: Path) -> None:
    """Give a directory and what will be made in it an access list of its own; raises OSError."""
    api = ctypes.WinDLL("advapi32", use_last_error=True)
    descriptor = ctypes.c_void_p()
    if not api.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        wintypes.LPCWSTR(_ALONE), _SDDL_REVISION_1, ctypes.byref(descriptor), None
    ):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        if not api.SetFileSecurityW(wintypes.LPCWSTR(str(directory)), wintypes.DWORD(_DACL), descriptor):
            raise ctypes.WinError(ctypes.get_last_error())
    finally:
        ctypes.WinDLL("kernel32").LocalFree(descriptor)
