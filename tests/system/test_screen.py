#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A VM's screen as people see it: on its console over the serial line, on the machine's own screen, and as a picture, which
is compared with what bare QEMU shows of the same floppy (guests/floppy/screen.asm)."""
import re
import subprocess
import tempfile
import time
from pathlib import Path

from console import BUILD, PATIENCE, Failure, System, check, run_tests, same
from monitor import Monitor
from runner.machine import die_with_parent

FLOPPY = BUILD / "guests/floppy/screen.img"
SECONDS = 180
BOX = "║   Mica:  READY  -_-  ║"


class Screen(Monitor):
    """The machine's text screen and keyboard."""

    def keys(self, *names):
        for name in names:
            self.command(f"sendkey {name}")
            time.sleep(0.2)

    def text(self):
        """The 25 rows of the VGA's text memory, characters above 7Fh as dots; and the attributes."""
        cells = [int(word, 16) for line in self.command("xp /2000hx 0xb8000").splitlines()
                 for word in re.findall(r"0x([0-9a-f]{4})\b", line.partition(":")[2])]
        same(len(cells), 2000, "cells in QEMU's text memory")
        characters = "".join(chr(cell & 0xff) if 32 <= cell & 0xff < 127 else "." for cell in cells)
        return [characters[row:row + 80] for row in range(0, 2000, 80)], [cell >> 8 for cell in cells]

    def wait_text(self, wanted, seconds=SECONDS):
        end = time.monotonic() + seconds * PATIENCE
        while True:
            rows, attributes = self.text()
            if any(wanted in row for row in rows):
                return rows, attributes
            if time.monotonic() > end:
                raise Failure(f"no {wanted!r} on the machine's screen; it shows:\n" + "\n".join(rows))
            time.sleep(0.3)


class BareQemu:
    """The floppy, or the CD, in QEMU's own PC."""

    def __init__(self, folder, floppy=FLOPPY, cd=None):
        self.folder = Path(folder)
        copy = self.folder / "floppy.img"
        if not cd:
            copy.write_bytes(floppy.read_bytes())
        medium = ["-cdrom", str(cd), "-boot", "d"] if cd else ["-drive", f"file={copy},if=floppy,format=raw", "-boot", "a"]
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "pc", "-m", "32", "-display", "none", "-vga", "std", "-nodefaults",
             *medium, "-net", "none",
             "-monitor", f"unix:{self.folder}/monitor,server=on,wait=off"], stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def __enter__(self):
        self.monitor = Screen(self.folder / "monitor")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def picture(self):
        path = self.folder / "bare.ppm"
        self.monitor.command(f"screendump {path}")
        return read_ppm(path)


def read_ppm(path):
    header, width, height, depth, pixels = re.fullmatch(rb"(P6)\s(\d+) (\d+)\s(\d+)\s(.*)", path.read_bytes(), re.S).groups()
    same((header, depth), (b"P6", b"255"), "the picture's header")
    width, height = int(width), int(height)
    same(len(pixels), 3 * width * height, "bytes of pixels")
    return width, height, pixels


def shrunk(picture, x_times, y_times):
    """QEMU shows the pixels of modes below 640x400 several times."""
    width, height, pixels = picture
    rows = [pixels[3 * width * y:3 * width * (y + 1)] for y in range(0, height, y_times)]
    return width // x_times, height // y_times, b"".join(row[x:x + 3] for row in rows for x in range(0, len(row), 3 * x_times))


def halved(picture):
    return shrunk(picture, 2, 2)


def screenshot(mica, vm, name):
    end = time.monotonic() + SECONDS * PATIENCE
    while "its screen is off" in (said := mica.command(f"vm screenshot {vm} {name}")):  # while a mode is being set
        check(time.monotonic() < end, said)
        mica.command("sleep 1")
    check("pixels of vm" in said, f"vm screenshot says: {said}")
    return read_ppm(mica.log / f"{name}.ppm")


def wait_same(ours, theirs, what):
    """Both are asked until they show the same: drawing takes its time."""
    end = time.monotonic() + SECONDS * PATIENCE
    while True:
        got, wanted = ours(), theirs()
        if got == wanted:
            return
        if time.monotonic() > end:
            different = sum(a != b for a, b in zip(got[2], wanted[2]))
            raise Failure(f"{what}: {got[:2]} pixels, QEMU shows {wanted[:2]}; {different} of {len(wanted[2])} bytes differ")
        time.sleep(0.5)


def screen_shows(mica, vm, text):
    end = time.monotonic() + SECONDS * PATIENCE
    while text not in (screen := mica.command(f"vm screen {vm}")):
        check(time.monotonic() < end, f"no {text!r} on the screen; it shows:\n{screen}")
        mica.command("sleep 1")


def start(mica):
    return mica.vm_start("vm run -n screen -m 8M -fda floppy")


def test_console():
    with System("--boot-only-files", "--file", f"floppy={FLOPPY}") as mica:
        vm = start(mica)
        mica.send(f"vm console {vm}\n")
        mica.expect(rf"\[console of vm {vm}: Ctrl-\] leaves\]\n")
        mica.expect(re.escape(BOX))                       # box drawing, and a row in one piece
        check("\x1b[0;1;37;44m" in mica.output, "the box has no white on blue")
        for typed, shown in (("a", "1E61"), ("\x1b[A", "4800"), ("\x1bOP", "3B00"), ("\x1b[15~", "3F00"), ("\x1b", "011B"),
                             ("\x18", "2D18"), ("\x1bx", "2D00"), ("\r", "1C0D"), ("\x7f", "0E08"), ("\x1b[3~", "5300")):
            mica.send(typed)
            mica.leave()
            screen_shows(mica, vm, f"key {shown}")        # of INT 16h
            mica.send(f"vm console {vm}\n")
            mica.expect(re.escape(BOX))
        mica.send("g")
        mica.expect(r"\[320x200 pixels: `vm screenshot 1` takes a picture\]")
        mica.leave()
        said = mica.command(f"vm console {vm} picture")
        check("should be screen or serial" in said, said)
        mica.send(f"vm console {vm} serial\n")            # which it has never used
        mica.expect(r"leaves\]\n")
        mica.leave()
        mica.power_off()


def test_pictures_are_those_of_qemu():
    with tempfile.TemporaryDirectory(prefix="mica-bare-") as folder, BareQemu(folder) as bare, \
         System("--boot-only-files", "--file", f"floppy={FLOPPY}", on="qemu") as mica:
        vm = start(mica)
        for key, change in (("t", None), ("g", halved), ("p", None)):
            bare.monitor.keys(key)
            mica.command(f"vm keys {vm} {key}")
            wait_same(lambda key=key: screenshot(mica, vm, key), lambda f=change: f(bare.picture()) if f else bare.picture(),
                      f"the picture of {key}")
        said = mica.command(f"vm screenshot {vm} ../x")
        check("a name is of letters" in said, said)
        mica.power_off()


def test_picture():
    with System("--boot-only-files", "--file", f"floppy={FLOPPY}") as mica:
        vm = start(mica)
        mica.send(f"vm console {vm}\n")
        mica.expect("READY")
        mica.leave()
        same(screenshot(mica, vm, "text")[:2], (720, 400), "the picture's size")
        check("wrote " in mica.complaint(), f"scripts/run says: {mica.complaint()}")
        mica.power_off()


def test_machines_screen_and_keyboard():
    """Alt-F2 shows the VM on the machine's own screen, its keyboard types there, Alt-F1 is the shell again."""
    with tempfile.TemporaryDirectory(prefix="mica-screen-") as folder:
        path = f"{folder}/monitor"
        with System("--boot-only-files", "--file", f"floppy={FLOPPY}", "--monitor", path, on="qemu") as mica:
            monitor = Screen(path)
            start(mica)
            monitor.wait_text("vm 1 (screen) started")
            monitor.keys("alt-f2")
            rows, attributes = monitor.wait_text("Mica:  READY")
            check(".Mica:  READY" not in rows[11], f"row 11: {rows[11]!r}")
            same(attributes[11 * 80 + 30], 0x1f, "the box's colour")
            wanted = [(n * 7 & 0xff, n & 0x7f) for n in range(80)]
            check(all(chr(c) == rows[0][n] for n, (c, _) in enumerate(wanted) if 32 <= c < 127), f"row 0: {rows[0]!r}")
            same([a for a in attributes[:80]], [a for _, a in wanted], "colours of row 0")
            monitor.keys("f5", "x")
            monitor.wait_text("key 2D78")
            monitor.keys("shift-x")
            monitor.wait_text("key 2D58")
            monitor.keys("up")
            monitor.wait_text("key 48")
            monitor.keys("alt-f1")
            monitor.wait_text("mica>")
            monitor.keys("e", "c", "h", "o", "spc", "o", "k", "ret")
            monitor.wait_text("ok")
            mica.expect("echo ok")
            monitor.keys("alt-f2")
            monitor.wait_text("READY")
            monitor.keys("ctrl-bracket_right")
            monitor.wait_text("echo ok")
            mica.power_off()


def test_linux_on_its_screen():
    """No serial port: its messages and its shell on the VGA, typed at by the keyboard."""
    with System() as mica:
        vm = mica.vm_start('vm run -n tty0 -m 128M -kernel linux -initrd linux.initrd -append "console=tty0 cryptomgr.notests"')
        mica.send(f"vm console {vm}\n")
        mica.expect(r"Run /init as init process", SECONDS)
        mica.expect(r"/ #", SECONDS)
        mica.send("uname -r; echo $((6*7))answers\r")
        mica.expect(r"42answers")
        mica.leave()
        check("42answers" in mica.command(f"vm screen {vm}"), "vm screen does not show it")
        mica.power_off()


def test_graphics_on_the_machines_screen():
    """The VM's mode 13h on the machine's own screen is what bare QEMU shows; then the text is as it was."""
    with tempfile.TemporaryDirectory(prefix="mica-screen-") as folder, BareQemu(folder) as bare:
        path = f"{folder}/host"
        with System("--boot-only-files", "--file", f"floppy={FLOPPY}", "--monitor", path, on="qemu") as mica:
            monitor = Screen(path)

            def shown():
                dump = Path(folder) / "host.ppm"
                monitor.command(f"screendump {dump}")
                return read_ppm(dump)
            vm = start(mica)
            mica.send(f"vm console {vm}\n")
            monitor.wait_text("Mica:  READY")
            bare.monitor.keys("t")
            wait_same(shown, bare.picture, "the text")
            monitor.keys("g")
            bare.monitor.keys("g")
            wait_same(shown, lambda: halved(bare.picture()), "the machine's screen in mode 13h")
            mica.leave()
            monitor.wait_text("mica>")
            mica.send(f"vm console {vm}\n")
            wait_same(shown, lambda: halved(bare.picture()), "mode 13h again")
            monitor.keys("p")
            bare.monitor.keys("p")
            wait_same(shown, bare.picture, "the machine's screen in a planar mode")
            monitor.keys("w")
            bare.monitor.keys("w")
            wait_same(shown, bare.picture, "the machine's screen with 50 rows")
            monitor.keys("t")
            bare.monitor.keys("t")
            wait_same(shown, bare.picture, "the text after graphics")
            mica.leave()
            mica.power_off()


def test_graphics_on_a_framebuffer():
    """Booted by UEFI: mode 13h in the middle, as large as whole multiples allow."""
    with tempfile.TemporaryDirectory(prefix="mica-screen-") as folder, BareQemu(folder) as bare:
        path = f"{folder}/host"
        with System("--boot-only-files", "--file", f"floppy={FLOPPY}", "--monitor", path, "--firmware", "uefi", on="qemu") as mica:
            monitor = Screen(path)

            def shown(columns=320, lines=200):
                dump = Path(folder) / "host.ppm"
                monitor.command(f"screendump {dump}")
                width, height, pixels = read_ppm(dump)
                zoom = min(width // columns, height // lines)
                left, top = (width - columns * zoom) // 2, (height - lines * zoom) // 2
                rows = [pixels[3 * ((top + y * zoom) * width + left):][:3 * columns * zoom] for y in range(lines)]
                return columns, lines, b"".join(row[x:x + 3] for row in rows for x in range(0, len(row), 3 * zoom))
            vm = start(mica)
            mica.send(f"vm console {vm}\n")
            mica.expect("READY")
            monitor.keys("g")
            bare.monitor.keys("g")
            wait_same(shown, lambda: halved(bare.picture()), "the framebuffer with mode 13h")
            monitor.keys("p")
            bare.monitor.keys("p")
            wait_same(lambda: shown(640, 480), bare.picture, "the framebuffer with a planar mode")
            mica.leave()
            mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
