# SPDX-License-Identifier: MIT
"""Kernel addresses in a text, named by the kernel's symbol table (`nm -n`)."""
import bisect
import re

KERNEL_ADDRESS = re.compile(r"(?:0x)?\b(f{8}8[0-9a-f]{7})\b")


class Symbols:
    def __init__(self, path):
        self.addresses, self.names = [], []
        with open(path, encoding="ascii") as table:
            for line in table:
                address, _, name = line.split(None, 2)
                self.addresses.append(int(address, 16))
                self.names.append(name.strip())

    def name(self, address):
        """`function+offset`, or None for an address outside the kernel's image."""
        index = bisect.bisect_right(self.addresses, address) - 1
        if index < 0 or address > self.addresses[-1]:
            return None
        return f"{self.names[index]}+0x{address - self.addresses[index]:x}"

    def annotate(self, text):
        """The text with the name behind each kernel address that is not named yet."""
        def named(match):
            name = self.name(int(match[1], 16))
            return f"{match[0]} <{name}>" if name and not match.string.startswith(" <", match.end()) else match[0]
        return KERNEL_ADDRESS.sub(named, text)
