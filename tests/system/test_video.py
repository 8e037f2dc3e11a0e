#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot floppies that look at the machine as old software does (guests/floppy): the A20 gate, resets that return, video memory."""
import subprocess
import tempfile
import time
from pathlib import Path

from console import BUILD, GUEST_BOOT_SECONDS, GUEST_PROMPT, PATIENCE, QUICK_APPEND, ROOT, Failure, Skip, System, check, run_tests, same
from test_screen import BareQemu, screen_shows, screenshot, shrunk, wait_same

SECONDS = 60
# key: how often QEMU shows each pixel, across and down
PICTURES = {"a": (2, 2), "b": (1, 2), "c": (2, 2), "d": (1, 1), "e": (1, 1), "f": (1, 1), "g": (2, 2), "h": (1, 1), "i": (1, 1),
            "j": (1, 1), "k": (1, 1), "l": (1, 1), "m": (1, 1), "n": (1, 1),
            "o": (1, 1), "p": (1, 1), "q": (1, 1), "r": (1, 1), "s": (1, 1), "t": (1, 1),
            "u": (2, 2), "v": (1, 2), "w": (1, 2), "x": (1, 1), "y": (1, 1), "z": (2, 2)}


GRUB_CONFIG = """\
set timeout=-1
set gfxmode=800x600x32
insmod all_video
insmod gfxterm
loadfont /boot/grub/fonts/unicode.pf2
terminal_output gfxterm
menuentry "First entry" { echo first }
menuentry "Second entry" { echo second }
"""


def floppy(name):
    return BUILD / f"guests/floppy/{name}.img"


def run_in_vm(name, last, memory="16M", seconds=SECONDS):
    """What the floppy says on COM1 in a VM, up to and with the line that matches `last`."""
    with System("--boot-only-files", "--file", f"floppy={floppy(name)}") as mica:
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


def test_a20():
    said = run_in_vm("a20", r"a20: \d+ checks", memory="4M")
    check("a20: 26 checks, 0 failed" in said, said)


def test_a20_as_on_bare_qemu():
    said = run_on_bare_qemu("a20")
    check("a20: 26 checks, 0 failed" in said, said)


def test_shutdown_status():
    said = run_in_vm("restart", r"restart: \d+ returns")
    check("restart: chips kept" in said and "restart: booted" in said and "restart: 9 returns, 0 failed" in said, said)


def test_redraws():
    said = run_in_vm("redraw", "redraw: done")
    check(said.count("BENCH: redraw_") == 12, said)


def shown(mica, vm, key):
    try:
        return screenshot(mica, vm, key)
    except Failure:  # between two modes it is off
        return 0, 0, b""


def test_pictures_are_those_of_qemu():
    """Each of pictures.asm, pixel by pixel; ours are in the mode's own size."""
    with tempfile.TemporaryDirectory(prefix="mica-bare-") as folder, BareQemu(folder, floppy("pictures")) as bare, \
         System("--boot-only-files", "--file", f"floppy={floppy('pictures')}") as mica:
        vm = mica.vm_start("vm run -n pictures -m 8M -fda floppy")
        mica.send(f"vm console {vm} serial\n")
        mica.expect("pictures: ready")
        mica.leave()
        for key, times in PICTURES.items():
            bare.monitor.keys(key)
            mica.command(f"vm keys {vm} {key}")
            wait_same(lambda key=key: shown(mica, vm, key), lambda times=times: shrunk(bare.picture(), *times),
                      f"picture {key}")
        mica.power_off()


def test_grub_in_graphics():
    """GRUB's menu in 800x600 by VBE, to the pixel."""
    with tempfile.TemporaryDirectory(prefix="mica-grub-") as folder:
        tree = Path(folder) / "tree"
        (tree / "boot/grub").mkdir(parents=True)
        (tree / "boot/grub/grub.cfg").write_text(GRUB_CONFIG)
        cd = Path(folder) / "grub.iso"
        subprocess.run(["grub-mkrescue", "-o", cd, tree], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with BareQemu(folder, cd=cd) as bare, System("--boot-only-files", "--file", f"cd={cd}") as mica:
            vm = mica.vm_start("vm run -n grub -m 64M -cdrom cd")
            mica.send(f"vm console {vm}\n")
            mica.expect(r"800x600 pixels", SECONDS)
            mica.leave()
            wait_same(lambda: shown(mica, vm, "grub"), bare.picture, "GRUB's menu")
            mica.power_off()


def test_linux_on_the_screen():
    """A kernel that is loaded without the firmware finds the text screen that it left; one asked for another text mode sets it."""
    with System() as mica:
        vm = mica.vm_start('vm run -n tty -m 256M -kernel linux -initrd linux.initrd -append "console=tty0 cryptomgr.notests"')
        screen_shows(mica, vm, "Run /init as init process")
        mica.command(f"vm kill {vm}")
        vm = mica.vm_start('vm run -n ext -m 256M -kernel linux -initrd linux.initrd -append "vga=ext console=tty0 cryptomgr.notests"')
        screen_shows(mica, vm, "Run /init as init process")
        same(len(mica.command(f"vm screen {vm}").splitlines()), 50, "lines of the screen after vga=ext")
        mica.power_off()


def test_linux_with_a_framebuffer():
    result = subprocess.run([str(ROOT / "guests/kernel.sh"), "linux-image-amd64", str(BUILD)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise Skip(f"no linux-image-amd64: {result.stderr.strip()}")
    with System("--file", f"k={result.stdout.strip()}") as mica:
        vm = mica.vm_start(f'vm run -m 256M -kernel k -initrd linux.initrd -append "vga=0x311 console=tty0 {QUICK_APPEND}"')
        mica.enter(vm, GUEST_PROMPT, GUEST_BOOT_SECONDS)
        check("VESA VGA" in mica.guest("cat /proc/fb"), "no VESA framebuffer")
        mica.guest("echo something to see > /dev/tty0")  # else there is nothing but the cursor, which blinks
        mica.leave()
        end = time.monotonic() + SECONDS * PATIENCE
        colours = set()
        while len(colours) < 2:  # Linux draws when it has nothing better to do
            check(time.monotonic() < end, "the picture is of one colour")
            width, height, pixels = screenshot(mica, vm, "linux")
            same((width, height), (640, 480), "the picture's size")
            colours = {pixels[n:n + 3] for n in range(0, len(pixels), 3)}
        mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
