"""What other tools say of the same line, when a person asked for them; shown beside the figure, never judged."""

from collections.abc import Callable, Iterator

from prerequis.os_errors import why
from prerequis.v1.facts_pb2 import LineCrossCheck
from prerequis.v1.line_pb2 import IPERF3, LIBRESPEED, SPEEDTEST_CLI, LineTransport
from prerequis_agent.errors import ProbeError
from prerequis_agent.host import Host

Tool = Callable[[Host], LineCrossCheck]
"""Returns its figures; raises ProbeError with a French sentence when it has none."""


def cross_checks(host: Host, renew: Callable[[], None]) -> Iterator[LineCrossCheck]:
    """Give what each tool that was asked for found, or why it found nothing; `renew` keeps the lease alive."""
    from prerequis_agent.line import iperf3, librespeed, speedtest_cli

    wanted, plan = host.surroundings.tools, host.surroundings.plan
    url = wanted.librespeed or (plan.librespeed if plan is not None else "")
    tools: list[tuple[LineTransport.ValueType, Tool]] = []
    if url:
        tools.append((LIBRESPEED, lambda host: librespeed.cross_check(host, url)))
    if wanted.iperf3:
        tools.append((IPERF3, lambda host: iperf3.cross_check(host, wanted.iperf3)))
    if wanted.speedtest:
        tools.append((SPEEDTEST_CLI, lambda host: speedtest_cli.cross_check(host, renew)))
    for kind, tool in tools:
        renew()
        try:
            yield tool(host)
        except ProbeError as problem:
            yield LineCrossCheck(tool=kind, problem=str(problem))
        except OSError as problem:
            sentence = f"La mesure a été coupée ({why(problem)})."
            yield LineCrossCheck(tool=kind, problem=sentence)
