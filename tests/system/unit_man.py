# SPDX-License-Identifier: MIT
"""The man pages: well-formed, and of the commands and keys that there are."""
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
SHELL, CONFIG = ROOT / "docs/mica-shell.7", ROOT / "docs/mica-guest.cfg.5"


def text(page):
    """What a reader sees, in one line."""
    shown = subprocess.run(["mandoc", "-Tascii", "-O", "width=1000", str(page)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return " ".join(re.sub(r".\x08", "", shown).split())


def table(path, start):
    """The strings of a C table's rows, adjacent literals joined."""
    body = re.search(re.escape(start) + r" = \{\n(.*?)\n\};", (ROOT / path).read_text(), re.S)[1]
    rows = re.findall(r"\{(\".*?)\},?\n", body + "\n", re.S)
    return [[bytes(s, "ascii").decode("unicode_escape") for s in re.findall(r'"((?:[^"\\]|\\.)*)"', row)] for row in rows]


def commands():
    """(name, usage) of the shell's commands."""
    return [(row[0], row[1]) for row in table("user/shell/commands.c", "const struct command commands[]")]


class ManTest(unittest.TestCase):
    def test_pages_are_well_formed(self):
        for page in (SHELL, CONFIG):
            result = subprocess.run(["mandoc", "-Tlint", "-W", "warning", str(page)], stdout=subprocess.PIPE, text=True)
            self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_every_command_is_there_as_the_shell_says(self):
        shown = text(SHELL)
        self.assertGreater(len(commands()), 20)
        for name, usage in commands():
            if name == "vm run":  # its options: below
                continue
            wanted = f"{name} {usage}".strip().replace("]...", " ...]").replace("[serial|screen]", "[serial | screen]")
            self.assertIn(f" {wanted} ", shown)

    def test_no_command_that_there_is_not(self):
        names = {name for name, _ in commands()}
        source = SHELL.read_text()
        for words in re.findall(r"^\.It Ic ([a-z]+(?: [a-z]+)?)", source, re.M):
            self.assertIn(words, names)

    def test_keys_and_options(self):
        config, shell = text(CONFIG), SHELL.read_text()
        listed = re.findall(r"^\.It Cm (.*)$", CONFIG.read_text(), re.M)
        keys = [row for row in table("vmm-user/config.c", "static const struct config_key keys[]")]
        self.assertEqual(sorted(key for line in listed for key in line.split(" , ")), sorted(row[0] for row in keys))
        for row in keys:
            self.assertIn(row[0], config)
            if len(row) > 1:
                self.assertRegex(shell, rf"\bFl {row[1][1:]}\b")


if __name__ == "__main__":
    unittest.main()
