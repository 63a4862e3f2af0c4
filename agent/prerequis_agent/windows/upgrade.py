"""Reads what Windows itself finds of a machine for Windows 11; nobody else can say which processors Microsoft admits.

The Compatibility Appraiser, a daily task of Windows 10, leaves one key for each version that it looked at
(https://smsagent.blog/2020/12/08/windows-10-feature-update-readiness-powerbi-report-memcm-version/), with the values
UpgEx (a colour) and RedReason ("None", or what is in the way)
(https://learn.microsoft.com/mem/configmgr/osd/deploy-use/manage-windows-11-readiness-dashboard).
"""

import re
from collections.abc import Iterable

from prerequis.v1.facts_pb2 import Machine, UpgradeAppraisal
from prerequis_agent.attributes import Attributes

_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_INDICATORS = rf"{_VERSION}\AppCompatFlags\TargetVersionUpgradeExperienceIndicators"
# CO21H2, NI22H2, GE24H2…: the development semester, in two letters, then the version. Targets of Windows 10 are RS5,
# 21H1…; those that end in "Setup" stand beside these, and no source says what they are.
_WINDOWS_11 = re.compile(r"[A-Z]{2}([0-9]{2}H[12])")
# The first build of Windows 11 (https://learn.microsoft.com/windows/release-health/windows11-release-information).
_FIRST_BUILD = 22000
_REASON = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")
_MOST_REASONS = 16
_EXPERIENCES = {
    "green": UpgradeAppraisal.GREEN, "yellow": UpgradeAppraisal.YELLOW, "orange": UpgradeAppraisal.ORANGE,
    "red": UpgradeAppraisal.RED,
}  # fmt: skip
_NOT_APPRAISED = (
    "Windows n'a pas encore dit si ce poste peut recevoir Windows 11 : lancer la tâche planifiée « Microsoft "
    "Compatibility Appraiser » puis l'audit de nouveau, ou demander à « Contrôle d'intégrité du PC » (PC Health Check)."
)

REGISTRY = (_VERSION, rf"{_INDICATORS}\*")


def newest_first(targets: Iterable[str]) -> list[str]:
    """Return those of the appraised versions that are a Windows 11, the newest first."""
    versions = {target: found[1] for target in targets if (found := _WINDOWS_11.fullmatch(target))}
    return sorted(versions, key=lambda target: (versions[target], target), reverse=True)


def parse_red_reasons(value: Iterable[str]) -> list[str] | None:
    """Return what RedReason names, nothing when it says "None"; None when it has another form or says nothing."""
    reasons = [reason for text in value for reason in re.split(r"[\s,;]+", text) if reason]
    if not reasons or len(reasons) > _MOST_REASONS or not all(map(_REASON.fullmatch, reasons)):
        return None
    return [reason for reason in dict.fromkeys(reasons) if reason.lower() != "none"]


def fill_appraisal(attributes: Attributes, facts: Machine) -> None:
    """Fill in what a Windows 10 found for the newest Windows 11; a note says what to do where it did not look."""
    build = attributes.string(_VERSION, "CurrentBuildNumber") or ""
    workstation = attributes.string(_VERSION, "InstallationType") == "Client"
    if not workstation or not build.isdecimal() or int(build) >= _FIRST_BUILD:
        return
    targets = attributes.subkeys(_INDICATORS)
    for target in newest_first(targets or []):
        reasons = parse_red_reasons(attributes.strings(rf"{_INDICATORS}\{target}", "RedReason"))
        if reasons is not None:
            experience = " ".join(attributes.strings(rf"{_INDICATORS}\{target}", "UpgEx")).lower()
            facts.upgrade_appraisal.CopyFrom(
                UpgradeAppraisal(target=target, experience=_EXPERIENCES.get(experience), red_reasons=reasons)
            )
            return
    if targets is not None:
        attributes.note(_NOT_APPRAISED)
