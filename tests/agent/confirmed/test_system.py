"""The system, its packages, and what it does by itself."""

import os
import re
from datetime import UTC, datetime, timedelta

import pytest
from tests.agent.confirmed.witness import confirms, listening, said, shell

from prerequis.v1.facts_pb2 import Facts, System
from prerequis.v1.software_pb2 import Updates

pytestmark = pytest.mark.xdist_group("confirmed")


@confirms("system.family", "system.distribution", "system.release", "system.kernel", "system.architecture")
def test_the_system_is_the_one_of_os_release_and_uname(facts: Facts) -> None:
    told = shell('. /etc/os-release; echo "$ID|$VERSION_ID|$(uname -r)|$(uname -m)|$(uname -s)"').strip().split("|")
    system = facts.system
    names = [system.distribution, system.release, system.kernel, system.architecture, "Linux"]
    assert (names, system.family) == (told, System.LINUX)


@confirms("system.product")
def test_the_system_is_a_workstation_where_a_display_manager_is_wanted(facts: Facts) -> None:
    if not facts.system.HasField("product"):
        assert not shell("ls /etc/systemd/system/display-manager.service 2>/dev/null")
        pytest.skip("nothing here says what this machine is for, and nothing is reported")
    wanted = shell("readlink /etc/systemd/system/display-manager.service; . /etc/os-release; echo $VARIANT_ID")
    assert wanted.strip()


@confirms("system.booted_at")
def test_the_machine_was_started_when_uptime_says(facts: Facts) -> None:
    since = datetime.strptime(said("uptime", "--since").strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert abs(facts.system.booted_at.ToDatetime(UTC) - since) < timedelta(seconds=10)


@confirms("system.updated_at")
def test_packages_were_upgraded_when_dpkg_says_so_too(facts: Facts) -> None:
    if not facts.system.HasField("updated_at"):
        pytest.skip("no log tells of an upgrade, and none is reported")
    # Apt notes when it ended, dpkg each package on the way there.
    ended = facts.system.updated_at.ToDatetime(UTC).timestamp()
    lines = shell(
        "zcat -f /var/log/dpkg.log* /var/log/dnf.rpm.log* 2>/dev/null | grep -aE ' upgrade |Upgrade'"
    ).splitlines()
    if not lines:
        pytest.skip("dpkg's own log no longer goes back so far")
    local = [datetime.fromisoformat(line[:19].replace("T", " ")).astimezone().timestamp() for line in lines]
    assert any(0 <= ended - moment < 3600 for moment in local)


@confirms("system.update_list_at")
def test_the_list_of_updates_is_not_older_than_apts_files(facts: Facts) -> None:
    newest = shell("stat -c %Z /var/lib/apt/lists/*Release /var/cache/dnf/*/repodata 2>/dev/null | sort -n | tail -1")
    assert facts.system.HasField("update_list_at") == bool(newest.strip())
    if newest.strip():
        assert facts.system.update_list_at.ToDatetime(UTC).timestamp() > int(newest) - 60


@confirms("system.pending_security_updates")
def test_the_security_updates_that_wait_are_those_that_apt_would_install(facts: Facts) -> None:
    if not facts.system.HasField("pending_security_updates"):
        assert not shell("ls /var/lib/apt/lists/*-security*_Packages* 2>/dev/null")
        pytest.skip("apt has fetched no list of security updates, and none is counted")
    lines = [
        line for line in said("apt-get", "--simulate", "dist-upgrade").splitlines() if re.match(r"Inst \S+ \[", line)
    ]
    security = [line for line in lines if re.search("-Security|-security", line)]
    # What a point release brings in a higher version still closes the hole of the security suite's own.
    assert len(security) <= facts.system.pending_security_updates <= len(lines)


@confirms("system.reboot_required")
def test_a_reboot_is_required_where_the_file_is_there(facts: Facts) -> None:
    if facts.system.HasField("reboot_required"):
        assert facts.system.reboot_required == bool(shell("ls /run/reboot-required 2>/dev/null"))
    else:
        assert not shell("ls /run/reboot-required 2>/dev/null")


@confirms(*(f"applications.applications{part}" for part in ("", ".id", ".version", ".product", ".channel")))
def test_each_application_is_a_package_of_that_version(facts: Facts) -> None:
    told = said("dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}\t${Package}\t${Version}\n")
    rows = [line.split("\t") for line in told.splitlines()]
    versions = {re.sub(r"^[0-9]+:", "", version) for status, _, version in rows if status.startswith("ii")}
    packaged = [
        each for each in facts.applications.applications if each.version and each.channel not in ("snap", "flatpak")
    ]
    for each in packaged:
        assert any(version.startswith(each.version) for version in versions), each
    names = " ".join(name for status, name, _ in rows if status.startswith("ii"))
    found = {each.id for each in facts.applications.applications}
    for name, package in {"libreoffice": "libreoffice-core", "pcscd": "pcscd", "chromium": "chromium "}.items():
        assert (name in found) == (package in f"{names} "), name


@confirms("middleware.pcsc_lite_version", "middleware.ccid_version", "middleware.service_start")
def test_the_versions_of_the_card_service_are_those_of_dpkg_query(facts: Facts) -> None:
    for package, version in (("pcscd", facts.middleware.pcsc_lite_version), ("libccid", facts.middleware.ccid_version)):
        told = said("dpkg-query", "--show", "--showformat", "${Version}", package)
        assert told.startswith(version) if version else not told


@confirms("antivirus.products", "backup.agents", "remote_tools.tools")
def test_what_is_on_no_list_of_services_is_not_reported(facts: Facts) -> None:
    packages = said("dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}${Package}\n")
    installed = {line[3:].strip() for line in packages.splitlines() if line.startswith("ii")}
    antivirus = {"clamav-daemon", "mdatp", "falcon-sensor", "esets", "sentinelagent", "sophos-av", "eea"}
    backup = {"borgbackup", "restic", "duplicity", "deja-dup", "timeshift", "bacula-fd", "backuppc", "urbackup-client"}
    tools = {"teamviewer", "anydesk", "rustdesk", "x11vnc"}
    for known, reported in (
        (antivirus, facts.antivirus.products), (backup, facts.backup.agents), (tools, facts.remote_tools.tools),
    ):  # fmt: skip
        if not known & installed:
            assert list(reported) == []
        else:
            assert reported


@confirms("browsers.saves_passwords", "browsers.extensions_restricted", "browsers.smartscreen")
def test_browsers_save_passwords_where_no_policy_forbids_it(facts: Facts) -> None:
    places = "/etc/chromium /etc/opt/chrome /etc/opt/edge /etc/firefox /etc/brave /usr/lib/firefox*/distribution"
    forbids = shell(f"grep -rlE 'PasswordManagerEnabled|OfferToSaveLogins' {places} 2>/dev/null")
    restricts = shell(f"grep -rlE 'ExtensionInstall(Blocklist|Allowlist)|ExtensionSettings' {places} 2>/dev/null")
    if facts.browsers.HasField("saves_passwords"):
        assert facts.browsers.saves_passwords or forbids
    if facts.browsers.HasField("extensions_restricted"):
        assert not facts.browsers.extensions_restricted or restricts


@confirms("updates.automatic")
def test_apt_installs_by_itself_when_apt_config_says_so(facts: Facts) -> None:
    told = re.search(r'APT::Periodic::Unattended-Upgrade "(\w+)";', said("apt-config", "dump"))
    installs = bool(told and told[1] not in ("0", "no", "false") and shell("command -v unattended-upgrade"))
    assert facts.updates.automatic == installs


@confirms("updates.source", "updates.plain_http")
def test_updates_come_from_where_apt_get_says(facts: Facts) -> None:
    targets = said("apt-get", "indextargets", "--format", "$(SITE) $(SUITE) $(CODENAME)", "Created-By: Packages")
    sites = {line.split()[0] for line in targets.splitlines() if "-security" in line}
    if not sites:
        pytest.skip("apt knows of no security suite")
    vendor = all(
        re.search(r"//([^/]*\.)?(debian\.org|ubuntu\.com|linuxmint\.com|raspberrypi\.com)(/|$)", site) for site in sites
    )
    assert facts.updates.source == (Updates.VENDOR if vendor else Updates.OWN_SERVER)
    assert facts.updates.plain_http == (not vendor and any(site.startswith("http://") for site in sites))


@confirms("time_sync.enabled")
def test_a_service_keeps_the_clock_when_systemctl_says_so(facts: Facts) -> None:
    services = ("systemd-timesyncd", "chrony", "chronyd", "ntpsec", "ntp", "ntpd")
    assert facts.time_sync.enabled == ("enabled" in said("systemctl", "is-enabled", *services).split())


@confirms("time_sync.source_configured")
def test_the_clock_has_a_source_where_its_service_has_one(facts: Facts) -> None:
    emptied = shell("grep -E '^FallbackNTP=$' /etc/systemd/timesyncd.conf 2>/dev/null")
    named = shell("grep -hE '^(server|pool|NTP=)' /etc/systemd/timesyncd.conf /etc/chrony* -r /etc/ntp* 2>/dev/null")
    if facts.time_sync.enabled:
        assert facts.time_sync.source_configured == (bool(named) or not emptied)


@confirms("time_sync.synchronised", "time_sync.largest_error_seconds")
def test_the_clock_stands_as_perl_hears_it_from_the_kernel(facts: Facts) -> None:
    number = {"x86_64": 159, "aarch64": 171}.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of the system call is not known for this architecture")
    script = f"my $t = chr(0) x 256; syscall({number}, $t); print +(unpack('i x4 q q q', $t))[3]"
    largest = int(said("perl", "-e", script)) / 1e6
    assert facts.time_sync.synchronised == (largest < 16)
    if facts.time_sync.synchronised:
        assert facts.time_sync.largest_error_seconds == pytest.approx(largest, abs=1)


@confirms("logging.persistent")
def test_the_journal_is_kept_where_its_directory_or_rsyslog_is_there(facts: Facts) -> None:
    kept = shell("ls -d /var/log/journal /var/log/syslog /var/log/messages 2>/dev/null")
    storage = shell("grep -hE '^Storage=' /etc/systemd/journald.conf /etc/systemd/journald.conf.d/* 2>/dev/null")
    assert facts.logging.persistent == (bool(kept) or "persistent" in storage)


@confirms("logging.forwarded")
def test_nothing_is_forwarded_where_no_file_names_a_far_end(facts: Facts) -> None:
    places = "/etc/rsyslog.conf /etc/rsyslog.d /etc/systemd/journal-upload.conf /etc/syslog-ng"
    assert facts.logging.forwarded == bool(shell(f"grep -rE '^[^#]*(@[a-z0-9]|omfwd|^URL=)' {places} 2>/dev/null"))


@confirms("printers.count", "printers.spooler_running", "printers.spooler_remote")
def test_the_printers_are_those_of_cups(facts: Facts) -> None:
    named = shell("grep -cE '^<(Default)?Printer ' /etc/cups/printers.conf 2>/dev/null").strip() or "0"
    assert facts.printers.count == int(named)
    assert facts.printers.spooler_running == bool(shell("ls /run/cups/cups.sock 2>/dev/null; pgrep -x cupsd"))
    assert facts.printers.spooler_remote == (631 in listening("-t"))
