"""Accounts, passwords, sessions and shares."""

import pytest
from tests.agent.confirmed.witness import confirms, said, shell

from prerequis.v1.access_pb2 import Directory
from prerequis.v1.facts_pb2 import Facts

pytestmark = pytest.mark.xdist_group("confirmed")


@confirms("accounts.enabled", "accounts.without_password", "accounts.built_in_administrator_enabled")
def test_the_accounts_that_open_are_those_of_passwd(facts: Facts) -> None:
    listed = [line.split() for line in said("passwd", "--status", "--all").splitlines()]
    if not listed:
        pytest.skip("passwd tells root alone how the accounts stand")
    shells = dict(line.split(":")[::6] for line in said("getent", "passwd").splitlines())
    opened = {
        name: state
        for name, state, *_ in listed
        if state in ("P", "NP") and not shells[name].endswith(("nologin", "false"))
    }
    assert facts.accounts.enabled == len(opened)
    assert facts.accounts.without_password == sum(state == "NP" for state in opened.values())
    assert facts.accounts.built_in_administrator_enabled == ("root" in opened)


@confirms("accounts.extra_superusers")
def test_the_other_superusers_are_those_of_getent(facts: Facts) -> None:
    rows = [line.split(":") for line in said("getent", "passwd").splitlines()]
    assert facts.accounts.extra_superusers == sum(row[2] == "0" and row[0] != "root" for row in rows)


@confirms(*(f"administrators.{name}" for name in ("local_users", "domain_users", "domain_groups", "everyone")))
def test_the_administrators_are_those_of_getent(facts: Facts) -> None:
    rows = [line.split(":") for line in said("getent", "group", "sudo", "wheel", "admin").splitlines()]
    members = {name for row in rows for name in row[3].split(",") if name} - {"root"}
    local = {line.split(":")[0] for line in shell("cat /etc/passwd").splitlines()}
    assert facts.administrators.local_users + facts.administrators.domain_users >= len(members & local)
    if not members and not shell("grep -rhE '^[^#D%]+ALL' /etc/sudoers /etc/sudoers.d 2>/dev/null | grep -v ^root"):
        assert facts.administrators.local_users == 0
        assert facts.administrators.domain_users == 0
    if not shell("grep -rhE '^(ALL|%users)[[:space:]]' /etc/sudoers /etc/sudoers.d 2>/dev/null"):
        assert not facts.administrators.everyone
    assert facts.administrators.domain_groups == 0 or shell("grep -rhE '^%.*@' /etc/sudoers /etc/sudoers.d")


@confirms("administrators.without_password")
def test_nobody_becomes_root_without_a_password_unless_grep_finds_it(facts: Facts) -> None:
    found = shell("grep -rhE '^[^#]*NOPASSWD|!authenticate' /etc/sudoers /etc/sudoers.d 2>/dev/null")
    assert facts.administrators.without_password <= bool(found)
    if not found:
        assert not facts.administrators.without_password


@confirms("administrators.at_the_screen", "logon.generic_account")
def test_who_is_at_the_screen_is_known_only_where_logind_is(facts: Facts) -> None:
    if not shell("ls /run/systemd/seats/seat0 2>/dev/null"):
        assert not facts.administrators.HasField("at_the_screen")
        assert not facts.logon.HasField("generic_account")


@confirms("password_policy.hash_method", "password_policy.maximum_age_days")
def test_the_hash_and_the_age_are_those_that_awk_reads(facts: Facts) -> None:
    words = shell('awk \'$1 == "ENCRYPT_METHOD" || $1 == "PASS_MAX_DAYS" { print $2 }\' /etc/login.defs').split()
    days = next(int(word) for word in words if word.lstrip("-").isdecimal())
    assert facts.password_policy.maximum_age_days == (0 if days < 0 or days >= 10_000 else days)
    if facts.password_policy.HasField("hash_method"):
        assert facts.password_policy.hash_method in words


@confirms(
    *(f"password_policy.{name}" for name in (
        "minimum_length", "complexity", "lockout_threshold", "lockout_seconds", "lockout_window_seconds",
    )),
)  # fmt: skip
def test_the_length_and_the_lockout_are_those_of_the_modules_that_grep_finds(facts: Facts) -> None:
    modules = shell(
        "grep -hoE '^[^#]*pam_(pwquality|cracklib|faillock|unix)[.]so.*'"
        " /etc/pam.d/common-* /etc/pam.d/system-auth 2>/dev/null"
    )
    policy = facts.password_policy
    if "pwquality" not in modules and "cracklib" not in modules and "minlen" not in modules:
        # pam_unix(8): "The default value is 6."
        assert (policy.minimum_length, policy.complexity) == (6, False)
    else:
        assert policy.minimum_length >= 6
    assert bool(policy.lockout_threshold) == ("faillock" in modules)


@confirms("logon.automatic")
def test_no_session_opens_by_itself_unless_grep_finds_it(facts: Facts) -> None:
    places = "/etc/gdm3 /etc/gdm /etc/lightdm /etc/sddm.conf /etc/sddm.conf.d /etc/systemd/system"
    words = "AutomaticLoginEnable *= *[tT]rue|autologin-user *=|^User=.|--autologin"
    found = shell(f"grep -rhE '^[^#]*({words})' {places} 2>/dev/null")
    if facts.logon.automatic:
        assert found
    elif "AutomaticLogin" in found or "--autologin" in found:
        pytest.fail("a session opens by itself")


@confirms("logon.locks_on_card_removal", "logon.smartcard_required", "logon.cached_credentials")
def test_what_a_card_opens_or_locks_is_known_where_it_is_imposed(facts: Facts) -> None:
    if facts.logon.locks_on_card_removal:
        assert shell("grep -r removal-action /etc/dconf")
    if facts.logon.smartcard_required:
        assert shell("grep -rE 'pam_(sss|pkcs11|p11)' /etc/pam.d")


@confirms("directory.join", "directory.mobile_device_management")
def test_the_machine_is_in_no_domain_where_every_account_is_in_its_own_file(facts: Facts) -> None:
    listed = {line.split(":")[0] for line in said("getent", "passwd").splitlines()}
    local = {line.split(":")[0] for line in shell("cat /etc/passwd").splitlines()}
    # A directory that is not enumerated shows no account, and so proves nothing.
    if listed - local:
        assert facts.directory.join != Directory.WORKGROUP
    elif not shell("grep -E '^(passwd|group):.*(sss|winbind|ldap)' /etc/nsswitch.conf"):
        assert facts.directory.join == Directory.WORKGROUP


@confirms("shares.mounted")
def test_the_shares_that_are_used_are_those_of_findmnt(facts: Facts) -> None:
    kinds = "cifs,smb3,nfs,nfs4,davfs,fuse.sshfs"
    assert facts.shares.mounted == len(said("findmnt", "--noheadings", "--list", "-t", kinds).splitlines())


@confirms("shares.offered", "shares.writable_by_everyone", "shares.open_to_guests")
def test_nothing_is_offered_where_neither_samba_nor_nfs_is_there(facts: Facts) -> None:
    exports = shell("grep -cvE '^[[:space:]]*(#|$)' /etc/exports 2>/dev/null").strip()
    if shell("command -v smbd"):
        pytest.skip("Samba is here; the fixture hosts have its shares")
    assert facts.shares.offered == int(exports or 0)
    if not facts.shares.offered:
        assert (facts.shares.writable_by_everyone, facts.shares.open_to_guests) == (0, 0)


@confirms("removable_media.storage_blocked")
def test_usb_storage_is_blocked_where_modprobe_would_not_load_it(facts: Facts) -> None:
    found = shell(
        "grep -rhE '^(install|blacklist)[[:space:]]+usb[-_]storage' /etc/modprobe.d /lib/modprobe.d 2>/dev/null"
    )
    assert facts.removable_media.storage_blocked <= bool(found)
    if "install" not in found:
        assert not facts.removable_media.storage_blocked


@confirms("removable_media.autorun_disabled", "removable_media.autoplay_disabled", "removable_media.execution_denied")
def test_what_a_stick_may_do_is_known_where_it_is_imposed(facts: Facts) -> None:
    media = facts.removable_media
    if media.autorun_disabled or media.autoplay_disabled:
        assert shell("grep -rE 'autorun-never|automount' /etc/dconf")
    if media.execution_denied:
        assert shell("grep -rE 'noexec' /etc/fstab /etc/udisks2 2>/dev/null")


@confirms(*(f"session_lock.{name}" for name in ("enabled", "delay_seconds", "asks_password", "imposed")))
def test_a_lock_is_known_only_where_there_is_a_desktop(facts: Facts) -> None:
    if not shell("ls /usr/share/xsessions /usr/share/wayland-sessions 2>/dev/null"):
        assert not facts.HasField("session_lock")
