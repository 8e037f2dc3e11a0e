#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boot floppies that look at the machine as old software does (guests/floppy): the A20 gate, resets that return, video memory."""
import subprocess
import tempfile
from pathlib import Path

from console import BUILD, PATIENCE, Failure, System, check, run_tests

SECONDS = 60


def floppy(name):
    return BUILD / f"guests/floppy/{name}.img"


def run_in_vm(name, on, last, memory="16M", seconds=SECONDS):
    """What the floppy says on COM1 in a VM, up to and with the line that matches `last`."""
    with System("--boot-only-files", "--file", f"floppy={floppy(name)}", on=on) as mica:
        vm = mica.vm_start(f"vm run -n {name} -m {memory} -fda floppy")
        mica.send(f"vm console {vm} serial\n")
        return mica.expect(rf"(?s)\[console of vm[^\n]*\n(.*?{last}[^\n]*\n)", seconds)[1]


def run_on_bare_qemu(name, *options, seconds=SECONDS):
    """The same by SeaBIOS on QEMU's own devices."""
    with tempfile.TemporaryDirectory(prefix="mica-bare-") as folder:
        image = Path(folder) / "floppy.img"
        image.write_bytes(floppy(name).read_bytes())
        command = ["qemu-system-x86_64", "-M", "pc", "-m", "32", "-display", "none", "-drive", f"file={image},if=floppy,format=raw",
                   "-boot", "a", "-net", "none", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4", *options]
        try:
            return subprocess.run(command, timeout=seconds * PATIENCE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=False).stdout.decode(errors="replace").replace("\r", "")
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{name} on bare QEMU does not end: {error.stdout}") from error


def a20(on):
    said = run_in_vm("a20", on, r"a20: \d+ checks", memory="4M")
    check("a20: 26 checks, 0 failed" in said, said)


def test_a20_on_vtx():
    a20("bochs")


def test_a20_on_svm():
    a20("qemu")


def test_a20_floppy_on_bare_qemu():
    said = run_on_bare_qemu("a20")
    check("a20: 26 checks, 0 failed" in said, said)


def restart(on):
    said = run_in_vm("restart", on, r"restart: \d+ returns")
    check("restart: chips kept" in said and "restart: 8 returns, 0 failed" in said, said)


def test_shutdown_status_on_vtx():
    restart("bochs")


def test_shutdown_status_on_svm():
    restart("qemu")


def test_redraws_go_through():
    said = run_in_vm("redraw", "qemu", "redraw: done")
    check(said.count("BENCH: redraw_") == 12, said)


if __name__ == "__main__":
    run_tests(globals())
