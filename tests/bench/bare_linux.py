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
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("B", "build")
sys.path.insert(0, str(ROOT / "scripts"))
from runner.machine import BOCHS_DEFAULT_MODEL, Bochs  # noqa: E402

MEMORY_MIB = 256
FIXED_CLOCK = "1700000000"
INIT_LINE = re.compile(rb"init at tick (\d+)")
WALL_LIMIT = 300
GRUB_CONFIG = """\
linux /boot/linux {append}
initrd /boot/initrd
boot
"""


def kernel_entry():
    """Where GRUB loads and enters the kernel: the preferred address in its header (Documentation/x86/boot, 258h)."""
    with open(BUILD / "guests/linux", "rb") as kernel:
        return struct.unpack_from("<Q", kernel.read(0x260), 0x258)[0]


class BareBochs(Bochs):
    """Bochs that stops once at the kernel's entry, where the debugger prints the time, and goes on."""

    def command(self):
        command = super().command()
        (self.log / "bochs.rc").write_text(f"pb 0x{kernel_entry():x}\nc\nd 1\nc\n")
        return command

    def entry_tick(self):
        stop = re.search(rf"^\(0\) Breakpoint 1, .*\nNext at t=(\d+)\n\(0\) \[0x0*{kernel_entry():x}\]",
                         self.read_log("emulator.out"), re.M)
        return int(stop[1]) if stop else None


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


def wait_for_init(listener, machine):
    """The tick that init printed, or None."""
    listener.settimeout(30)
    connection, _ = listener.accept()
    connection.settimeout(1)
    output, end = b"", time.monotonic() + WALL_LIMIT
    with connection:
        while time.monotonic() < end and not machine.ended():
            try:
                output += connection.recv(4096)
            except socket.timeout:
                continue
            found = INIT_LINE.search(output)
            if found and b"\n" in output[found.end():]:
                return int(found[1])
    print(output.decode(errors="replace")[-2000:], file=sys.stderr)
    return None


def measure(append):
    with tempfile.TemporaryDirectory(prefix="mica-bare-") as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        scratch = Path(folder)
        options = SimpleNamespace(memory=MEMORY_MIB, cpus=1, model=None, interactive=False, rtc=FIXED_CLOCK, log=None)
        machine = BareBochs(options, make_iso(append, scratch), listener.getsockname()[1], scratch)
        try:
            machine.start()
            end = wait_for_init(listener, machine)
        finally:
            machine.stop()
        start = machine.entry_tick()
        if start is None or end is None:
            sys.exit(f"bare_linux: no {'entry' if start is None else 'init'} seen; {machine.complaint()}")
        return {"entry": start, "init": end, "ticks": end - start}


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
