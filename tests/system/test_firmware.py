#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""VMs that start from a disk, by the firmware: FreeDOS, GRUB, memtest86+. A person's view: `vm screen` and `vm keys`."""
import os
import subprocess
import tempfile
import time
from pathlib import Path

from console import BOOT_SECONDS, NO_LINUX, PATIENCE, Failure, Skip, System, check, run_tests

GRUB_CONFIG = """\
set timeout=600
menuentry "First entry" { echo first; sleep 600 }
menuentry "Second entry" { cat /hello.txt; sleep 600 }
"""


def screen_shows(mica, vm, text, seconds=BOOT_SECONDS):
    """Asks for the screen until the text is on it; returns the screen."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        screen = mica.command(f"vm screen {vm}")
        if text in screen:
            return screen
        if time.monotonic() > end:
            raise Failure(f"no {text!r} on the screen in {seconds} s; it shows:\n{screen}")
        mica.command("sleep 1")


def freedos_image():
    path = os.environ.get("FREEDOS_IMG", "")
    if not Path(path).is_file():
        raise Skip("FREEDOS_IMG names no FreeDOS image")
    return path


def test_freedos_floppy():
    with System(*NO_LINUX, "--file", f"dos={freedos_image()}") as mica:
        vm = mica.vm_start("vm run -n dos -m 16M -fda dos")
        screen_shows(mica, vm, "A:\\>")
        mica.command(f'vm keys {vm} "dir<enter>"')
        screen_shows(mica, vm, "bytes free")
        mica.command(f'vm keys {vm} "copy README.TXT B.TXT<enter>cls<enter>dir B.TXT<enter>"')
        screen_shows(mica, vm, "B        TXT")
        stat = mica.command(f"vm stat {vm}")
        check("unknown BIOS call" not in stat, f"FreeDOS made calls that the firmware does not have: {stat}")
        mica.power_off()


def test_grub_from_cd():
    with tempfile.TemporaryDirectory(prefix="mica-grub-") as folder:
        tree = Path(folder) / "tree"
        (tree / "boot/grub").mkdir(parents=True)
        (tree / "boot/grub/grub.cfg").write_text(GRUB_CONFIG)
        (tree / "hello.txt").write_text("Hello from a file\n")
        iso = Path(folder) / "grub.iso"
        subprocess.run(["grub-mkrescue", "-o", iso, tree], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with System(*NO_LINUX, "--file", f"cd={iso}") as mica:
            vm = mica.vm_start("vm run -n grub -m 64M -cdrom cd")
            screen_shows(mica, vm, "Second entry")
            mica.command(f'vm keys {vm} "<down><enter>"')
            screen_shows(mica, vm, "Hello from a file")
            mica.power_off()


def test_nothing_to_boot_and_bad_disks():
    with tempfile.TemporaryDirectory(prefix="mica-disk-") as folder:
        blank, short, empty = (Path(folder) / name for name in ("blank", "short", "empty"))
        blank.write_bytes(bytes(1 << 20))
        short.write_bytes(bytes(700))
        empty.write_bytes(b"")
        with System(*NO_LINUX, "--file", f"blank={blank}", "--file", f"short={short}", "--file", f"empty={empty}") as mica:
            for options in ("-hda blank", "-fda short -hda short -cdrom short", "-cdrom blank -boot d"):
                vm = mica.vm_start(f"vm run -n none -m 4M {options}")
                screen_shows(mica, vm, "No bootable device")
            said = mica.command("vm run -m 4M -hda empty")
            check("empty" in said, f"an empty disk: {said}")
            said = mica.command("vm run -m 4M -hda nowhere")
            check("not among the boot files" in said, f"a disk that is not there: {said}")
            said = mica.command("vm run -m 4M -fda blank -snapshot off")
            check("no disk to write to" in said, f"snapshot off: {said}")
            mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
