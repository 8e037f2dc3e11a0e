#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The hybrid boot medium: by UEFI with a console on the framebuffer, and as a USB stick by BIOS and by UEFI."""
import re
import tempfile
import time
from pathlib import Path

from console import BUILD, PATIENCE, System, check, run_tests
from monitor import Monitor

COLUMNS, ROWS, WIDTH, HEIGHT = 80, 25, 8, 16
SECONDS = 60  # the screen is drawn beside the serial line, whose prompt may come first


def picture(monitor, folder):
    """QEMU's screen: width, height, bytes of red, green and blue."""
    path = Path(folder) / "screen.ppm"
    monitor.command(f"screendump {path}")
    kind, size, depth, pixels = path.read_bytes().split(b"\n", 3)
    check(kind == b"P6" and depth == b"255", f"a screen dump of kind {kind}")
    width, height = map(int, size.split())
    return width, height, pixels


def read_screen(monitor, folder):
    """The text on a framebuffer, found by the shapes of its characters."""
    width, height, pixels = picture(monitor, folder)
    font = (BUILD / "gen/font16.bin").read_bytes()
    names = {font[16 * c:16 * c + 16]: chr(c) for c in range(126, 31, -1)}
    zoom = min(width // (COLUMNS * WIDTH), height // (ROWS * HEIGHT))
    left, top = (width - COLUMNS * WIDTH * zoom) // 2, (height - ROWS * HEIGHT * zoom) // 2

    def shape(row, column):
        lines = []
        for y in range(HEIGHT):
            at = 3 * ((top + (row * HEIGHT + y) * zoom) * width + left + column * WIDTH * zoom)
            lines.append(sum((pixels[at + 3 * x * zoom] > 0) << 7 - x for x in range(WIDTH)))
        return bytes(lines)

    return ["".join(names.get(shape(row, column), "?") for column in range(COLUMNS)).rstrip() for row in range(ROWS)]


def text_screen(monitor):
    words = [int(word, 16) for word in re.findall(r"0x([0-9a-f]{4})\b", monitor.command("xp /2000hx 0xb8000"))]
    return ["".join(chr(word & 0xff) for word in words[row:row + COLUMNS]).rstrip() for row in range(0, len(words), COLUMNS)]


def wait_shown(read, is_shown, what):
    end = time.monotonic() + SECONDS * PATIENCE
    while not is_shown(rows := read()):
        check(time.monotonic() < end, f"{what} shows {[row for row in rows if row]}")
        time.sleep(0.2)


def boots(*options, framebuffer):
    with tempfile.TemporaryDirectory(prefix="mica-uefi-") as folder:
        path = f"{folder}/monitor"
        with System("--boot-only-files", "--monitor", path, *options, on="qemu") as mica:
            monitor = Monitor(path)
            if framebuffer:
                for _ in range(3):  # so that it scrolls
                    mica.command("help")
                wait_shown(lambda: read_screen(monitor, folder),
                           lambda rows: rows[-1].startswith("mica>") and "  poweroff      switch the machine off" in rows, "the framebuffer")
            else:
                wait_shown(lambda: text_screen(monitor), lambda rows: "mica>" in rows, "the text screen")
            mica.power_off()


def test_uefi_with_a_framebuffer():
    boots("--firmware", "uefi", "--cpus", "2", framebuffer=True)


def test_stick_by_uefi():
    boots("--firmware", "uefi", "--stick", framebuffer=True)


def test_stick_by_bios():
    boots("--stick", framebuffer=False)


run_tests(globals())
