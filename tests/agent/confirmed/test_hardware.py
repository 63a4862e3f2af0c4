"""The hardware, and what the kernel says of itself."""

import json
from pathlib import Path

import pytest
from tests.agent.confirmed.witness import confirms, said, shell

from prerequis.v1.access_pb2 import EncryptedVolume
from prerequis.v1.facts_pb2 import Facts, Machine
from prerequis.v1.software_pb2 import Driver

pytestmark = pytest.mark.xdist_group("confirmed")


@confirms("machine.processor", "machine.threads", "machine.cores")
def test_the_processor_is_that_of_lscpu(facts: Facts) -> None:
    lines = dict(line.split(":", 1) for line in said("lscpu").splitlines() if ":" in line)
    assert facts.machine.processor == lines["Model name"].strip()
    pairs = [line for line in said("lscpu", "-p=core,socket").splitlines() if not line.startswith("#")]
    assert (facts.machine.threads, facts.machine.cores) == (len(pairs), len(set(pairs)))


@confirms("machine.memory_bytes")
def test_the_memory_is_that_of_free(facts: Facts) -> None:
    assert facts.machine.memory_bytes == int(said("free", "-b").splitlines()[1].split()[1])


@confirms("machine.disks.disks", "machine.disks.disks.size_bytes", "machine.disks.disks.rotational")
def test_the_disks_are_those_of_lsblk(facts: Facts) -> None:
    columns = "NAME,TYPE,RM,HOTPLUG,SIZE,ROTA"
    devices = json.loads(said("lsblk", "--json", "--bytes", "--nodeps", "--output", columns))["blockdevices"]
    fixed = [each for each in devices if each["type"] == "disk" and not each["rm"] and not each["hotplug"]]
    disks = [each for each in fixed if "zram" not in each["name"]]
    assert [disk.size_bytes for disk in facts.machine.disks.disks] == [each["size"] for each in disks]
    for disk, each in zip(facts.machine.disks.disks, disks, strict=True):
        assert not disk.HasField("rotational") or disk.rotational == each["rota"]


@confirms("machine.system_volume_bytes", "machine.system_volume_free_bytes")
def test_the_system_volume_is_that_of_df(facts: Facts) -> None:
    size, available = said("df", "--block-size=1", "--output=size,avail", "/").splitlines()[1].split()
    assert facts.machine.system_volume_bytes == int(size)
    assert facts.machine.system_volume_free_bytes == pytest.approx(int(available), abs=1_000_000_000)


@confirms("machine.is_virtual")
def test_the_machine_is_virtual_when_systemd_detects_it(facts: Facts) -> None:
    assert facts.machine.is_virtual == (said("systemd-detect-virt", "--vm").strip() != "none")


@confirms("machine.has_battery", "power.battery", "power.on_mains")
def test_the_battery_is_that_of_the_kernels_list(facts: Facts) -> None:
    supplies = shell("cat /sys/class/power_supply/*/type 2>/dev/null").split()
    discharging = "Discharging" in shell("cat /sys/class/power_supply/*/status 2>/dev/null")
    assert facts.machine.has_battery == facts.power.battery
    assert facts.power.battery <= ("Battery" in supplies)
    assert facts.power.on_mains == (not discharging)


@confirms("machine.manufacturer", "machine.model", "power.chassis")
def test_the_names_of_the_machine_are_those_of_dmidecode(facts: Facts) -> None:
    told = {
        key: said("dmidecode", "-s", f"system-{key}").strip() for key in ("manufacturer", "product-name", "version")
    }
    if not any(told.values()):
        pytest.skip("this machine has no DMI table, or only root may read it")
    assert facts.machine.manufacturer in told.values()
    assert facts.machine.model in told.values()
    assert facts.power.HasField("chassis")


@confirms("machine.firmware", "machine.secure_boot")
def test_the_firmware_is_uefi_when_the_kernel_mounts_its_variables(facts: Facts) -> None:
    if not facts.machine.HasField("firmware"):
        assert not Path("/sys/firmware/efi").exists()
        pytest.skip("this machine does not tell its firmware, which is then not reported")
    assert (facts.machine.firmware == Machine.UEFI) == ("efivars" in shell("ls /sys/firmware/efi 2>/dev/null"))
    if facts.machine.secure_boot:
        assert "enabled" in said("mokutil", "--sb-state")


@confirms("machine.tpm.present", "machine.tpm.version_major")
def test_the_tpm_is_a_device_too(facts: Facts) -> None:
    if not facts.machine.HasField("tpm"):
        pytest.skip("this kernel knows of no TPM, which is then not reported")
    assert facts.machine.tpm.present == bool(shell("ls /dev/tpm[0-9]* 2>/dev/null"))
    if facts.machine.tpm.HasField("version_major"):
        # The resource manager of the kernel exists for TPM 2.0 alone.
        assert (facts.machine.tpm.version_major == 2) == bool(shell("ls /dev/tpmrm[0-9]* 2>/dev/null"))


@confirms("drivers.drivers", *(f"drivers.drivers.{name}" for name in ("class", "device", "provider", "version")))
def test_the_drivers_are_those_behind_the_interfaces(facts: Facts) -> None:
    for driver in facts.drivers.drivers:
        if getattr(driver, "class") == Driver.NETWORK:
            behind = shell(f"basename $(readlink -f /sys/class/net/{driver.device}/device/driver)").strip()
            assert driver.provider == behind
    interfaces = shell("ls -d /sys/class/net/*/device 2>/dev/null").split()
    network = [driver for driver in facts.drivers.drivers if getattr(driver, "class") == Driver.NETWORK]
    assert len(network) == len(interfaces)


@confirms("encryption.volumes", "encryption.volumes.system", "encryption.volumes.protection")
def test_the_system_volume_is_encrypted_when_lsblk_finds_a_crypt_device_below_it(facts: Facts) -> None:
    source = said("findmnt", "--noheadings", "--output", "SOURCE", "/").strip().partition("[")[0]
    below = said("lsblk", "--noheadings", "--inverse", "--output", "TYPE", source).split()
    (system,) = [volume for volume in facts.encryption.volumes if volume.system]
    assert (system.protection == EncryptedVolume.ON) == ("crypt" in below)


@confirms("kernel.settings.settings", "kernel.settings.settings.name", "kernel.settings.settings.value")
def test_the_settings_of_the_kernel_are_those_of_sysctl(facts: Facts) -> None:
    for setting in facts.kernel.settings.settings:
        assert said("sysctl", "-n", setting.name).split()[0] == str(setting.value)
    assert len(facts.kernel.settings.settings) > 5


@confirms("kernel.access_control")
def test_access_is_controlled_when_the_kernel_has_a_module_for_it_in_force(facts: Facts) -> None:
    enforced = shell("cat /sys/module/apparmor/parameters/enabled 2>/dev/null").strip() == "Y"
    selinux = shell("cat /sys/fs/selinux/enforce 2>/dev/null").strip() == "1"
    assert facts.kernel.access_control == (enforced or selinux)


@confirms("screen.width_pixels", "screen.height_pixels")
def test_the_screen_is_one_that_the_kernel_lists(facts: Facts) -> None:
    if not facts.HasField("screen"):
        pytest.skip("this machine shows no screen, and none is reported")
    modes = shell("cat /sys/class/drm/*/modes /sys/class/graphics/fb0/virtual_size 2>/dev/null").replace(",", "x")
    assert f"{facts.screen.width_pixels}x{facts.screen.height_pixels}" in modes.split()
