# SPDX-License-Identifier: MIT
"""QEMU's gdb stub, as far as it takes to ask a machine for its time stamp counter at an address, undisturbed."""
import socket
import time

RAX, RDX, RIP = 0, 3, 16
RDTSC = "0f31"


class GdbStub:
    """One connection. The remote serial protocol: $payload#checksum, acknowledged by +."""

    def __init__(self, port, seconds=10):
        end = time.monotonic() + seconds
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", port), timeout=300)
                break
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.buffer = b""
        self.ask("qXfer:features:read:target.xml:0,ff")  # without that there is no access to single registers

    def close(self):
        self.connection.close()

    def receive(self):
        while b"#" not in self.buffer or len(self.buffer) < self.buffer.index(b"#") + 3:
            data = self.connection.recv(4096)
            if not data:
                raise OSError("QEMU closed the line to its gdb stub")
            self.buffer += data
        packet, _, rest = self.buffer.partition(b"#")
        self.buffer = rest[2:]
        self.connection.sendall(b"+")
        return packet.partition(b"$")[2].decode()

    def send(self, text):
        self.connection.sendall(f"${text}#{sum(text.encode()) & 255:02x}".encode())

    def ask(self, text):
        self.send(text)
        return self.receive()

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def register_set(self, number, value):
        self.ask(f"P{number:x}={value.to_bytes(8, 'little').hex()}")

    def run_to(self, address):
        """Goes on until that address is about to be executed."""
        self.ask(f"Z1,{address:x},1")
        self.ask("c")
        self.ask(f"z1,{address:x},1")

    def time_stamp(self):
        """The counter now: an RDTSC is executed at RIP, and everything put back. Paging must be off, or identical."""
        kept = {number: self.register(number) for number in (RAX, RDX, RIP)}
        code = self.ask(f"m{kept[RIP]:x},2")
        self.ask(f"M{kept[RIP]:x},2:{RDTSC}")
        self.ask("s")
        ticks = self.register(RDX) << 32 | self.register(RAX)
        self.ask(f"M{kept[RIP]:x},2:{code}")
        for number, value in kept.items():
            self.register_set(number, value)
        return ticks

    def go_on(self):
        self.send("c")
