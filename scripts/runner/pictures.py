# SPDX-License-Identifier: MIT
"""Pictures that `vm screenshot` sends over the console: found in its output, taken out of it, and written as PPM files.
user/shell/screenshot.c says how they are framed, vmm-user/pack.h and picture_code.h what is in them."""
import base64
import binascii
import re

PREFIX = b"\x1b]mica;picture;"
FRAME = re.compile(rb"\x1b\]mica;picture;([^\x07\x1b\r\n]*)\x07\r")
UNFINISHED = re.compile(rb"\x1b\]mica;picture;[^\x07\x1b\r\n]*\x07?\Z")
FRAME_MAX = 300
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,39}")
SIDE_MAX = 4096
LITERALS = 128


class Broken(Exception):
    """A picture that cannot be what was sent."""


def unpack(data):
    """The bytes that vmm-user/pack.h packs."""
    out, at = bytearray(), 0
    while at < len(data):
        length = data[at] + 1 if data[at] < 128 else data[at] - 124
        if data[at] < 128:
            out += data[at + 1:at + 1 + length]
            at += 1 + length
            continue
        start, at = len(out) - int.from_bytes(data[at + 1:at + 3], "little"), at + 3
        if not 0 <= start < len(out):
            raise Broken("it repeats what is not there")
        piece = out[start:start + length]
        out += (piece * (length // len(piece) + 1))[:length]
    return bytes(out)


def decode(data, width, height):
    """The pixels, three bytes each, of the code in picture_code.h."""
    colors, given, pixels, at = [b"\0\0\0"] * 256, 0, bytearray(), 0
    while at < len(data):
        count = data[at]
        length = 4 if not count else 2 if count < LITERALS else 1 + count - LITERALS
        piece, at = data[at + 1:at + length], at + length
        if at > len(data):
            raise Broken("its end is missing")
        if not count:
            colors[given % 256] = piece
            given += 1
        elif count < LITERALS:
            pixels += colors[piece[0]] * count
        else:
            pixels += b"".join(colors[number] for number in piece)
    if len(pixels) != 3 * width * height:
        raise Broken(f"{len(pixels) // 3} pixels came of {width}x{height}")
    return bytes(pixels)


class Pictures:
    """Takes the console's output as it comes. `folder` is where pictures are written, `say` is told of each."""

    def __init__(self, folder, say):
        self.folder, self.say = folder, say
        self.held = b""     # the beginning of what may be a frame
        self.picture = None  # (name, width, height)
        self.pieces = []

    def take(self, data):
        """Returns the output without the frames."""
        data = self.held + data
        shown, at = b"", 0
        for frame in FRAME.finditer(data):
            shown += data[at:frame.start()]
            at = frame.end()
            self.frame(frame[1].decode(errors="replace").split(";"))
        shown += data[at:]
        start = self.unfinished(shown)
        self.held = shown[start:]
        return shown[:start]

    @staticmethod
    def unfinished(data):
        """Where the beginning of a frame stands at the end of the output; its length if none does."""
        match = UNFINISHED.search(data, max(0, len(data) - FRAME_MAX))
        if match:
            return match.start()
        for length in range(min(len(PREFIX), len(data)), 0, -1):
            if data.endswith(PREFIX[:length]):
                return len(data) - length
        return len(data)

    def rest(self):
        held, self.held = self.held, b""
        return held

    def frame(self, words):
        if words[0] == "begin" and len(words) == 4 and NAME.fullmatch(words[1]) and all(w.isdigit() for w in words[2:]):
            self.picture, self.pieces = (words[1], int(words[2]), int(words[3])), []
        elif words[0] == "data" and len(words) == 3 and words[1] == str(len(self.pieces)):
            self.pieces.append(words[2])
        elif words[0] == "end" and len(words) == 2 and self.picture:
            self.end(words[1])

    def end(self, count):
        (name, width, height), self.picture = self.picture, None
        try:
            if count != str(len(self.pieces)):
                raise Broken(f"{len(self.pieces)} pieces came of {count}")
            if not 0 < width <= SIDE_MAX or not 0 < height <= SIDE_MAX:
                raise Broken(f"{width}x{height} pixels")
            pixels = decode(unpack(base64.b64decode("".join(self.pieces), validate=True)), width, height)
            path = self.folder / f"{name}.ppm"
            path.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + pixels)
            self.say(f"wrote {path}")
        except (Broken, binascii.Error, OSError) as error:
            self.say(f"picture {name}: {error}")
