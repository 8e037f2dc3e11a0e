# SPDX-License-Identifier: MIT
"""One file that holds the kernel and all boot files as they lie in memory, for QEMU's -kernel: loaded without a disk,
whose answers come when the host likes, so that a start in counted time repeats to the tick. flat.asm is its first page."""
import struct

BASE, INFO, KERNEL, PAGE = 0x100000, 0x101000, 0x200000, 4096
ENTRY_FIELD = 0x40  # in the first page: the kernel's entry, the end of the fixed tags
TAG_CMDLINE, TAG_MODULE, TAG_ELF = 1, 3, 9
PT_LOAD, SHT_SYMTAB, SHT_STRTAB = 1, 2, 3
SECTION = struct.Struct("<IIQQQQIIQQ")


def page_up(value):
    return -(-value // PAGE) * PAGE


def tag(kind, body):
    return (struct.pack("<II", kind, 8 + len(body)) + body).ljust(-(-(8 + len(body)) // 8) * 8, b"\0")


class Memory:
    """From BASE on; grows as it is written."""

    def __init__(self, first_page):
        self.bytes = bytearray(first_page)

    def end(self):
        return BASE + len(self.bytes)

    def put(self, address, data):
        self.bytes.extend(bytes(max(0, address + len(data) - self.end())))
        self.bytes[address - BASE:address - BASE + len(data)] = data

    def append(self, data):
        address = page_up(self.end())
        self.put(address, data)
        return address


def load_segments(memory, elf):
    """The kernel's segments at their physical addresses; returns its entry."""
    entry, offset = struct.unpack_from("<QQ", elf, 0x18)
    size, count = struct.unpack_from("<HH", elf, 0x36)
    for at in range(offset, offset + size * count, size):
        kind, _, file, _, physical, in_file, in_memory, _ = struct.unpack_from("<IIQQQQQQ", elf, at)
        if kind == PT_LOAD:
            memory.put(physical, elf[file:file + in_file].ljust(in_memory, b"\0"))
    return entry


def load_symbols(memory, elf):
    """The body of the tag of ELF sections: symbols and their names, loaded, as a boot loader does."""
    offset, = struct.unpack_from("<Q", elf, 0x28)
    size, count, strings = struct.unpack_from("<HHH", elf, 0x3A)
    sections = []
    for at in range(offset, offset + size * count, size):
        section = list(SECTION.unpack_from(elf, at))
        if section[1] in (SHT_SYMTAB, SHT_STRTAB):
            section[3] = memory.append(elf[section[4]:section[4] + section[5]])
        sections.append(SECTION.pack(*section))
    return struct.pack("<III", count, SECTION.size, strings) + b"".join(sections)


def flat_image(first_page, kernel, modules, cmdline):
    """`modules`: [(name, contents)]; the contents of the file."""
    memory = Memory(first_page)
    entry = load_segments(memory, kernel)
    tags = tag(TAG_CMDLINE, cmdline.encode() + b"\0") + tag(TAG_ELF, load_symbols(memory, kernel))
    for name, contents in modules:
        start = memory.append(contents)
        tags += tag(TAG_MODULE, struct.pack("<II", start, start + len(contents)) + name.encode() + b"\0")
    if INFO + 8 + len(tags) + PAGE > KERNEL:
        raise ValueError("the boot information is too long")
    memory.put(INFO + 8, tags)
    memory.put(BASE + ENTRY_FIELD, struct.pack("<II", entry, INFO + 8 + len(tags)))
    return bytes(memory.bytes)
