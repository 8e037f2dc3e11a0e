# SPDX-License-Identifier: MIT
"""Bochs with a breakpoint: when was an address first executed, and what did the machine print until a text appeared?"""
import re
import socket
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from runner.machine import Bochs

FIXED_CLOCK = "1700000000"
WALL_LIMIT = 300


class EntryBochs(Bochs):
    """Stops once at a physical address, where the debugger prints the time, and goes on."""

    entry = 0

    def command(self):
        command = super().command()
        (self.log / "bochs.rc").write_text(f"pb 0x{self.entry:x}\nc\nd 1\nc\n")
        return command

    def entry_tick(self):
        stop = re.search(rf"^\(0\) Breakpoint 1, .*\nNext at t=(\d+)\n\(0\) \[0x0*{self.entry:x}\]",
                         self.read_log("emulator.out"), re.M)
        return int(stop[1]) if stop else None


def read_until(listener, machine, pattern):
    """What the machine printed up to the first match of that pattern of bytes, and the match (None after the limit)."""
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
            found = re.search(pattern, output)
            if found:
                return output, found
    return output, None


def measure_boot(iso, entry, pattern, memory=256, cpus=1):
    """Boots that image; returns (tick at the entry, tick at the end, output, match). The end is some milliseconds late."""
    with tempfile.TemporaryDirectory(prefix="mica-bench-") as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        options = SimpleNamespace(memory=memory, cpus=cpus, model=None, interactive=False, rtc=FIXED_CLOCK, log=None)
        machine = EntryBochs(options, iso, listener.getsockname()[1], Path(folder))
        machine.entry = entry
        try:
            machine.start()
            output, match = read_until(listener, machine, pattern)
        finally:
            machine.stop()
        return machine.entry_tick(), machine.ticks(), output, match
