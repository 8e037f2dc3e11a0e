#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The guests that `make guests` makes besides Linux, started by their names: FreeDOS, memtest86+, GRUB; and what is said of one
that is not there."""
import re
import tempfile
import time
from pathlib import Path

from console import BUILD, PATIENCE, Failure, Skip, System, check, run_tests

SECONDS = 180
BARE = ["--boot-only-files"]


def screen_shows(mica, vm, pattern, seconds=SECONDS):
    """Asks for the screen until it matches; returns the screen."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        screen = mica.command(f"vm screen {vm}")
        if re.search(pattern, screen):
            return screen
        if time.monotonic() > end:
            raise Failure(f"no {pattern!r} on the screen; it shows:\n{screen}")
        mica.command("sleep 1")


def test_freedos():
    if not (BUILD / "guests/freedos").exists():
        raise Skip("no FreeDOS: FREEDOS_IMG=path make guests")
    with System("--guests", "freedos") as mica:
        vm = mica.vm_start("vm start freedos")
        screen_shows(mica, vm, r"[AC]:\\>")
        mica.command(f'vm keys {vm} "dir<enter>"')
        screen_shows(mica, vm, r"KERNEL +SYS[\s\S]*bytes free")
        mica.send(f"vm console {vm}\n")
        mica.expect("bytes free")
        mica.send("ver\r")                     # typed at its keyboard
        mica.expect(r"(?i)version|freecom", SECONDS)
        mica.leave()
        mica.power_off()


def test_memtest():
    with System("--guests", "memtest", on="qemu") as mica:
        vm = mica.vm_start("vm start memtest")
        screen_shows(mica, vm, r"Memtest86\+")
        screen_shows(mica, vm, r"Test +\d+% *[^\s]")
        mica.power_off()


def test_grub():
    with System("--guests", "grub", on="qemu") as mica:
        vm = mica.vm_start("vm start grub")
        screen_shows(mica, vm, r"\*Memory test[\s\S]*Power off")
        mica.command(f"vm keys {vm} <down><down><down><enter>")
        screen_shows(mica, vm, r"base_addr[\s\S]*Press Enter")
        mica.command(f"vm keys {vm} <enter>")
        screen_shows(mica, vm, r"\*Memory test")
        mica.command(f"vm keys {vm} <enter>")
        screen_shows(mica, vm, r"Memtest86\+")
        mica.power_off()


def test_what_is_missing_or_misspelt():
    with tempfile.TemporaryDirectory(prefix="mica-cfg-") as folder:
        wrong = Path(folder) / "wrong.cfg"
        wrong.write_text("kernel = k\nmemroy = 1G\n")
        with System(*BARE, "--file", "guests/freedos.cfg=guests/freedos.cfg", "--file", f"guests/wrong.cfg={wrong}",
                    on="qemu") as mica:
            for line, wanted in (
                    ("vm start freedos", r"freedos\.cfg:\d+: hda 'freedos' is not among the boot files; to get it: FREEDOS_IMG="),
                    ("vm start fredos", r"no such file on the boot medium; did you mean `vm start freedos`\?"),
                    ("vm start wrong", r"wrong\.cfg:2: unknown key 'memroy'; did you mean memory\?"),
                    ("vm run -kernle x", r"unknown option '-kernle'; did you mean -kernel\?"),
                    ("vm run -kernel x -smp 2", r"smp = 2: a VM has one virtual CPU"),
                    ("vm strat linux", r"vm strat: no such command; did you mean `vm start`\?"),
                    ("hlep", r"hlep: no such command; did you mean `help`\?"),
                    ("frobnicate", r"frobnicate: no such command; `help` lists them")):
                said = mica.command(line)
                check(re.search(wanted, said), f"{line!r} says {said!r}")
                check(len(said.strip().splitlines()) == 1, f"{line!r} says more than a line: {said!r}")
            mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
