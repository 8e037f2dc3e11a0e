# SPDX-License-Identifier: MIT
"""The person's side: raw mode that is always undone, the leave key, and a queue of typed bytes."""
import os
import termios
import tty

PREFIX = 0x01  # Ctrl-A
LEAVE = ord("x")


class Terminal:
    """Standard input. On a terminal it is raw inside `with`, and Ctrl-A x leaves (Ctrl-A a sends a Ctrl-A)."""

    def __init__(self, fd=0):
        self.fd = fd
        self.interactive = os.isatty(fd)
        self.saved = None
        self.after_prefix = False
        self.at_end = False
        self.leave = False

    def __enter__(self):
        if self.interactive:
            self.saved = termios.tcgetattr(self.fd)
            tty.setraw(self.fd)
        return self

    def __exit__(self, *_):
        if self.saved is not None:
            termios.tcsetattr(self.fd, termios.TCSADRAIN, self.saved)
            self.saved = None

    def read(self):
        """What was typed, without the leave key; sets `leave` and `at_end`."""
        try:
            typed = os.read(self.fd, 4096)
        except OSError:
            typed = b""
        if not typed:
            self.at_end = True
        return self.filter(typed) if self.interactive else typed

    def filter(self, typed):
        passed = bytearray()
        for byte in typed:
            if self.after_prefix:
                self.after_prefix = False
                if byte == LEAVE:
                    self.leave = True
                    break
                passed += bytes([PREFIX] if byte in (PREFIX, ord("a")) else [PREFIX, byte])
            elif byte == PREFIX:
                self.after_prefix = True
            else:
                passed.append(byte)
        return bytes(passed)
