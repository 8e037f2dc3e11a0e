# SPDX-License-Identifier: GPL-2.0-only
"""The parts of scripts/run and scripts/make-iso that need no machine."""
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
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

    def test_bad_file_is_named(self):
        for entry in ("nothing", "a b=/etc/passwd", "x=/no/such/file"):
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
