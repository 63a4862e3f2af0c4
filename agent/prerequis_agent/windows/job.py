"""A child process and all that it starts, held in a job object: what they cost, and their common end."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import ctypes
from ctypes import wintypes

from prerequis_agent.cost import Usage

_SET_QUOTA, _TERMINATE = 0x100, 0x1  # process rights that AssignProcessToJobObject asks for
_JOB_MEMORY, _KILL_ON_JOB_CLOSE = 0x200, 0x2000  # JOB_OBJECT_LIMIT_…
_ACCOUNTING, _EXTENDED_LIMIT = 1, 9  # JOBOBJECTINFOCLASS
_TICKS_PER_SECOND = 10_000_000
_ENDED_FROM_OUTSIDE = 1


class _BasicLimit(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("process_user_time", ctypes.c_int64),
        ("job_user_time", ctypes.c_int64),
        ("flags", wintypes.DWORD),
        ("least_working_set", ctypes.c_size_t),
        ("most_working_set", ctypes.c_size_t),
        ("most_processes", wintypes.DWORD),
        ("affinity", ctypes.c_size_t),
        ("priority", wintypes.DWORD),
        ("scheduling", wintypes.DWORD),
    )


class _ExtendedLimit(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("basic", _BasicLimit),
        ("io", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


class _Accounting(ctypes.Structure):
    """JOBOBJECT_BASIC_ACCOUNTING_INFORMATION."""

    _fields_ = (
        ("user_time", ctypes.c_int64),
        ("kernel_time", ctypes.c_int64),
        ("period_user_time", ctypes.c_int64),
        ("period_kernel_time", ctypes.c_int64),
        ("faults", wintypes.DWORD),
        ("processes", wintypes.DWORD),
        ("active_processes", wintypes.DWORD),
        ("terminated_processes", wintypes.DWORD),
    )


class Job:
    """One process and its descendants; they end with this object's process at the latest, however that one ends."""

    def __init__(self, pid: int, most_memory_bytes: int) -> None:
        """Hold a process that has started nothing yet; an allocation beyond the limit fails in it. Raises OSError."""
        self._api = _api()
        self._handle = _checked(self._api.CreateJobObjectW(None, None))
        limit = _ExtendedLimit(job_memory=most_memory_bytes)
        limit.basic.flags = _JOB_MEMORY | _KILL_ON_JOB_CLOSE
        _checked(
            self._api.SetInformationJobObject(self._handle, _EXTENDED_LIMIT, ctypes.byref(limit), ctypes.sizeof(limit))
        )
        process = _checked(self._api.OpenProcess(_SET_QUOTA | _TERMINATE, False, pid))
        try:
            _checked(self._api.AssignProcessToJobObject(self._handle, process))
        finally:
            self._api.CloseHandle(process)

    def usage(self) -> Usage:
        """Return the processor time of all of them, ended ones too, and the most memory that they committed at once."""
        spent, limit = _Accounting(), _ExtendedLimit()
        for number, answer in ((_ACCOUNTING, spent), (_EXTENDED_LIMIT, limit)):
            _checked(
                self._api.QueryInformationJobObject(
                    self._handle, number, ctypes.byref(answer), ctypes.sizeof(answer), None
                )
            )
        return Usage((spent.user_time + spent.kernel_time) / _TICKS_PER_SECOND, limit.peak_job_memory)

    def end(self) -> None:
        """End whatever is left of them."""
        self._api.TerminateJobObject(self._handle, _ENDED_FROM_OUTSIDE)
        self._api.CloseHandle(self._handle)


def _api() -> ctypes.WinDLL:
    api = ctypes.WinDLL("kernel32", use_last_error=True)
    handle, number, pointer = wintypes.HANDLE, wintypes.DWORD, ctypes.c_void_p
    api.CreateJobObjectW.restype = api.OpenProcess.restype = handle
    api.CreateJobObjectW.argtypes = (pointer, wintypes.LPCWSTR)
    api.OpenProcess.argtypes = (number, wintypes.BOOL, number)
    api.SetInformationJobObject.argtypes = (handle, ctypes.c_int, pointer, number)
    api.QueryInformationJobObject.argtypes = (handle, ctypes.c_int, pointer, number, pointer)
    api.AssignProcessToJobObject.argtypes = (handle, handle)
    api.TerminateJobObject.argtypes = (handle, wintypes.UINT)
    api.CloseHandle.argtypes = (handle,)
    return api


def _checked(answer: int | None) -> int:
    if not answer:
        raise ctypes.WinError(ctypes.get_last_error())
    return answer
