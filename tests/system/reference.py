# SPDX-License-Identifier: MIT
"""The same disk on a PC that is not ours: bare QEMU with SeaBIOS, its text screen as lines, and keys typed there."""
import re
import subprocess
import time

from runner.machine import die_with_parent

COLUMNS, ROWS = 80, 25
CONTROLS = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
GLYPHS = CONTROLS + bytes(range(32, 127)).decode() + "⌂" + bytes(range(128, 255)).decode("cp437") + " "
NAMES = {"enter": "ret", "esc": "esc", "tab": "tab", "bs": "backspace", "space": "spc", "ins": "insert", "del": "delete"}
PLAIN = {" ": "spc", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right", "\\": "backslash", ";": "semicolon",
         "'": "apostrophe", ",": "comma", ".": "dot", "/": "slash", "`": "grave_accent"}
SHIFTED = dict(zip("~!@#$%^&*()_+{}|:\"<>?", "`1234567890-=[]\\;',./"))


def qemu_key(text):
    """A key as `vm keys` names it (a, A, <enter>, <c-x>) in QEMU's names."""
    if text.startswith("<") and len(text) > 1:
        name = text[1:-1]
        if name[:2] in ("c-", "a-"):
            rest = name[2:] if len(name) == 3 else f"<{name[2:]}>"
            return {"c-": "ctrl-", "a-": "alt-"}[name[:2]] + qemu_key(rest)
        return NAMES.get(name, name)
    if text.isupper():
        return "shift-" + text.lower()
    if text in SHIFTED:
        return "shift-" + qemu_key(SHIFTED[text])
    return PLAIN.get(text, text)


def keys_of(text):
    return re.findall(r"<[a-z0-9-]+>|.", text)


class Reference:
    """QEMU without Mica. Use with `with`."""

    def __init__(self, *options, memory=16):
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "pc", "-m", str(memory), "-accel", "tcg", "-cpu", "max", "-display", "none", "-nodefaults",
             "-vga", "std", "-serial", "null", "-monitor", "stdio", "-snapshot", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, preexec_fn=die_with_parent)
        self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def answer(self):
        text = ""
        while not text.endswith("(qemu) "):
            byte = self.process.stdout.read(1)
            if not byte:
                raise EOFError("QEMU ended: " + text)
            text += byte
        return text

    def monitor(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def screen(self):
        """The lines of the text screen as it is displayed, without blanks at their ends."""
        dump = self.monitor(f"xp /{COLUMNS * ROWS}hx 0xb8000")
        cells = [int(word, 16) for line in dump.splitlines() if re.match(r"[0-9a-f]+: 0x", line) for word in line.split(":")[1].split()]
        text = "".join(GLYPHS[cell & 0xff] for cell in cells)
        return [text[row * COLUMNS:(row + 1) * COLUMNS].rstrip() for row in range(ROWS)]

    def wait(self, text, seconds):
        """The screen as soon as the text is on it, or as it is at the end of that time."""
        end = time.monotonic() + seconds
        while True:
            lines = self.screen()
            if any(text in line for line in lines) or time.monotonic() > end:
                return lines
            time.sleep(0.2)

    def type(self, text):
        for key in keys_of(text):
            self.monitor("sendkey " + qemu_key(key) + " 20")
            time.sleep(0.05)
