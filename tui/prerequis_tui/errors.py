"""What can go wrong between an operator and the collector, and the exit code of each.

OperatorError
├── WrongInput              an argument, a file or a credential that cannot be used
├── CollectorUnreachable    no answer
│   └── CollectorFailed     an answer that says: my fault
└── Refused                 the collector answered and said no
    └── CollectorOutdated   it does not know what is asked of it
"""

from prerequis.command_line import ExitCode


class OperatorError(Exception):
    """Base of the room's errors; the message is one French sentence for the operator."""


class WrongInput(OperatorError):
    """An argument, a file or a credential cannot be used."""


class CollectorUnreachable(OperatorError):
    """No answer came from the collector."""


class CollectorFailed(CollectorUnreachable):
    """The collector was reached and could not do its work."""


class Refused(OperatorError):
    """The collector answered and said no."""


class CollectorOutdated(Refused):
    """The collector is older than this program and does not know what was asked."""


EXIT_CODES = {
    WrongInput: ExitCode.WRONG_INPUT,
    CollectorUnreachable: ExitCode.UNREACHABLE,
    CollectorFailed: ExitCode.UNREACHABLE,
    Refused: ExitCode.REFUSED,
    CollectorOutdated: ExitCode.REFUSED,
}
"""The one table from error to exit code."""
