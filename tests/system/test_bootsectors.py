#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that boot from a floppy or hard disk as people write them (guests/boot): the text that each leaves on the screen
is what the same image leaves under bare QEMU with SeaBIOS. Lines that begin with ~ may differ."""
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from console import PATIENCE, ROOT, System, check, run_tests
from reference import Reference

SOURCES = ROOT / "guests/boot"
FLOPPY = 2880 * 512
DISK = 8 << 20
SECONDS = 30


class Program:
    """One of the sources: its image, and what its head says: `(disk: hda)`, `keys after "TEXT": KEYS`."""

    def __init__(self, source, folder):
        self.name = source.stem
        text = source.read_text()
        self.disk = "hda" if "(disk: hda" in text else "fda"
        self.on_vtx = "(VT-x only" in text
        self.alone = "no reference)" in text
        keys = re.search(r'^; keys after "(.*)": (.*)$', text, re.M)
        self.after, self.keys = keys.groups() if keys else ("", "")
        self.image = folder / self.name
        subprocess.run(["nasm", "-f", "bin", f"-I{SOURCES}/", f"-I{SOURCES.parent}/", "-o", self.image, source], check=True)
        code = self.image.read_bytes()
        size = FLOPPY if self.disk == "fda" else DISK
        # Each sector of the disk says where it is.
        rest = b"".join(b"sector %08d " % sector * 32 for sector in range(len(code) // 512 + 1, size // 512))
        self.image.write_bytes(code + bytes(-len(code) % 512) + rest[-(size - (len(code) + 511) // 512 * 512):])


def programs(folder):
    return [Program(source, folder) for source in sorted(SOURCES.glob("*.asm"))]


def reference_screen(program):
    drive = f"file={program.image},format=raw,if={'floppy' if program.disk == 'fda' else 'ide'}"
    # Where nobody types, time is counted in instructions, so that timers do not lag on a busy host.
    counted = [] if program.keys else ["-icount", "shift=7,sleep=off", "-rtc", "clock=vm"]
    with Reference("-drive", drive, "-boot", "ac"[program.disk == "hda"], *counted) as machine:
        if program.keys:
            machine.wait(program.after, SECONDS)
            time.sleep(0.5)
            machine.type(program.keys)
        return machine.wait("done", SECONDS)


def our_screen(mica, vm):
    shown = mica.command(f"vm screen {vm}").splitlines()
    return [line.rstrip() for line in shown if not re.search(rf"\[ *\d+\.\d+\] vm {vm} stopped", line)]  # the log may come between


def wait_screen(mica, vm, text, seconds=SECONDS):
    end = time.monotonic() + seconds * PATIENCE
    while True:
        lines = our_screen(mica, vm)
        if any(text in line for line in lines) or time.monotonic() > end:
            return lines
        mica.command("sleep 1")


def without_blank_end(lines):
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def differences(ours, theirs):
    ours, theirs = ([line for line in without_blank_end(lines) if not line.startswith("~")] for lines in (ours, theirs))
    count = max(len(ours), len(theirs))
    ours, theirs = (lines + [""] * (count - len(lines)) for lines in (ours, theirs))
    return [f"  line {i}: {a!r}, bare QEMU {b!r}" for i, (a, b) in enumerate(zip(ours, theirs)) if a != b]


def compare(only=()):
    wrong = []
    with tempfile.TemporaryDirectory(prefix="mica-boot-") as folder:
        todo = [program for program in programs(Path(folder)) if (program.name in only if only else not program.on_vtx)]
        files = [option for program in todo for option in ("--file", f"{program.name}={program.image}")]
        with System(*files, "--boot-only-files") as mica:
            for program in todo:
                theirs = ["done"] if program.alone else reference_screen(program)
                if not any("done" in line for line in theirs):
                    wrong.append(f"{program.name} does not end on bare QEMU:\n" + "\n".join(without_blank_end(theirs)))
                    continue
                vm = mica.vm_start(f"vm run -n {program.name} -m 16M -{program.disk} {program.name}")
                if program.keys:
                    wait_screen(mica, vm, program.after)
                    mica.command(f'vm keys {vm} "{program.keys}"')
                ours = wait_screen(mica, vm, "done", 20)
                if program.alone:
                    ours = [line for line in ours if line in ("BAD", "done")]
                found = differences(ours, theirs)
                if found:
                    wrong.append(f"{program.name} differs:\n" + "\n".join(found))
                if only:
                    print("\n".join(without_blank_end(ours)))
                    print(mica.command(f"vm stat {vm}"))
                mica.command(f"vm kill {vm}")
            mica.power_off()
    return wrong


def test_screens_as_on_another_pc():
    wrong = compare()
    check(not wrong, f"{len(wrong)} programs differ\n" + "\n".join(wrong))


def test_x87_errors():
    wrong = compare(["ferr"])
    check(not wrong, "\n".join(wrong))


if __name__ == "__main__":
    if sys.argv[1:2] == ["try"]:
        print("\n".join(compare(sys.argv[2:])))
        sys.exit()
    run_tests(globals())
