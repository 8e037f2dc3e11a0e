#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs under FreeDOS (guests/dos/programs): files, a resident program, graphics, the timer, a DOS extender, C by bcc, an XMS
driver; then DOS itself in V86 mode below paging with a memory manager's EMS and VCPI; switching off by APM. The same programs end
well under bare QEMU with SeaBIOS. And with DOS_PROGRAMS=folder programs of others: MEM, EDIT, JEMM386, JEMMEX, FDAPM."""
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from console import PATIENCE, ROOT, Failure, Skip, System, check, run_tests

SOURCES = ROOT / "guests/dos/programs"
MTOOLS = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": "/dev/null"}
SECONDS = 240
LINES = (("xms", "XMS: resident"), ("xmstest", "XMSTEST: "), ("file", "FILE: "), ("tsr", "TSR: resident"), ("mode13", "MODE13: "), ("tick", "TICK: "), ("tsr", "TSR: ok"),
         ("extend", "EXTEND: "), ("bcc one two", "BCC: "), ("v86", "V86: resident"), ("xmstest", "XMSTEST: "), ("vcpi", "VCPI: "), ("file", "FILE: "), ("mode13", "MODE13: "),
         ("tick", "TICK: "), ("tsr", "TSR: ok"), ("bcc 1 two", "BCC: "), ("v86", "V86: ok, on"))


def freedos_image():
    path = os.environ.get("FREEDOS_IMG", "")
    if not Path(path).is_file():
        raise Skip("FREEDOS_IMG names no FreeDOS image")
    return path


def others_programs():
    """{name: path} of the folder that DOS_PROGRAMS names."""
    folder = Path(os.environ.get("DOS_PROGRAMS") or "/nowhere")
    found = {path.name.upper(): path for path in folder.iterdir()} if folder.is_dir() else {}
    if not found:
        raise Skip("DOS_PROGRAMS names no folder with DOS programs")
    return found


def programs_floppy(folder, others=()):
    floppy = folder / "programs.img"
    floppy.write_bytes(bytes(2880 * 512))
    subprocess.run(["mformat", "-i", floppy, "-f", "1440", "::"], check=True, env=MTOOLS)
    for source in sorted(SOURCES.glob("*.asm")) + sorted(SOURCES.glob("*.c")):
        program = folder / (source.stem + ".com")
        if source.suffix == ".asm":
            command = ["nasm", "-f", "bin", f"-I{SOURCES}/", "-o", program, source]
        else:
            command = ["bcc", "-Md", "-o", program, source]
        subprocess.run(command, check=True, cwd=folder)
        subprocess.run(["mcopy", "-o", "-i", floppy, program, "::"], check=True, env=MTOOLS)
    for path in others:
        subprocess.run(["mcopy", "-o", "-i", floppy, path, "::"], check=True, env=MTOOLS)
    return floppy


def screen_shows(mica, vm, text):
    end = time.monotonic() + SECONDS * PATIENCE
    while text not in (screen := mica.command(f"vm screen {vm}")):
        if time.monotonic() > end:
            raise Failure(f"no {text!r} on the screen; it shows:\n{screen}")
        mica.command("sleep 1")


def screen_after(mica, vm, command, wanted):
    """Types a command on a cleared screen; the line of the screen that begins as wanted."""
    mica.command(f'vm keys {vm} "cls<enter>{command}<enter>"')
    end = time.monotonic() + SECONDS * PATIENCE
    while True:
        screen = mica.command(f"vm screen {vm}")
        lines = [line.strip() for line in screen.splitlines() if line.startswith(wanted)]
        if lines:
            return lines[-1]
        if time.monotonic() > end:
            raise Failure(f"{command}: no {wanted!r} on the screen; it shows:\n{screen}")
        mica.command("sleep 1")


def test_programs():
    with tempfile.TemporaryDirectory(prefix="mica-dos-") as folder:
        floppy = programs_floppy(Path(folder))
        with System("--file", f"dos={freedos_image()}", "--file", f"programs={floppy}", "--boot-only-files") as mica:
            vm = mica.vm_start("vm run -n dos -m 96M -fda dos -fdb programs")
            screen_shows(mica, vm, "A:\\>")
            mica.command(f'vm keys {vm} "<c-a-del>"')  # the BIOS boots again
            mica.command("sleep 1")
            screen_after(mica, vm, "b:", "B:\\>")
            check("resets" in mica.command(f"vm stat {vm}"), "Ctrl-Alt-Del does not reset")
            for command, wanted in LINES:
                line = screen_after(mica, vm, command, wanted)
                check("resident" in line or ": ok" in line, f"{command}: {line}")
            mica.command(f'vm keys {vm} "power<enter>"')
            said = mica.command(f"vm wait {vm}", SECONDS)
            check("power off" in said, f"APM does not switch off: {said}")
            mica.power_off()


def mem_tells(mica, vm, *wanted):
    mica.command(f'vm keys {vm} "cls<enter>mem<enter>"')
    screen_shows(mica, vm, "Largest executable program size")
    screen = mica.command(f"vm screen {vm}")
    for line in wanted:
        check(re.search(line, screen), f"MEM does not say {line!r}:\n{screen}")


def edit_a_file(mica, vm, name):
    """Types two lines into EDIT, saves them by its menu, leaves it by its menu; TYPE shows them."""
    mica.command(f'vm keys {vm} "cls<enter>edit {name}<enter>"')
    screen_shows(mica, vm, "Search")
    mica.command(f'vm keys {vm} "First line<enter>Sekond<left><left><left><left><del>c<end> line"')
    screen_shows(mica, vm, "Second line")
    for choice in ("s", "x"):  # Save, Exit
        mica.command(f'vm keys {vm} "<f10>"')
        screen_shows(mica, vm, "Commands for")
        mica.command(f'vm keys {vm} "<down>"')
        screen_shows(mica, vm, "Save as")
        mica.command(f'vm keys {vm} "{choice}"')
        mica.command("sleep 2")
    screen_shows(mica, vm, "B:\\>")
    screen_after(mica, vm, f"type {name}", "First line")
    screen_shows(mica, vm, "Second line")


def test_other_peoples_programs():
    others = others_programs()
    with tempfile.TemporaryDirectory(prefix="mica-dos-") as folder:
        floppy = programs_floppy(Path(folder), others.values())
        with System("--file", f"dos={freedos_image()}", "--file", f"programs={floppy}", "--boot-only-files") as mica:
            vm = mica.vm_start("vm run -n dos -m 32M -fda dos -fdb programs")
            screen_shows(mica, vm, "A:\\>")
            screen_after(mica, vm, "b:", "B:\\>")
            if "MEM.EXE" in others:
                mem_tells(mica, vm, "Conventional +639K", "Total memory +32,768K")
            if "EDIT.EXE" in others:
                edit_a_file(mica, vm, "one.txt")
            if "JEMM386.EXE" in others:
                screen_after(mica, vm, "xms", "XMS: resident")
                screen_after(mica, vm, "jemm386 load", "Jemm386 loaded")
                if "MEM.EXE" in others:  # from here on in V86 mode
                    mem_tells(mica, vm, "Total memory +32,768K", r"Free Expanded \(EMS\) +1\dM")
                if "EDIT.EXE" in others:
                    edit_a_file(mica, vm, "two.txt")
                for program in ("file", "mode13"):
                    line = screen_after(mica, vm, program, f"{program.upper()}: ")
                    check(": ok" in line, f"below JEMM386: {line}")
                screen_after(mica, vm, "jemm386 unload", "Jemm unloaded")
            mica.command(f'vm keys {vm} "{"fdapm poweroff" if "FDAPM.COM" in others else "power"}<enter>"')
            said = mica.command(f"vm wait {vm}", SECONDS)
            check("power off" in said, f"APM does not switch off: {said}")
            mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
