"""Observes how the kernel defends itself: access control beyond that of files, and the settings of ANSSI-BP-028."""

import re

from prerequis.v1.exposure_pb2 import Kernel, KernelSetting
from prerequis_agent.attributes import Attributes
from prerequis_agent.errors import Unreadable, Unsupported
from prerequis_agent.host import CommandResult, Host
from prerequis_agent.probe import Observation, Probe

SETTINGS = (
    "fs.protected_fifos", "fs.protected_hardlinks", "fs.protected_regular", "fs.protected_symlinks",
    "fs.suid_dumpable", "kernel.dmesg_restrict", "kernel.kptr_restrict", "kernel.perf_event_paranoid",
    "kernel.randomize_va_space", "kernel.sysrq", "kernel.unprivileged_bpf_disabled", "kernel.yama.ptrace_scope",
    "net.ipv4.conf.all.accept_redirects", "net.ipv4.conf.all.accept_source_route",
    "net.ipv4.conf.all.secure_redirects", "net.ipv4.conf.all.send_redirects", "net.ipv4.ip_forward",
    "net.ipv4.tcp_syncookies", "net.ipv6.conf.all.accept_redirects",
)  # fmt: skip
"""The settings that are read (ANSSI-BP-028 v2.0, R9, R11, R12 and R14)."""

_APPARMOR = "/sys/module/apparmor/parameters/enabled"
_SELINUX = "/sys/fs/selinux/enforce"
# csrutil and spctl answer untranslated.
_ON, _OFF = re.compile(r"status: enabled|assessments enabled"), re.compile(r"status: disabled|assessments disabled")


def parse_switch(program: str, answer: CommandResult) -> bool:
    """Return what csrutil or spctl says; raises Unreadable on anything else, above all on nothing at all."""
    said = answer.stdout + answer.stderr
    on, off = _ON.search(said), _OFF.search(said)
    if bool(on) == bool(off):
        raise Unreadable(f"{program} ne dit pas si la protection est active.")
    return bool(on)


def observe(host: Host) -> Observation:
    """Return what protects the kernel; raises Unsupported on Windows, whose protections other probes observe."""
    attributes = Attributes(host)
    facts = Kernel()
    if host.platform == "linux":
        access_control = _access_control(host, attributes)
        if access_control is not None:
            facts.access_control = access_control
        facts.settings.SetInParent()
        for name in SETTINGS:
            value = attributes.number(_place(name))
            if value is not None:
                facts.settings.settings.append(KernelSetting(name=name, value=value))
        return Observation(facts, attributes.detail(facts, {"access_control": "AppArmor ou SELinux"}))
    if host.platform == "darwin":
        with attributes.part():
            facts.access_control = parse_switch("csrutil", host.run("csrutil", "status"))
        with attributes.part():
            facts.signed_programs_only = parse_switch("spctl", host.run("spctl", "--status"))
        return Observation(facts, attributes.detail(facts, {}))
    raise Unsupported("Les réglages du noyau ne sont relevés que sous Linux et macOS.")


def _access_control(host: Host, attributes: Attributes) -> bool | None:
    """Return whether AppArmor is on or SELinux enforces; a kernel that shows neither has neither."""
    selinux = attributes.number(_SELINUX)
    if selinux is not None:
        return selinux == 1
    apparmor = attributes.text(_APPARMOR)
    if apparmor is not None:
        return apparmor == "Y"
    return None if attributes.names("/sys/module") is None or host.exists(_APPARMOR) else False


def _place(setting: str) -> str:
    return "/proc/sys/" + setting.replace(".", "/")


PROBE = Probe(
    name="kernel",
    observe=observe,
    about="Réglages de sécurité du noyau (Linux) et protections du système (macOS).",
    reads=(_APPARMOR, _SELINUX, *map(_place, SETTINGS)),
    commands=("csrutil", "spctl"),
)
