"""Turns what Windows answers instead of an answer into the agent's own errors."""

import contextlib
from collections.abc import Iterator

from prerequis_agent.errors import NotPermitted, ProbeError, Unreadable, Unsupported

# winerror.h: ACCESS_DENIED, PRIVILEGE_NOT_HELD, and E_ACCESSDENIED.
_REFUSALS = frozenset({5, 1314, 0x80070005})
_ABSENCES = frozenset(
    {
        2,  # FILE_NOT_FOUND
        50,  # NOT_SUPPORTED
        120,  # CALL_NOT_IMPLEMENTED
        124,  # INVALID_LEVEL
        126,  # MOD_NOT_FOUND
        127,  # PROC_NOT_FOUND
        1060,  # SERVICE_DOES_NOT_EXIST
        1062,  # SERVICE_NOT_ACTIVE
        1722,  # RPC_S_SERVER_UNAVAILABLE: the service behind the call does not run
        0x80004001,  # E_NOTIMPL
        0x80040154,  # REGDB_E_CLASSNOTREG
        0x800401F3,  # CO_E_CLASSSTRING
        0x80070422,  # ERROR_SERVICE_DISABLED
    }
)


@contextlib.contextmanager
def asking(subject: str) -> Iterator[None]:
    """Raise NotPermitted, Unsupported or Unreadable for an error of Windows; `subject` is French, with its article.

    Serves as a decorator too.
    """
    try:
        yield
    except ProbeError:
        raise
    except ImportError as problem:
        raise Unsupported(f"Installer le paquet Python pywin32 sur ce poste ({problem.name} manque).") from None
    except AttributeError as problem:
        # ctypes, for a function that this version of Windows does not have yet; COM, for a method of that kind.
        raise Unsupported(f"Ce Windows ne donne pas {subject}.") from problem
    except Exception as problem:
        # pywin32's errors are imported with it only.
        number = getattr(problem, "hresult", getattr(problem, "winerror", None))
        if number is None:
            raise
        raise failure(number & 0xFFFFFFFF, subject) from problem


def failure(number: int, subject: str) -> ProbeError:
    """Return the error for an error number of Windows or an HRESULT."""
    if number in _REFUSALS:
        return NotPermitted(f"Le compte de l'agent n'a pas le droit de demander {subject}.")
    if number in _ABSENCES:
        return Unsupported(f"Ce Windows ne donne pas {subject}.")
    return Unreadable(f"Windows n'a pas répondu pour {subject} (erreur {number:#x}).")
