# SPDX-License-Identifier: MIT
"""The VGA screen of Bochs' `term` display: a pseudo-terminal that Bochs opens and names on stderr. Bochs writes to it
without end and blocks for ever once its buffer is full, so somebody has to read it."""
import os
import re
import threading
import time

NAMED = re.compile(r'Bochs connected to screen "(/dev/[^"]+)"')
NAMED_SECONDS = 20
POLL_SECONDS = 0.05


class Screen(threading.Thread):
    """Reads the screen until Bochs ends. What it shows is written to the file `copy` as it comes, cursor movements
    included."""

    def __init__(self, machine, copy):
        super().__init__(daemon=True)
        self.machine, self.copy = machine, copy

    def find(self):
        """The pseudo-terminal's path, or None if Bochs ends, or is silent, before it names one."""
        end = time.monotonic() + NAMED_SECONDS
        while time.monotonic() < end and not self.machine.ended():
            named = NAMED.search(self.machine.read_log("emulator.err"))
            if named:
                return named[1]
            time.sleep(POLL_SECONDS)
        return None

    def run(self):
        path = self.find()
        if path is None:
            return
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return
        with open(fd, "rb", buffering=0) as screen, open(self.copy, "wb", buffering=0) as copy:
            try:
                while data := screen.read(4096):
                    copy.write(data)
            except OSError:  # Bochs is gone
                pass
