# SPDX-License-Identifier: MIT
"""The script's end of `vm screenshot`."""
import base64
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from runner.pictures import Broken, Pictures, unpack  # noqa: E402

RED, BLUE = b"\xff\0\0", b"\0\0\xff"
CODE = b"\0" + RED + b"\x03\0" + b"\0" + BLUE + b"\x82\x01\0\x01\0"   # 3 red, blue and red, 1 red
PPM = b"P6\n3 2\n255\n" + RED * 3 + BLUE + RED * 2


def frame(*words):
    return b"\x1b]mica;picture;" + ";".join(map(str, words)).encode() + b"\x07\r"


def frames(code=CODE, name="x", size=(3, 2), count=2):
    code = bytes([len(code) - 1]) + code
    return frame("begin", name, *size) + frame("data", 0, base64.b64encode(code[:6]).decode()) \
        + frame("data", 1, base64.b64encode(code[6:]).decode()) + frame("end", count)


class PicturesTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.said = []
        self.pictures = Pictures(Path(self.folder.name), self.said.append)

    def files(self):
        return {path.name: path.read_bytes() for path in Path(self.folder.name).iterdir()}

    def test_picture_is_written_and_not_shown(self):
        self.assertEqual(self.pictures.take(b"one" + frames() + b"two"), b"onetwo")
        self.assertEqual(self.files(), {"x.ppm": PPM})
        self.assertIn("wrote", self.said[0])

    def test_what_repeats(self):
        self.assertEqual(unpack(b"\x02abc\x80\x02\0\x83\x01\0"), b"abcbcbcccccccc")
        for wrong in (b"\x80\x01\0", b"\0a\x80\x02\0", b"\0a\x80\0\0"):
            with self.assertRaises(Broken):
                unpack(wrong)

    def test_byte_by_byte(self):
        data = b"one\x1b[0m\x1b]" + frames() + b"two\x1b]mica"
        shown = b"".join(self.pictures.take(data[i:i + 1]) for i in range(len(data))) + self.pictures.rest()
        self.assertEqual(shown, b"one\x1b[0m\x1b]two\x1b]mica")
        self.assertEqual(self.files(), {"x.ppm": PPM})

    def test_a_line_that_the_log_cut_comes_again(self):
        whole = frames()
        cut = whole.index(b"data;1") + 9
        line = whole.rindex(b"\x1b", 0, cut)
        shown = self.pictures.take(whole[:cut] + b"\r\x1b[K[ 1.0] vm 2 stopped\r\n" + whole[line:])
        self.assertEqual(self.files(), {"x.ppm": PPM})
        self.assertIn(b"vm 2 stopped", shown)

    def test_what_is_wrong_is_said(self):
        for data in (frames(count=3), frames(size=(4, 4)), frames(size=(0, 2)), frames(code=CODE + b"\x01"),
                     frame("begin", "x", 3, 2) + frame("data", 0, "!!!!") + frame("end", 1)):
            self.said.clear()
            self.pictures.take(data)
            self.assertEqual(len(self.said), 1, data)
            self.assertEqual(self.files(), {}, data)

    def test_names_stay_in_the_folder(self):
        for name in ("../x", "a/b", ".hidden", "x" * 41, ""):
            self.pictures.take(frames(name=name))
        self.assertEqual(self.files(), {})

    def test_recording(self):
        recording = Path(self.folder.name) / "console.log"
        recording.write_bytes(b"boot\r\n" + frames(name="shot") + b"mica> ")
        result = subprocess.run([ROOT / "scripts/screenshot", recording, self.folder.name], stdout=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(self.files()["shot.ppm"], PPM)
        recording.write_bytes(b"nothing")
        self.assertEqual(subprocess.run([ROOT / "scripts/screenshot", recording], stdout=subprocess.DEVNULL).returncode, 1)


if __name__ == "__main__":
    unittest.main()
