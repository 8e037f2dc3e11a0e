# SPDX-License-Identifier: MIT
"""The parts of scripts/run and scripts/make-iso that need no machine."""
import struct
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from runner.flat import BASE, INFO, flat_image  # noqa: E402
from runner.terminal import Terminal  # noqa: E402


def run(*arguments):
    return subprocess.run([str(ROOT / "scripts/run"), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=30)


class TerminalTest(unittest.TestCase):
    def test_keys_pass_unchanged(self):
        terminal = Terminal()
        self.assertEqual(terminal.filter(b"ls\r\x03\x1d\x1b[A"), b"ls\r\x03\x1d\x1b[A")
        self.assertFalse(terminal.leave)

    def test_leave_key(self):
        terminal = Terminal()
        self.assertEqual(terminal.filter(b"ab\x01xcd"), b"ab")
        self.assertTrue(terminal.leave)

    def test_leave_key_in_two_reads(self):
        terminal = Terminal()
        self.assertEqual(terminal.filter(b"\x01"), b"")
        self.assertEqual(terminal.filter(b"x"), b"")
        self.assertTrue(terminal.leave)

    def test_prefix_can_be_sent(self):
        terminal = Terminal()
        self.assertEqual(terminal.filter(b"\x01a\x01\x01\x01q"), b"\x01\x01\x01q")


def small_kernel():
    """An ELF file of one segment (4 bytes, 8 in memory) at 2 MiB, a symbol table of 3 bytes and its strings of 5."""
    segment = struct.pack("<IIQQQQQQ", 1, 7, 0x200, 0xFFFFFFFF80200000, 0x200000, 4, 8, 4096)
    sections = [bytes(64)] + [struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, at, size, 2, 0, 1, 0) for kind, at, size in ((2, 0x204, 3), (3, 0x207, 5))]
    header = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x200002, 64, 0x120, 0, 64, 56, 1, 64, 3, 2)
    return (header + segment).ljust(0x120, b"\0") + b"".join(sections).ljust(0xE0, b"\0") + b"CODEsymnames"


class FlatTest(unittest.TestCase):
    def tags(self, image):
        at, found = INFO + 8 - BASE, []
        end, = struct.unpack_from("<I", image, 0x44)
        while at < end - BASE:
            kind, size = struct.unpack_from("<II", image, at)
            found.append((kind, image[at + 8:at + size]))
            at += (size + 7) & ~7
        self.assertEqual(at, end - BASE)
        return found

    def test_all_lies_where_it_is_said_to(self):
        image = flat_image(bytes(4096), small_kernel(), [("root", b"ROOT"), ("a/b", b"x" * 5000)], "virt=off")
        self.assertEqual(struct.unpack_from("<I", image, 0x40), (0x200002,))
        self.assertEqual(image[0x200000 - BASE:0x200008 - BASE], b"CODE\0\0\0\0")
        cmdline, elf, root, other = self.tags(image)
        self.assertEqual(cmdline, (1, b"virt=off\0"))
        sections = [struct.unpack_from("<IIQQQQIIQQ", elf[1], 12 + 64 * i) for i in range(3)]
        self.assertEqual([image[s[3] - BASE:s[3] - BASE + s[5]] for s in sections[1:]], [b"sym", b"names"])
        for (kind, body), name, contents in ((root, b"root\0", b"ROOT"), (other, b"a/b\0", b"x" * 5000)):
            start, end = struct.unpack_from("<II", body)
            self.assertEqual((kind, body[8:], start % 4096, image[start - BASE:end - BASE]), (3, name, 0, contents))

    def test_too_many_words(self):
        with self.assertRaises(ValueError):
            flat_image(bytes(4096), small_kernel(), [], "x" * 0x100000)


class OptionsTest(unittest.TestCase):
    def test_help(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        for option in ("--on", "--cpus", "--memory", "--model", "--file", "--exec", "--log", "--timeout", "Ctrl-A x"):
            self.assertIn(option, result.stdout)

    def test_bad_values_are_named(self):
        for option, value in (("--memory", "12Q"), ("--memory", "1M"), ("--cpus", "0"), ("--cpus", "x"), ("--timeout", "-1"),
                              ("--on", "vax"), ("--rtc", "noon"), ("--no-such", "1")):
            result = run(option, value)
            self.assertEqual(result.returncode, 2, (option, value))
            self.assertIn(option, result.stdout)

    def test_guests_reach_the_medium(self):
        result = run("--on", "qemu", "--guests", "no-such")
        self.assertEqual(result.returncode, 1)
        self.assertIn("--guests no-such: there are ", result.stdout)

    def test_bad_file_is_named(self):
        for entry in ("nothing", "a b=/etc/passwd", "x=/no/such/file", "shell=/etc/passwd", "root=/etc/passwd"):
            result = run("--on", "qemu", "--file", entry)
            self.assertEqual(result.returncode, 1, entry)
            self.assertRegex(result.stdout, "--file|/no/such/file|is not there")

    def test_too_many_files_are_refused(self):
        files = [option for i in range(41) for option in ("--file", f"f{i}=/etc/hostname")]
        result = run("--on", "qemu", *files)
        self.assertEqual(result.returncode, 1)
        self.assertIn("40 at most", result.stdout)


if __name__ == "__main__":
    unittest.main()
