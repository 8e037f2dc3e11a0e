#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The Linux guest's boot without Mica: the same kernel, initramfs and command line on bare Bochs, in ticks from the
kernel's entry to init. The machine is that of scripts/run, one CPU, 256 MiB; GRUB loads the kernel by Linux' own boot
protocol. The start is a debugger breakpoint at the kernel's 32-bit entry; the end is the RDTSC that init prints.
The result is kept in BUILD/cache, named for a hash of everything it depends on."""
import argparse
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("B", "build")
sys.path.insert(0, str(ROOT / "scripts"))
from measure import FIXED_CLOCK, measure_boot  # noqa: E402
from runner.machine import BOCHS_DEFAULT_MODEL  # noqa: E402

MEMORY_MIB = 256
INIT_LINE = re.compile(rb"init at tick (\d+)\r?\n")
GRUB_CONFIG = """\
linux /boot/linux {append}
initrd /boot/initrd
boot
"""


def kernel_entry():
    """Where GRUB loads and enters the kernel: the preferred address in its header (Documentation/x86/boot, 258h)."""
    with open(BUILD / "guests/linux", "rb") as kernel:
        return struct.unpack_from("<Q", kernel.read(0x260), 0x258)[0]


def make_iso(append, scratch):
    boot = scratch / "iso/boot"
    boot.mkdir(parents=True)
    (boot / "linux").symlink_to((BUILD / "guests/linux").resolve())
    (boot / "initrd").symlink_to((BUILD / "guests/linux.initrd").resolve())
    config = scratch / "grub.cfg"
    config.write_text(GRUB_CONFIG.format(append=append))
    subprocess.run(["grub-mkimage", "-O", "i386-pc-eltorito", "-p", "/boot", "-c", str(config), "-o", str(boot / "grub.img"),
                    "biosdisk", "iso9660", "linux", "boot"], check=True)
    iso = scratch / "bare.iso"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-f", "-R", "-b", "boot/grub.img", "-no-emul-boot",
                    "-boot-load-size", "4", "-boot-info-table", "-o", str(iso), str(scratch / "iso")], check=True,
                   stderr=subprocess.DEVNULL)
    return iso


def measure(append):
    with tempfile.TemporaryDirectory(prefix="mica-bare-") as folder:
        iso = make_iso(append, Path(folder))
        start, _, output, found = measure_boot(iso, kernel_entry(), INIT_LINE, MEMORY_MIB)
    if start is None or not found:
        sys.exit(f"bare_linux: no {'init' if start else 'entry'} seen; the end of its output:\n{output[-2000:].decode(errors='replace')}")
    return {"entry": start, "init": int(found[1]), "ticks": int(found[1]) - start}


def cache_file(append):
    digest = hashlib.sha256(f"{append} {MEMORY_MIB} {BOCHS_DEFAULT_MODEL} {FIXED_CLOCK}".encode())
    for path in (BUILD / "guests/linux", BUILD / "guests/linux.initrd", Path(__file__)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return BUILD / "cache" / f"bare-{digest.hexdigest()[:16]}.json"


def bare_linux(append):
    """{entry, init, ticks} of a boot with that command line, from the cache if it was measured before."""
    cached = cache_file(append)
    if not cached.exists():
        result = measure(append)
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(json.dumps(result))
    return json.loads(cached.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--append", default="console=ttyS0,115200 quiet", help="the kernel's command line")
    print(json.dumps(bare_linux(parser.parse_args().append)))


if __name__ == "__main__":
    main()
