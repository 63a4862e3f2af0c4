"""Writes, from the probes' own declarations, what the agent looks at: for technicians and for the people concerned.

`python -m prerequis_agent.notice FOLDER` writes both pages; a test holds the committed ones to the declarations.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.descriptor import Descriptor

from prerequis.v1.facts_pb2 import Facts
from prerequis_agent.probe import Probe
from prerequis_agent.programs import programs
from prerequis_agent.runner import discover

_KINDS = {
    "antivirus": "antivirus",
    "backup": "sauvegarde",
    "browser": "navigateurs",
    "cloud": "stockage en ligne",
    "database": "bases de données",
    "dui": "clients DUI",
    "encryption": "chiffrement",
    "middleware": "logiciels de carte CPx",
    "office": "bureautique",
    "remote-tool": "prise en main à distance",
    "runtime": "environnements d'exécution",
    "vault": "coffres de mots de passe",
    "vpn": "VPN",
}


def pages() -> dict[str, str]:
    """Return the text of each page by the name of its file."""
    probes = discover()
    return {"probes.md": _probes_page(probes), "privacy.md": _privacy_page(probes)}


def _probes_page(probes: tuple[Probe, ...]) -> str:
    return f"""# Ce que l'agent regarde

<!-- Écrit par `make docs` d'après les déclarations des sondes ; ne pas modifier à la main. -->

L'agent a {len(probes)} sondes. Chacune ne lit et ne lance que ce qui est écrit ici : un essai l'y tient. Aucune ne
modifie le poste, ne parcourt le disque ni n'énumère les personnes d'un annuaire. `*` tient lieu d'une partie d'un
chemin. Ce qui ne peut pas être vu est dit « non connu », et chaque sonde nomme ce que seul un administrateur voit.

{"".join(_probe(probe) for probe in probes).rstrip()}
"""


def _probe(probe: Probe) -> str:
    declared = {
        "Fichiers": probe.reads,
        "Registre": probe.registry,
        "Classes CIM": probe.cim,
        "Appels de Windows": probe.win32,
        "Programmes": probe.commands,
    }
    rows = [f"- {name} : {_codes(values)}\n" for name, values in declared.items() if values]
    if probe.uses_surroundings:
        rows.append("- Réseau : les hôtes du plan du site et le collecteur\n")
    if probe.administrator:
        rows.append(f"- En administrateur seulement : {probe.administrator}\n")
    limits = f"{probe.deadline_seconds:g} s, dont {probe.cpu_budget_seconds:g} s de processeur"
    return f"## {probe.name}\n\n{probe.about}\n\n{''.join(rows)}- Au plus : {limits}\n\n"


def _privacy_page(probes: tuple[Probe, ...]) -> str:
    table = "\n".join(f"| {probe.about} | {_codes(_fields(probe.name))} |" for probe in probes)
    listing = "\n".join(f"- {_KINDS[kind]} : {', '.join(ids)}" for kind, ids in _programs().items())
    return f"""# Ce que l'agent relève, et ce qu'il ne relève jamais

<!-- Écrit par `make docs` d'après les déclarations des sondes ; ne pas modifier à la main. -->

L'agent dit si un poste est prêt pour le DUI et tenu selon les règles d'hygiène de l'ANSSI. Il décrit la machine, pas la
personne qui s'en sert.

## Jamais relevé

Le nom d'une personne ou d'un compte, le numéro de série d'une machine, d'un lecteur ou d'une carte, le numéro RPPS, un
code porteur, un mot de passe, une clé de récupération, le nom d'un réseau Wi-Fi, la liste des programmes en marche, un
logiciel hors de la liste ci-dessous, un document, l'historique de navigation, ce qui s'affiche à l'écran.

## Relevé et transmis

Le nom de la machine, pour que le technicien la retrouve ; le rôle que quelqu'un a déclaré ; comment chaque sonde a fini
et ce que l'observation a coûté ; le numéro d'ordre du rapport et une empreinte de huit octets, qui révèlent deux
machines porteuses d'une même identité ; et les champs suivants, rien d'autre.

L'empreinte est calculée de l'identité que le collecteur a donnée et de l'identifiant que le système d'exploitation a
reçu à son installation (`/etc/machine-id`, `MachineGuid`, `IOPlatformUUID`) : celui-ci ne quitte pas le poste et ne se
retrouve pas à partir d'elle ; elle ne se compare à celle d'aucune autre identité.

| quoi | champs transmis |
|---|---|
{table}

## Les logiciels qui peuvent être nommés

{listing}

## Où cela va

Au seul collecteur de l'organisme, par une connexion chiffrée où chacun prouve qui il est ; le rapport est signé par le
poste. Le collecteur le garde 24 mois. `prerequis-agent scan --json` montre sur le poste même tout ce qui partirait.
"""


def _fields(name: str) -> Iterator[str]:
    """Give the names of the fields that a probe may fill, those of inner messages after a dot."""
    message = Facts.DESCRIPTOR.fields_by_name[name].message_type
    if message:
        yield from _below(message, "")


def _below(message: Descriptor, prefix: str) -> Iterator[str]:
    for field in message.fields:
        inner = field.message_type
        if inner and inner.full_name != "google.protobuf.Timestamp":
            yield from _below(inner, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def _programs() -> dict[str, list[str]]:
    known: dict[str, list[str]] = {}
    for program in programs():
        ids = known.setdefault(program.kind, [])
        if program.id not in ids:
            ids.append(program.id)
    return dict(sorted(known.items()))


def _codes(values: Iterable[str]) -> str:
    # A bar would end the cell of a table.
    return ", ".join(f"`{value}`".replace("|", "\\|") for value in values)


if __name__ == "__main__":
    for name, text in pages().items():
        Path(sys.argv[1], name).write_text(text, encoding="utf-8")
