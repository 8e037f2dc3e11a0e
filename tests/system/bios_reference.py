#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares this firmware with two others, call by call: BUILD/guests/biostest.bin runs under QEMU (SeaBIOS and its VGA
BIOS), under Bochs (its BIOS and the LGPL VGA BIOS) and on bios-emul in its native test.

Prints a line per check that one of them answers otherwise than documented, with who says what; the reasons that are known
are in REASONS. Fails where more than 5 % of the calls differ between this firmware and another. Arguments: the machines to run, of: qemu bochs own."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = os.environ.get("B", "build")
IMAGE = ROOT / BUILD / "guests/biostest.bin"
OWN = ROOT / BUILD / "unit/test_bios_conformance"
VERDICT = re.compile(r"biostest: (\d+) calls, (\d+) checks, (\d+) differ")
DIFFERENCE = re.compile(r"^DIFF (.*): (.*) got ([0-9A-F]{4}) want ([0-9A-F]{4})", re.M)
LIMIT = 0.05

REASONS = [
    (r"350 lines|200 lines", "VGA BIOSes of emulators know 400 lines only"),
    (r"read grey|check grey", "Bochs does not translate the grey keys for AH=00h, 01h"),
    (r"mouse (rate|resolution)", "Bochs answers every bad argument with 86h"),
    (r"find vendor FFFF|bad register", "neither checks arguments; PCI BIOS 2.1 says 83h, 87h"),
    (r"mouse enable", "SeaBIOS wants the packet's size in its handler flag"),
    (r"device (open|busy|done)|system request", "multitasking hooks: only an AT's BIOS has them"),
    (r"display (off|on)|default palette|cursor emulation", "accepted, but without effect there"),
    (r"vectors", "tables of the AT that they do not have, or elsewhere"),
    (r"no hard disk", "they report an error, RBIL a type of 0"),
    (r"mode 7", "underline outside of the character"),
    (r"VBE .*palette|after restore|DPMS", "not there, or only in part"),
    (r"DAC mask", "QEMU's DAC has none"),
    (r"floppy media type|what was formatted", "SeaBIOS has no AH=18h and fills with zeros"),
    (r"graphics font 8x16", "Bochs takes BL=0 for 25 rows"),
    (r"APM busy|wait 2 ms", "Bochs does not know it"),
    (r"mode 4: 40:66h|mode 6: 40:66h|mode 4: background", "the CGA's registers are not kept there"),
    (r"mode (4|6|12h): (read|character)", "Bochs draws no text there, or does not read it back"),
    (r"functionality", "Bochs says nothing of the memory's size"),
    (r"VBE unknown mode", "Bochs says that there is no such function"),
]

BOCHS = """\
config_interface: textconfig
display_library: term
memory: guest=32, host=32
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=corei7_haswell_4770, count=1, ips=50000000
clock: sync=none, time0=1700000000
floppya: 1_44={image}, status=inserted, write_protected=0
boot: floppy
mouse: enabled=1, type=ps2
com1: enabled=1, mode=file, dev={folder}/serial.txt
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
panic: action=fatal
info: action=ignore
log: {folder}/bochs.log
"""


def run(command, seconds, **options):
    """Runs an emulator until it ends by itself or its time is over."""
    try:
        subprocess.run(command, timeout=seconds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False, **options)
    except subprocess.TimeoutExpired:
        pass


def copy_image(folder):
    image = folder / "floppy.img"
    image.write_bytes(IMAGE.read_bytes())
    return image


def run_qemu(folder):
    image = copy_image(folder)
    run(["qemu-system-x86_64", "-M", "pc", "-m", "32", "-display", "none", "-drive", f"file={image},if=floppy,format=raw",
         "-boot", "a", "-net", "none", "-serial", f"file:{folder}/serial.txt", "-device", "isa-debug-exit,iobase=0xf4"], 120)
    return (folder / "serial.txt").read_text(errors="replace")


def run_bochs(folder):
    config = folder / "bochsrc"
    config.write_text(BOCHS.format(image=copy_image(folder), folder=folder))
    (folder / "go").write_text("c\n")
    run(["bochs", "-q", "-f", str(config), "-rc", str(folder / "go")], 300, env={"TERM": "linux", "PATH": "/usr/bin:/bin"})
    return (folder / "serial.txt").read_text(errors="replace")


def run_own(folder):
    result = subprocess.run([OWN], cwd=ROOT, timeout=300, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return result.stdout


MACHINES = {"own": run_own, "qemu": run_qemu, "bochs": run_bochs}


def collect(name):
    """Differences as {(call, check): got}, and the verdict's numbers."""
    with tempfile.TemporaryDirectory(prefix="bios-") as folder:
        text = MACHINES[name](Path(folder)).replace("\r", "")
    verdicts = VERDICT.findall(text)
    if not verdicts:
        raise SystemExit(f"FAIL: bios on {name}: no verdict; the last lines:\n" + "\n".join(text.splitlines()[-5:]))
    found = {}
    for call, what, got, want in DIFFERENCE.findall(text):
        found[call, what] = (got, want)
    return found, [int(number) for number in verdicts[-1]]


def main(names):
    names = names or list(MACHINES)
    results = {name: collect(name) for name in names}
    keys = sorted({key for found, _ in results.values() for key in found})
    for call, what in keys:
        said = ", ".join(f"{name} {results[name][0][call, what][0]}" for name in names if (call, what) in results[name][0])
        want = next(found[call, what][1] for found, _ in results.values() if (call, what) in found)
        reason = next((f" ({text})" for pattern, text in REASONS if re.search(pattern, f"{call}: {what}")), "")
        print(f"{call}: {what}: documented {want}, {said}{reason}")
    failed = False
    own = results.get("own", ({}, None))[0]
    for name, (found, (calls, checks, _)) in results.items():
        against = {key for key in set(found) ^ set(own)} | {key for key in set(found) & set(own) if found[key] != own[key]}
        different = len({call for call, _ in (against if name != "own" else found)})
        bad = different > calls * LIMIT
        failed |= bad
        from_whom = "what is documented" if name == "own" else "ours"
        print(f"{'FAIL' if bad else 'PASS'}: bios on {name}: {different} of {calls} calls differ from {from_whom} ({checks} checks)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
