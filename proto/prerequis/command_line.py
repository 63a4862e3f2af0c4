"""The manners that the three commands share: French usage errors, exit codes for scripts, a quiet end behind `head`."""

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import wraps
from typing import Any, NoReturn, ParamSpec

Arguments = ParamSpec("Arguments")


class ExitCode(IntEnum):
    """What a command tells its caller."""

    DONE = 0
    FINDING = 1
    """A finding that the caller asked to be failed on."""
    WRONG_INPUT = 2
    UNREACHABLE = 3
    """The collector cannot be reached."""
    REFUSED = 4


# argparse speaks English outside a French locale, and a field technician must read French everywhere.
_FRENCH = (
    (r"the following arguments are required: (.*)", r"il manque : \1"),
    (r"unrecognized arguments: (.*)", r"argument inconnu : \1"),
    (r"argument (.*): invalid choice: (.*) \(choose from (.*)\)", r"\1 : \2 n'est pas possible ; choisir parmi \3"),
    (r"argument (.*): expected one argument", r"\1 : il manque la valeur"),
    (r"argument (.*): expected at least one argument", r"\1 : il manque au moins une valeur"),
    (r"argument (.*): invalid int value: (.*)", r"\1 : \2 n'est pas un nombre entier"),
    (r"argument (.*): invalid float value: (.*)", r"\1 : \2 n'est pas un nombre"),
    (r"argument (.*): invalid fromisoformat value: (.*)", r"\1 : \2 n'est pas une date : écrire AAAA-MM-JJ"),
    (r"argument (.*): invalid \S+ value: (.*)", r"\1 : valeur incorrecte \2"),
    (r"argument (.*): not allowed with argument (.*)", r"\1 ne va pas avec \2"),
    (r"argument (.*): ignored explicit argument (.*)", r"\1 ne prend pas de valeur (\2)"),
    (r"one of the arguments (.*) is required", r"il faut l'un de : \1"),
    (r"ambiguous option: (.*) could match (.*)", r"option ambiguë : \1 peut être \2"),
    (r"argument (.*?): (.*)", r"\1 : \2"),
)


def french(message: str) -> str:
    """Return argparse's message in French, or unchanged when it is not one that argparse makes."""
    for pattern, sentence in _FRENCH:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return found.expand(sentence)
    return message


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def add_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Any, prefix: str | None = None
    ) -> None:
        super().add_usage(usage, actions, groups, "usage : " if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        # argparse puts the colon right behind the heading; French wants a blank before it.
        super().start_section(heading and f"{heading} ")


def _sentence(text: str) -> str:
    """Return what a list of commands says of one, which has neither capital nor full stop, as a sentence."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


class CommandLine(argparse.ArgumentParser):
    """A parser that speaks French and ends with ExitCode.WRONG_INPUT on wrong usage."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("formatter_class", _Formatter)
        options.setdefault("allow_abbrev", False)
        options["description"] = _sentence(options.get("description") or "")
        super().__init__(*args, **{**options, "add_help": False})
        self._positionals.title = "arguments"
        self._optionals.title = "options"
        self.add_argument("-h", "--help", action="help", help="montre cette aide")
        self._subcommands: argparse._SubParsersAction[Any] | None = None

    def add_subparsers(self, **options: Any) -> "argparse._SubParsersAction[Any]":
        """Return the object that takes the subcommands."""
        self._subcommands = super().add_subparsers(**options)
        return self._subcommands

    @property
    def subcommands(self) -> Mapping[str, "CommandLine"]:
        """The parsers of the subcommands by name, empty when there is none."""
        return {} if self._subcommands is None else self._subcommands.choices

    def add_everywhere(self, *names: str, help: str, default: object = None, **options: Any) -> None:
        """Add an option of argparse that may also be written after any subcommand that is there by now."""
        self.add_argument(*names, help=help, default=default, **options)
        told = help.replace("%(default)s", str(default).replace("%", "%%"))
        for one in self.subcommands.values():
            one.add_everywhere(*names, help=told, default=argparse.SUPPRESS, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return what argparse found; end the program on an unknown argument, so that its own --help is told of."""
        known, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return known, rest

    def error(self, message: str) -> NoReturn:
        """End the program with one sentence on stderr."""
        sys.stderr.write(f"{self.prog} : {french(message)}\nVoir : {self.prog} --help\n")
        raise SystemExit(ExitCode.WRONG_INPUT)


def speak_utf8() -> None:
    """Have stdout and stderr write UTF-8 on every system; no sign that a console lacks ends a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def quiet_when_unread(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
    """Return the program, which ends with ExitCode.DONE and no complaint when `head` or `less` has read enough."""

    @wraps(main)
    def quiet(*arguments: Arguments.args, **options: Arguments.kwargs) -> int:
        try:
            try:
                code = main(*arguments, **options)
            except SystemExit:
                # --help: Python itself flushes too late, and complains.
                sys.stdout.flush()
                raise
            sys.stdout.flush()
        except BrokenPipeError:
            if not _unread(sys.stdout.fileno()):
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (sys.stdout, sys.stderr):
                if _unread(stream.fileno()):
                    os.dup2(nowhere, stream.fileno())
            return ExitCode.DONE
        return code

    return quiet


def _unread(descriptor: int) -> bool:
    """Return whether nobody reads this stream any more; another pipe may have broken."""
    import select

    if not hasattr(select, "poll"):
        return True  # Windows cannot tell
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(0))
