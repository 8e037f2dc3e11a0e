#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot media of other people, untouched (guests/media.sh), and CDs that emulate a floppy or a hard disk: what their screens show and
what they do with keys."""
import os
import re
import struct
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


def screen_shows(mica, vm, pattern, seconds=SECONDS):
    end = time.monotonic() + seconds * PATIENCE
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


def medium_with_dos(name):
    if not Path(os.environ.get("FREEDOS_IMG", "")).is_file():
        raise Skip("FREEDOS_IMG names no FreeDOS image")
    return medium(name)


def test_memdisk():
    """MEMDISK takes INT 13h and INT 15h over, and copies by INT 15h AH=87h or by protected mode of its own."""
    with System("--file", f"cd={medium_with_dos('memdisk')}", "--boot-only-files") as mica:
        for label, prompt in (("floppy", r"A:\\>"), ("raw", r"A:\\>"), ("disk", r"C:\\>")):
            vm = mica.vm_start("vm run -n memdisk -m 32M -cdrom cd")
            play(mica, vm, ((r"boot:", f"{label}<enter>"), (prompt, "dir<enter>"), (r"KERNEL +SYS[\s\S]*bytes free", "")))
            mica.command(f"vm kill {vm}")
        mica.power_off()


def test_boot_records():
    """Other people's master boot records, and SYSLINUX' chain.c32 from a CD."""
    names = ("mbr-mbr", "mbr-altmbr", "mbr-debian")
    files = [option for name in (*names, "gpt", "memdisk") for option in ("--file", f"{name}={medium_with_dos(name)}")]
    with System(*files, "--boot-only-files") as mica:
        for name, options, steps in (*((name, f"-hda {name}", ()) for name in names), ("gpt", "-hda gpt", ((r"boot:", ""),)),
                                     ("chain", "-cdrom memdisk -hda mbr-mbr -boot d", ((r"boot:", "chain<enter>"),))):
            vm = mica.vm_start(f"vm run -n {name} -m 16M {options}")
            play(mica, vm, (*steps, *(((r"C:\\>", ""),) if name != "gpt" else ())))
            mica.command(f"vm kill {vm}")
        mica.power_off()


def test_loadlin():
    """From DOS to Linux: real-mode code that moves 8 MB above 1 MiB and leaves DOS for good; the same out of V86 mode by VCPI."""
    with System("--file", f"disk={medium_with_dos('loadlin')}", "--boot-only-files") as mica:
        for before in ((), ((r"C:\\>", "xms<enter>"), (r"XMS: resident", "v86<enter>"), (r"V86: resident", ""))):
            vm = mica.vm_start("vm run -n loadlin -m 128M -hda disk")
            play(mica, vm, (*before, (r"C:\\>", "linux<enter>"), (r"guest: init from DOS", "")))
            said = mica.command(f"vm wait {vm}", SECONDS)
            check("power off" in said, f"Linux does not switch off: {said}")
            mica.command(f"vm kill {vm}")
        mica.power_off()


def test_linux_from_a_cd():
    with System("--file", f"cd={medium('linux')}", "--boot-only-files") as mica:
        vm = mica.vm_start("vm run -n linux -m 256M -cdrom cd")
        play(mica, vm, ((r"Run /init as init process[\s\S]*built-in shell|guest: init at tick", ""),))
        mica.command(f"vm kill {vm}")
        mica.power_off()


def test_memtest_a_full_pass():
    """Takes three minutes of the guest's time: two fades of 80 seconds."""
    with System("--file", f"cd={medium('memtest')}", "--boot-only-files") as mica:
        vm = mica.vm_start("vm run -n memtest -m 8M -cdrom cd")
        screen_shows(mica, vm, r"Pass: +[1-9]|Errors: +[1-9]", 600)
        screen_shows(mica, vm, r"Pass: +[1-9] +Errors: 0")
        mica.command(f"vm kill {vm}")
        mica.power_off()


# ---- media that lie

LBA_CATALOG, CD_SECTOR = 20, 2048


def el_torito(entry, catalog_at=LBA_CATALOG, sectors=24, catalog=None):
    """A CD of which only the boot record and the catalogue are there. `entry`: the initial entry, 32 bytes."""
    image = bytearray(sectors * CD_SECTOR)
    image[16 * CD_SECTOR:16 * CD_SECTOR + 7] = b"\1CD001\1"
    image[17 * CD_SECTOR:17 * CD_SECTOR + 30] = b"\0CD001\1EL TORITO SPECIFICATION"
    image[17 * CD_SECTOR + 0x47:17 * CD_SECTOR + 0x4b] = struct.pack("<I", catalog_at)
    validation = bytearray(struct.pack("<BBH24sHBB", 1, 0, 0, b"", 0, 0x55, 0xaa))
    words = sum(struct.unpack("<16H", validation)) & 0xffff
    validation[28:30] = struct.pack("<H", -words & 0xffff)
    image[LBA_CATALOG * CD_SECTOR:LBA_CATALOG * CD_SECTOR + 64] = validation + entry
    if catalog:
        image[LBA_CATALOG * CD_SECTOR:LBA_CATALOG * CD_SECTOR + len(catalog)] = catalog
    return bytes(image)


def entry(bootable=0x88, media=0, segment=0, count=4, lba=21):
    return struct.pack("<BBHBBHI20s", bootable, media, segment, 0, 0, count, lba, b"")


def lying_disk(**fields):
    """A boot sector that halts, with a partition entry of nonsense."""
    values = {"active": 0x80, "head": 254, "sector": 0xff, "cylinder": 0xff, "kind": 0x83, "start": 0xffffffff, "size": 0xffffffff, **fields}
    part = struct.pack("<BBBBBBBBII", values["active"], values["head"], values["sector"], values["cylinder"], values["kind"],
                       values["head"], values["sector"], values["cylinder"], values["start"], values["size"])
    return b"\xfb\xf4\xeb\xfd" + bytes(442) + part * 4 + b"\x55\xaa" + bytes(63 * 512)


CDS = {
    "no-catalog": el_torito(entry(), catalog_at=0xffffffff),
    "catalog-is-record": el_torito(entry(), catalog_at=17),
    "not-bootable": el_torito(entry(bootable=0)),
    "count-0": el_torito(entry(count=0)),
    "count-65535": el_torito(entry(count=0xffff)),
    "past-the-end": el_torito(entry(lba=0xfffffff0)),
    "over-the-end": el_torito(entry(lba=23, count=200)),
    "into-the-rom": el_torito(entry(segment=0xf000, count=128)),
    "over-the-top": el_torito(entry(segment=0xffff, count=0xffff)),
    "media-15": el_torito(entry(media=15)),
    "floppy-of-nothing": el_torito(entry(media=2, lba=23)),
    "disk-of-nothing": el_torito(entry(media=4, lba=23)),
    "cut-off": el_torito(entry())[:20 * CD_SECTOR + 40],
    "one-byte": b"x",
    "sections-that-loop": el_torito(entry(bootable=0), catalog=None).replace(
        entry(bootable=0), entry(bootable=0) + (b"\x90\0\xff\xff" + bytes(28)) * 60),
}
DISKS = {
    "geometry-1": lying_disk(),
    "geometry-2": lying_disk(head=0, sector=0, cylinder=0),
    "geometry-3": lying_disk(start=0, size=0, active=0x7f),
    "one-sector": lying_disk()[:512],
    "odd": lying_disk()[:1000],
    "signature-only": bytes(510) + b"\x55\xaa",
}
FLOPPIES = {f"floppy-{size}": (lying_disk() * (size // 32768 + 1))[:size] for size in (512, 513, 1023, 163840, 1474559, 1474561, 2 << 20)}


def test_media_that_lie():
    with tempfile.TemporaryDirectory(prefix="mica-lie-") as text:
        files, runs = [], []
        for option, images in (("cdrom", CDS), ("hda", DISKS), ("fda", FLOPPIES)):
            for name, image in images.items():
                (Path(text) / name).write_bytes(image)
                files += ["--file", f"{name}={text}/{name}"]
                runs.append((name, option))
        with System(*files, "--boot-only-files") as mica:
            free = None
            for name, option in runs:
                said = mica.command(f"vm run -n {name} -m 4M -{option} {name}")
                vm = re.search(r"^vm (\d+) ", said, re.M)
                check(vm, f"{name}: {said}")
                mica.command("sleep 1")
                state = mica.vm_list()[int(vm[1])]["state"]
                check(re.match("running|stopped: (halted|runs outside|unsupported)", state), f"{name}: {state}")
                screen = mica.command(f"vm screen {vm[1]}")
                check("Mica BIOS" in screen or option == "cdrom", f"{name} shows:\n{screen}")
                mica.command(f"vm kill {vm[1]}")
                free = free or mica.free_memory()
            now = mica.free_memory()
            check(now["memory"] + 1024 >= free["memory"], f"memory is lost: {free}, then {now}")
            mica.power_off()


if __name__ == "__main__":
    run_tests(globals())
