"""What can go wrong in the agent.

AgentError
├── ProbeError              a probe ended without facts; the runner turns it into its outcome
│   ├── NotPermitted
│   ├── Unsupported
│   ├── TimedOut
│   ├── Unreadable          a file is there but does not let itself be read
│   └── ParseError          what the machine answered does not have the expected form
├── ConfigurationError      wrong options, no identity yet, an unreadable file
├── CollectorUnreachable
│   └── CollectorBusy       it has too much to do, and may say when to come back
└── Refused                 the collector said no
"""


class AgentError(Exception):
    """Base of the agent's errors; the message is one French sentence for the technician."""


class ProbeError(AgentError):
    """A probe ended without facts."""


class NotPermitted(ProbeError):
    """The account that runs the agent may not look."""


class Unsupported(ProbeError):
    """The machine has no such thing, or the agent no means to ask it."""


class TimedOut(ProbeError):
    """What was asked did not answer in time."""


class Unreadable(ProbeError):
    """A file is there but does not let itself be read."""


class ParseError(ProbeError):
    """What the machine answered does not have the expected form."""


class ConfigurationError(AgentError):
    """The agent lacks something that a person must give it."""


class CollectorUnreachable(AgentError):
    """No answer from the collector; what was to be sent waits in the spool."""


class CollectorBusy(CollectorUnreachable):
    """The collector has too much to do at this moment."""

    def __init__(self, message: str, after_seconds: float = 0.0) -> None:
        """Say also for how long the collector wants to be left alone; 0 when it does not say."""
        super().__init__(message)
        self.after_seconds = after_seconds


class Refused(AgentError):
    """The collector answered and said no."""
