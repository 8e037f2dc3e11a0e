#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boot media of other people, untouched (guests/media.sh), and CDs that emulate a floppy or a hard disk: what their screens show and
what they do with keys."""
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from console import PATIENCE, ROOT, Failure, Skip, System, check, run_tests

SECONDS = 60
MENU = r"Boot media of others[\s\S]*Automatic boot|Boot media of others[\s\S]*edit options"


def choose(place):
    return "<down>" * place + "<enter>"


# medium, option, [(what the screen shows, what is typed then)]
MEDIA = (
    ("grub-legacy", "fda", ((r"grub>", "geometry (fd0)<enter>"), (r"C/H/S = 80/2/18", "displaymem<enter>"),
                            (r"Upper memory \(to first chipset hole\): 15360K", ""))),
    ("syslinux", "fda", ((r"boot:", "meminfo.c32<enter>"), (r"0000000000100000x 0000000000f00000x", ""))),
    ("ipxe", "cdrom", ((r"No more network devices", ""),)),
    ("isolinux", "cdrom", ((MENU, choose(0)), (r"Hardware Detection Tool[\s\S]*PCI Devices", ""))),
    ("isolinux", "cdrom", ((MENU, choose(2)), (r"8086:7010", ""))),
    ("isolinux", "cdrom", ((MENU, choose(3)), (r"Press <F1> to configure", ""))),
    ("isolinux", "cdrom", ((MENU, choose(4)), (r"-\*-", " "),)),
    ("isolinux", "cdrom", ((MENU, choose(5)), (r"shows no text: 640x480", ""))),
    ("isolinux", "cdrom", ((MENU, choose(6)), (r"Mica BIOS|ISOLINUX|Boot media", ""))),
)


def medium(name):
    return subprocess.run([ROOT / "guests/media.sh", name], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]


def screen_shows(mica, vm, pattern):
    end = time.monotonic() + SECONDS * PATIENCE
    while True:
        screen = mica.command(f"vm screen {vm}")
        if re.search(pattern, screen):
            return
        if time.monotonic() > end:
            raise Failure(f"no {pattern!r} on the screen; it shows:\n{screen}")
        mica.command("sleep 1")


def play(mica, vm, steps):
    for pattern, keys in steps:
        screen_shows(mica, vm, pattern)
        if keys:
            mica.command(f'vm keys {vm} "{keys}"')


def test_untouched():
    files = [option for name in sorted({name for name, _, _ in MEDIA}) for option in ("--file", f"{name}={medium(name)}")]
    with System(*files, "--boot-only-files") as mica:
        for name, option, steps in MEDIA:
            vm = mica.vm_start(f"vm run -n {name} -m 16M -{option} {name}")
            play(mica, vm, steps)
            mica.command(f"vm kill {vm}")
        vm = mica.vm_start("vm run -n isolinux -m 16M -cdrom isolinux")
        play(mica, vm, ((MENU, "<end><enter>"),))
        said = mica.command(f"vm wait {vm}", SECONDS)
        check("power off" in said, f"SYSLINUX' poweroff: {said}")
        mica.power_off()


def cd_with(folder, name, image, *options):
    tree = folder / name
    tree.mkdir()
    (tree / "boot.img").write_bytes(Path(image).read_bytes())
    iso = folder / f"{name}.iso"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", iso, "-b", "boot.img", "-c", "boot.cat", *options, tree],
                   check=True, stderr=subprocess.DEVNULL)
    return iso


def test_emulated_disks():
    dos = os.environ.get("FREEDOS_IMG", "")
    if not Path(dos).is_file():
        raise Skip("FREEDOS_IMG names no FreeDOS image")
    with tempfile.TemporaryDirectory(prefix="mica-cd-") as text:
        folder = Path(text)
        subprocess.run([ROOT / "guests/freedos.sh", text], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        floppy, disk = cd_with(folder, "floppy", dos), cd_with(folder, "disk", folder / "guests/freedos", "-hard-disk-boot")
        with System("--file", f"floppy={floppy}", "--file", f"disk={disk}", "--boot-only-files") as mica:
            for name, prompt in (("floppy", r"A:\\>"), ("disk", r"C:\\>")):
                vm = mica.vm_start(f"vm run -n {name} -m 16M -cdrom {name}")
                play(mica, vm, ((prompt, "dir<enter>"), (r"KERNEL +SYS[\s\S]*bytes free", "")))
                mica.command(f"vm kill {vm}")
            mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
