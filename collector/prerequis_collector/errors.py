"""What can go wrong in the collector.

CollectorError
├── InvalidInput            what the caller gave has not the expected form
├── NotFound                no such site, agent, question, article
├── AlreadyThere            what was to be created exists
├── NotIdentified           no certificate, or one that is not, or no longer, known here
├── NotAllowed              a known caller asks for what its role does not give
├── TicketRefused           unknown, expired, used up or revoked; never said which
├── LeaseLost               the lease ended or was never given
├── Overloaded              more waits, or comes in, than can be kept
├── StorageUnavailable      the database cannot be read or written now
└── SchemaMismatch          the database has the form of another version
"""

import re

# From the first to the last: what somebody typed may have such marks itself.
_QUOTED = re.compile("«.*»", re.DOTALL)


class CollectorError(Exception):
    """Base of the collector's errors; the message is one French sentence that its caller may read.

    What the caller typed, and whom the sentence names, stand in it between guillemets.
    """

    def for_log(self) -> str:
        """Return the message without what stands between guillemets: the log names nobody."""
        return _QUOTED.sub("« … »", str(self))


class InvalidInput(CollectorError):
    """What the caller gave has not the expected form."""


class NotFound(CollectorError):
    """No such thing is kept here."""


class AlreadyThere(CollectorError):
    """What was to be created exists."""


class NotIdentified(CollectorError):
    """The caller shows no certificate, or one that is not, or no longer, known here."""


class NotAllowed(CollectorError):
    """The caller is known, but its role does not give this."""


class TicketRefused(CollectorError):
    """The ticket is unknown, expired, used up or revoked; which one is for the log only."""


class LeaseLost(CollectorError):
    """The lease ended or was never given."""


class Overloaded(CollectorError):
    """More waits, or comes in, than can be kept; the caller comes back later."""

    def __init__(self, message: str, after_seconds: float = 5.0) -> None:
        """Say also the seconds before which coming back is of no use."""
        super().__init__(message)
        self.after_seconds = after_seconds


class StorageUnavailable(CollectorError):
    """The database cannot be read or written now."""

    def __init__(self, message: str, *, entangled: bool = False) -> None:
        """Say also whether this transaction and another waited for each other: doing it again helps."""
        super().__init__(message)
        self.entangled = entangled


class SchemaMismatch(CollectorError):
    """The database has the form of another version of the collector."""
