"""What is shipped, and the units that start it."""

import plistlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy/systemd").glob("prerequis-*.*"))
PROGRAMS = {"prerequis-agent", "prerequis-collector"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel that a release would ship."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_carries_five_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "prerequis",
        "prerequis_agent",
        "prerequis_collector",
        "prerequis_rules",
        "prerequis_tui",
    }


def test_the_wheel_carries_every_rule_and_no_source_of_the_contract(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    data = {str(path.relative_to(ROOT / "rules")) for path in (ROOT / "rules/prerequis_rules").rglob("*.toml")}
    assert data
    assert data <= names
    assert not [name for name in names if name.endswith(".proto")]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_no_fault_in_a_unit(unit: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in PROGRAMS:
        (programs / program).symlink_to("/bin/true")
    for other in UNITS:
        (tmp_path / other.name).write_text(other.read_text().replace("/opt/prerequis/bin", str(programs)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize(("unit", "exposure"), [("prerequis-collector.service", 15), ("prerequis-agent.service", 35)])
def test_a_service_exposes_little(unit: str, exposure: int) -> None:
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={exposure}", ROOT / "deploy/systemd" / unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-400:]


def test_the_windows_task_asks_every_hour_and_leaves_the_agent_time_for_its_moment() -> None:
    task = ElementTree.fromstring((ROOT / "deploy/windows/prerequis-agent.xml").read_bytes())  # noqa: S314  # ours
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}

    def said(name: str) -> str:
        return task.findtext(f".//t:{name}", default="", namespaces=space)

    assert not said("StartBoundary").endswith(":00:00")
    assert (said("Interval"), said("RandomDelay"), said("ExecutionTimeLimit")) == ("PT1H", "PT10M", "PT2H")
    assert said("MultipleInstancesPolicy") == "IgnoreNew"
    assert (said("DisallowStartIfOnBatteries"), said("StopIfGoingOnBatteries")) == ("true", "true")
    assert said("Arguments").endswith(" run")


def test_the_agents_unit_leaves_it_time_for_its_moment() -> None:
    unit = (ROOT / "deploy/systemd/prerequis-agent.service").read_text()
    assert "TimeoutStartSec=90min" in unit
    assert "OnCalendar=*-*-* *:07:00" in (ROOT / "deploy/systemd/prerequis-agent.timer").read_text()


def test_what_the_agents_unit_may_do_is_what_its_probes_need() -> None:
    unit = (ROOT / "deploy/systemd/prerequis-agent.service").read_text()
    # The clock is asked and never set; a user's files are read and never written.
    assert "ProtectHome=read-only" in unit
    assert "adjtimex" in unit
    assert "CAP_SYS_TIME" not in unit.partition("CapabilityBoundingSet=")[2].splitlines()[0]


def test_the_task_of_macos_asks_every_hour_and_never_at_the_full_hour() -> None:
    path = ROOT / "deploy/macos/prerequis.agent.plist"
    task = plistlib.loads(path.read_bytes())
    assert task["Label"] == path.stem
    assert task["StartCalendarInterval"] == {"Minute": 7}
    assert (task["ProgramArguments"][-1], task["Umask"]) == ("run", 0o77)
    assert task["RunAtLoad"] is False
