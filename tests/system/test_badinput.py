# SPDX-License-Identifier: GPL-2.0-only
"""Corrupt kernels, configurations and commands: each gets one line that says what is wrong, and nobody dies."""
import re
import struct
from console import BUILD, Failure, System, check, run_tests, temporary

GOOD = "kernel = linux\ninitrd = linux.initrd\nmemory = 256M\nappend = console=ttyS0,115200 quiet\n"
# name: (text, what the complaint must contain beside the file's name, the line it must name)
CONFIGS = {
    "unknownkey": (GOOD + "cpus = 4\n", "cpus", 5),
    "badmemory": (GOOD.replace("256M", "lots"), "memory", 3),
    "hugememory": (GOOD.replace("256M", "64T"), "memory", 3),
    "nomemory": (GOOD.replace("256M", ""), "memory", 3),
    "nokernel": (GOOD.replace("= linux\n", "= nosuchfile\n"), "nosuchfile", 1),
    "noinitrd": (GOOD.replace("linux.initrd", "nosuchrd"), "nosuchrd", 2),
    "noequals": ("kernel linux\n" + GOOD, "=", 1),
    "empty": ("# nothing\n", "kernel", None),
    "binary": (bytes(range(256)) * 8, "", None),
    "longline": ("append = " + "x" * 100_000 + "\n" + GOOD, "", None),
}


def broken_kernels():
    good = (BUILD / "guests/linux").read_bytes()

    def patched(offset, form, value):
        image = bytearray(good)
        struct.pack_into(form, image, offset, value)
        return bytes(image)

    return {
        "empty": b"",
        "one": b"\0",
        "header": good[:0x200],
        "short": good[:100_000],
        "noise": bytes((i * 167 + (i >> 8) * 13) & 0xFF for i in range(65536)),
        "nomagic": patched(0x202, "<I", 0),
        "nosignature": patched(0x1FE, "<H", 0),
        "setup": patched(0x1F1, "<B", 255),
        "initsize": patched(0x260, "<I", 0xFFFFFFFF),
        "syssize": patched(0x1F4, "<I", 0xFFFFFFFF),
        "pref": patched(0x258, "<Q", 0xFFFFFFFFFFFFF000),
        "old": patched(0x206, "<H", 0x0100),
    }


def test_configurations():
    options = []
    for name, (text, _, _) in CONFIGS.items():
        options += ["--file", f"guests/{name}.cfg={temporary(text)}"]
    with System(*options) as mica:
        for name, (_, word, line) in CONFIGS.items():
            said = mica.command(f"vm start {name}")
            check(name in said, f"{name}: the complaint does not name the file: {said!r}")
            check(word in said, f"{name}: the complaint does not say {word!r}: {said!r}")
            check(line is None or re.search(rf"\b{line}\b", said), f"{name}: the complaint does not name line {line}: {said!r}")
            check(not any("run" in vm["state"] for vm in mica.vm_list().values()), f"{name}: a VM runs")
        said = mica.command("vm start nosuchguest")
        check("nosuchguest" in said, f"an unknown guest: {said!r}")
        mica.power_off()


def test_kernels():
    """Of a kernel that cannot be loaded the loader says so; one that loads and then dies ends its VM with a reason."""
    kernels = broken_kernels()
    options = []
    for name, image in kernels.items():
        options += ["--file", f"bad/{name}={temporary(image)}"]
    with System(*options, timeout=1800) as mica:
        for name in kernels:
            said = mica.command(f"vm run -n {name} -m 128M -kernel bad/{name}")
            running = [vm for vm, what in mica.vm_list().items() if what["name"] == name and "run" in what["state"]]
            check(running or f"bad/{name}" in said or "stopped" in said, f"{name}: nothing is said: {said!r}")
            for vm in running:
                mica.command(f"vm kill {vm}")
        check(mica.vm_start("vm start linux-quiet"), "a good guest after the bad ones")
        mica.power_off()


def test_commands():
    with System() as mica:
        for line in ("nosuchcommand", "vm", "vm nosuch", "vm start", "vm stat", "vm stat 99", "vm stat x", "vm console 99", "vm kill -1",
                     "vm kill 99999999999999999999", "vm wait 7", "vm reset 0", "vm crash 1 null", "vm run", "vm run -kernel",
                     "vm run -m 12Q -kernel linux", "vm run -nosuch x", "help nosuch", "vm run -kernel " + "k" * 300):
            said = mica.command(line)
            check(said.strip(), f"{line!r}: nothing is said")
        try:
            mica.command("x" * 3000)
        except Failure:
            mica.send("\x03\n")
        mica.send("\x00\x01\x02\x7f\x1b[A\x1b[99~\xff\n")
        mica.send("\n")
        mica.expect(r"mica> ")
        check("vm start" in mica.command("help"), "the shell does not answer any more")
        mica.power_off()


run_tests(globals())
