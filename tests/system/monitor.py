# SPDX-License-Identifier: MIT
"""QEMU's monitor, and its debugger's port, as a test uses them."""
import re
import socket
import time

from console import PATIENCE, Failure, check

SECONDS = 120  # for an answer of QEMU


class Monitor:
    """QEMU's monitor on a Unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + SECONDS * PATIENCE
        while self.socket.connect_ex(str(path)):
            check(time.monotonic() < end, "QEMU opens no monitor")
            time.sleep(0.1)
        self.socket.settimeout(SECONDS * PATIENCE)
        self.answer()

    def answer(self):
        said = b""
        while not said.endswith(b"(qemu) "):
            data = self.socket.recv(65536)
            check(data, "QEMU's monitor is gone")
            said += data
        return re.sub(r"\x1b\[[KD]", "", said.decode(errors="replace").replace("\r", ""))

    def command(self, line):
        self.socket.sendall(line.encode() + b"\n")
        return self.answer()


class Debugger:
    """QEMU's stub for gdb (remote serial protocol) on a loopback port; its first CPU."""

    RDI, RIP = 5, 16

    def __init__(self, port):
        end = time.monotonic() + SECONDS * PATIENCE
        self.socket = socket.socket()
        while self.socket.connect_ex(("127.0.0.1", port)):
            check(time.monotonic() < end, "QEMU's debugger port does not open")
            time.sleep(0.1)
        self.socket.settimeout(SECONDS * PATIENCE)
        self.send("qXfer:features:read:target.xml:0,ffb")  # who has asked for that may write registers
        self.answer()

    def send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 0xff))

    def answer(self):
        said = b""
        while not re.search(rb"\$[^#]*#[0-9a-f]{2}", said):
            data = self.socket.recv(4096)
            check(data, "QEMU's debugger port is gone")
            said += data
        self.socket.sendall(b"+")
        return re.search(rb"\$([^#]*)#", said)[1].decode()

    def go_on(self):
        self.send("c")

    def go_to(self, address):
        """Runs until the instruction there is next."""
        for command in (f"Z1,{address:x},1", "c", f"z1,{address:x},1"):
            self.send(command)
            self.answer()

    def stop(self):
        self.socket.sendall(b"\x03")
        check(self.answer().startswith("T"), "the machine does not stop")

    def set_register(self, number, value):
        self.send(f"P{number:x}={value.to_bytes(8, 'little').hex()}")
        said = self.answer()
        if said != "OK":
            raise Failure(f"register {number} cannot be set: {said}")
