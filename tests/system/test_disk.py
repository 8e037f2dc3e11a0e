#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An installed Linux on a disk image (guests/debian-disk.sh): BIOS, GRUB, kernel and initramfs by INT 13h, the root by IDE with
DMA; what is written stays in memory and survives a reset, not the VM."""
import hashlib
import subprocess

from console import ROOT, System, check, run_tests, same

BOOT_SECONDS = 400
NUMBERS = "".join(f"{number}\n" for number in range(1, 500001)).encode()


def disk_image():
    made = subprocess.run([ROOT / "guests/debian-disk.sh"], check=True, stdout=subprocess.PIPE, text=True)
    return made.stdout.split()[-1]


def test_linux_from_a_disk():
    with System("--file", f"disk={disk_image()}", "--boot-only-files", on="qemu", timeout=1200) as mica:
        vm = mica.vm_start("vm run -n disk -m 256M -hda disk")
        mica.enter(vm, seconds=BOOT_SECONDS)
        check("/dev/sda1 / ext4 rw" in mica.guest("cat /proc/mounts"), "the root is not the disk")
        modes = mica.guest("cat /sys/class/ata_device/*/xfer_mode")
        check("XFER_MW_DMA" in modes or "XFER_UDMA" in modes, f"no DMA: {modes}")
        same(mica.guest("md5sum < /boot/numbers", 120).split()[0], hashlib.md5(NUMBERS).hexdigest(), "a file's sum")
        # Enough that the pages for it have to be asked for more than once.
        half = NUMBERS + NUMBERS
        mica.guest("cat /boot/numbers /boot/numbers > /copy; sync; echo 3 > /proc/sys/vm/drop_caches", 240)
        same(mica.guest("md5sum < /copy", 120).split()[0], hashlib.md5(half).hexdigest(), "the sum of what was written")
        complaints = mica.guest("dmesg | grep -iE 'i/o error|failed command|ata.*exception|EXT4-fs error'")
        same(complaints, "", "what the kernel complained of")
        mica.send("reboot -f\n")
        mica.expect(r"Linux version", BOOT_SECONDS)
        mica.expect(r"/ # ", BOOT_SECONDS)
        same(mica.guest("md5sum < /copy", 120).split()[0], hashlib.md5(half).hexdigest(), "its sum after the reset")
        mica.send("poweroff -f\n")
        mica.expect(r"vm \d+ stopped: power off", 120)
        mica.leave()
        check("written to disks" in mica.command(f"vm stat {vm}"), "vm stat does not say what was written")
        mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
