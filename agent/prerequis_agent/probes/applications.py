"""Observes the programs of the list that a DUI depends on or that a site must keep up to date, with their versions."""

import re

from prerequis.v1.software_pb2 import Application, Applications
from prerequis_agent import programs
from prerequis_agent.attributes import Attributes
from prerequis_agent.host import Host
from prerequis_agent.probe import Observation, Probe

# The other kinds of the list have a probe of their own.
_KINDS = ("browser", "office", "middleware", "dui", "database", "runtime", "vault", "cloud", "vpn", "encryption")

_CLICK_TO_RUN = r"HKLM\SOFTWARE\Microsoft\Office\ClickToRun\Configuration"
# Office suites; what else Click-to-Run installs (Visio, Project, language packs) is not on the list.
_SUITE = re.compile(r"(O365|M365|Mondo|ProPlus|Standard|Professional|Home|Personal)[0-9A-Za-z]*")
# The last part of the URL of updates, as the Office Deployment Tool names the channels
# (https://learn.microsoft.com/office/ltsc/2024/update, https://learn.microsoft.com/microsoft-365-apps/updates/).
_CHANNELS = {
    "492350f6-3a01-4f97-b9c0-c7c6ddf67d60": "Current",
    "64256afe-f5d9-4f86-8936-8840a6a4f5be": "CurrentPreview",
    "5440fd1f-7ecb-4221-8110-145efaa6372f": "BetaChannel",
    "55336b82-a18d-4dd6-b5f6-9e5095c314a6": "MonthlyEnterprise",
    "7ffbc6bf-bc32-4f92-8982-f9dd17fd3114": "SemiAnnual",
    "b8f9b850-328d-4355-9145-c59439a0c4cf": "SemiAnnualPreview",
    "f2e724c1-748f-4b47-8fb8-8e0d210e9208": "PerpetualVL2019",
    "5030841d-c919-4594-8d2d-84ae4f96e58e": "PerpetualVL2021",
    "7983bac0-e531-40cf-be00-fd24fe66619c": "PerpetualVL2024",
}

_SQL_SERVER = r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server"
_SQL_INSTANCES = rf"{_SQL_SERVER}\Instance Names\SQL"


def parse_channel(url: str) -> str | None:
    """Return the update channel that Click-to-Run's URL stands for, or None for another address."""
    return _CHANNELS.get(url.rstrip("/").rpartition("/")[2].lower())


def observe(host: Host) -> Observation:
    """Return the programs of the list that are installed; an empty list means that none is."""
    found = programs.inventory(host)
    applications = [
        Application(id=each.program.id, version=each.version, channel=each.program.channel)
        for each in found.of(*_KINDS)
    ]
    if host.platform == "win32":
        attributes = Attributes(host)
        applications += [*_click_to_run(attributes), *_sql_servers(host, attributes)]
    return Observation(Applications(applications=applications), found.detail)


def _click_to_run(attributes: Attributes) -> list[Application]:
    """Return one application for each Office suite: all say 16.0, the product id alone tells 2019 from 365."""
    version = attributes.string(_CLICK_TO_RUN, "VersionToReport")
    # UpdateChannel is where updates come from; it is absent until somebody chose one, and then CDNBaseUrl holds.
    url = attributes.string(_CLICK_TO_RUN, "UpdateChannel") or attributes.string(_CLICK_TO_RUN, "CDNBaseUrl")
    products = attributes.string(_CLICK_TO_RUN, "ProductReleaseIds") or ""
    return [
        Application(id="office", version=version, product=product, channel=parse_channel(url or ""))
        for product in products.split(",")
        if _SUITE.fullmatch(product)
    ]


def _sql_servers(host: Host, attributes: Attributes) -> list[Application]:
    """Return one application for each instance of SQL Server, by what its setup wrote."""
    instances = host.registry_values(_SQL_INSTANCES) or {}
    setups = [rf"{_SQL_SERVER}\{instance}\Setup" for instance in instances.values() if isinstance(instance, str)]
    return [
        Application(
            id="sql-server",
            version=attributes.string(setup, "PatchLevel") or attributes.string(setup, "Version"),
            product=attributes.string(setup, "Edition"),
        )
        for setup in setups
    ]


PROBE = Probe(
    name="applications",
    observe=observe,
    about="Logiciels d'une liste fermée (bureautique, clients DUI, bases de données, environnements) et leur version.",
    reads=programs.READS,
    commands=programs.COMMANDS,
    registry=(*programs.REGISTRY, _CLICK_TO_RUN, _SQL_INSTANCES, rf"{_SQL_SERVER}\*\Setup"),
)
