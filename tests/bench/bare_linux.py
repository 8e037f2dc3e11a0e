#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Linux guest's boot without Mica: the same kernel, initramfs and command line on a bare emulator, in ticks from the
kernel's entry to init. The machine is that of scripts/run, one CPU, 256 MiB. The start is a breakpoint at the kernel's
32-bit entry; the end is the RDTSC that init prints.
Bochs: GRUB loads the kernel by Linux' own boot protocol. QEMU: -kernel, with --icount's clock.
The result is kept in BUILD/cache, named for a hash of everything it depends on."""
import argparse
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("B", "build")
sys.path.insert(0, str(ROOT / "scripts"))
from gdb_stub import GdbStub  # noqa: E402
from measure import FIXED_CLOCK, WALL_LIMIT, measure_boot  # noqa: E402
from runner.machine import BOCHS_DEFAULT_MODEL, QEMU_COUNTED, qemu_date  # noqa: E402

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


QEMU_ENTRY = 0x100000  # where QEMU puts a bzImage's protected-mode part and its option ROM enters it


def measure_qemu(append):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with tempfile.NamedTemporaryFile(prefix="mica-bare-") as serial:
        command = ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "max", *QEMU_COUNTED, "-m", f"{MEMORY_MIB}M", "-display", "none",
                   "-monitor", "none", "-nodefaults", "-vga", "std", "-no-reboot", "-rtc", f"base={qemu_date(FIXED_CLOCK)},clock=vm",
                   "-serial", f"file:{serial.name}", "-kernel", str(BUILD / "guests/linux"), "-initrd", str(BUILD / "guests/linux.initrd"),
                   "-append", append, "-S", "-gdb", f"tcp:127.0.0.1:{port}"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            stub = GdbStub(port)
            stub.run_to(QEMU_ENTRY)
            start = stub.time_stamp()
            stub.go_on()
            process.wait(WALL_LIMIT)  # the guest switches the machine off
        except subprocess.TimeoutExpired:
            sys.exit(f"bare_linux: QEMU did not end in {WALL_LIMIT} s")
        finally:
            process.kill()
            process.wait()
        found = INIT_LINE.search(Path(serial.name).read_bytes())
    if not found:
        sys.exit("bare_linux: no init seen under QEMU")
    return {"entry": start, "init": int(found[1]), "ticks": int(found[1]) - start}


def measure_bochs(append):
    with tempfile.TemporaryDirectory(prefix="mica-bare-") as folder:
        iso = make_iso(append, Path(folder))
        start, _, output, found = measure_boot(iso, kernel_entry(), INIT_LINE, MEMORY_MIB)
    if start is None or not found:
        sys.exit(f"bare_linux: no {'init' if start else 'entry'} seen; the end of its output:\n{output[-2000:].decode(errors='replace')}")
    return {"entry": start, "init": int(found[1]), "ticks": int(found[1]) - start}


MEASURES = {"bochs": measure_bochs, "qemu": measure_qemu}


def cache_file(append, on):
    digest = hashlib.sha256(f"{append} {on} {MEMORY_MIB} {BOCHS_DEFAULT_MODEL} {QEMU_COUNTED} {FIXED_CLOCK}".encode())
    for path in (BUILD / "guests/linux", BUILD / "guests/linux.initrd", Path(__file__)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return BUILD / "cache" / f"bare-{digest.hexdigest()[:16]}.json"


def bare_linux(append, on):
    """{entry, init, ticks} of a boot with that command line, from the cache if it was measured before."""
    cached = cache_file(append, on)
    if not cached.exists():
        result = MEASURES[on](append)
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(json.dumps(result))
    return json.loads(cached.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--append", default="console=ttyS0,115200 quiet poweroff", help="the kernel's command line")
    parser.add_argument("--on", choices=sorted(MEASURES), default="bochs", help="the emulator")
    options = parser.parse_args()
    print(json.dumps(bare_linux(options.append, options.on)))


if __name__ == "__main__":
    main()
