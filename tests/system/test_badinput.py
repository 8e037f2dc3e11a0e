# SPDX-License-Identifier: MIT
"""Corrupt kernels, configurations and commands: each gets one line that says what is wrong and where, and nobody dies."""
import re
import struct
from console import BUILD, Failure, System, check, run_tests, same, temporary

GOOD = "kernel = linux\ninitrd = linux.initrd\nmemory = 256M\nappend = console=ttyS0,115200 quiet\n"
# name: (text, the complaint behind the file's name)
CONFIGS = {
    "unknownkey": (GOOD + "cpus = 4\n", r":5: unknown key 'cpus'"),
    "badmemory": (GOOD.replace("256M", "lots"), r":3: bad value 'lots' for memory: "),
    "nokernel": (GOOD.replace("= linux\n", "= nosuchfile\n"), r":1: kernel 'nosuchfile' is not among the boot files"),
    "noinitrd": (GOOD.replace("linux.initrd", "nosuchrd"), r":2: initrd 'nosuchrd' is not among the boot files"),
    "noequals": ("kernel linux\n" + GOOD, r":1: 'kernel linux' is not of the form key = value"),
    "empty": ("# nothing\n", r":1: no kernel"),
    "binary": (bytes(range(256)) * 8, r":1: the line is too long or not text"),
    "longline": ("append = " + "x" * 100_000 + "\n" + GOOD, r":1: the line is too long or not text"),
}
NO_KERNEL = r"not a kernel: neither"


def broken_kernels():
    """name: (image, the complaint behind the file's name; None: it loads, and runs into its own mistake)"""
    good = (BUILD / "guests/linux").read_bytes()

    def patched(offset, form, value):
        image = bytearray(good)
        struct.pack_into(form, image, offset, value)
        return bytes(image)

    return {
        "empty": (b"", NO_KERNEL),
        "header": (good[:0x200], NO_KERNEL),
        "short": (good[:100_000], r"cut off: syssize at offset 0x1f4 says \d+ bytes, \d+ are there"),
        "almost": (good[:-5000], r"cut off: syssize at offset 0x1f4 says \d+ bytes, \d+ are there"),
        "noise": (bytes((i * 167 + (i >> 8) * 13) & 0xFF for i in range(65536)), NO_KERNEL),
        "initsize": (patched(0x260, "<I", 0xFFFFFFFF), r"needs \d+ KiB at 0x[0-9a-f]+, the VM's memory ends at 0x8000000"),
        "syssize": (patched(0x1F4, "<I", 0xFFFFFFFF), r"cut off: syssize at offset 0x1f4"),
        "old": (patched(0x206, "<H", 0x0100), r"boot protocol 1.00 at offset 0x206 is too old: 2.02 is needed"),
        "pref": (patched(0x258, "<Q", 0xFFFFFFFFFFFFF000), r"needs \d+ KiB at 0xfffffffffffff000, the VM's memory ends at 0x8000000"),
        "code": (good[:0x8000] + bytes(len(good) - 0x8000), None),
    }


def check_configurations(mica):
    for name, (_, complaint) in CONFIGS.items():
        said = mica.command(f"vm start {name}").strip()
        check(re.match(rf"guests/{name}\.cfg{complaint}", said) and "\n" not in said, f"{name}: the complaint is {said!r}")
    said = mica.command("vm start nosuchguest").strip()
    same(said, "vm start: guests/nosuchguest.cfg: no such file on the boot medium", "an unknown guest")
    same(mica.vm_list(), {}, "VMs after configurations that were refused")


def check_kernels(mica, kernels):
    for name, (_, complaint) in kernels.items():
        said = mica.command(f"vm run -n {name} -m 128M -kernel bad/{name}").strip()
        if complaint is None:
            vm = re.match(r"vm (\d+) ", said)
            check(vm, f"{name}: {said!r}")
            mica.command("sleep 1")
            mica.command(f"vm kill {vm[1]}")
        else:
            check(re.match(f"bad/{name}: {complaint}", said) and "\n" not in said, f"{name}: the complaint is {said!r}")
    said = mica.command("vm run -m 60G -kernel linux").strip()
    check("memory" in said and "\n" not in said, f"more memory than there is: {said!r}")
    same(mica.command("vm run -smp 2 -kernel linux").strip(), "vm run: smp = 2: a VM has one virtual CPU", "two virtual CPUs")
    same(mica.vm_list(), {}, "VMs after kernels that were refused")


def check_commands(mica):
    for line in ("nosuchcommand", "vm", "vm nosuch", "vm start", "vm stat", "vm stat 99", "vm stat x", "vm console 99", "vm kill -1",
                 "vm kill 99999999999999999999", "vm wait 7", "vm reset 0", "vm crash 1 null", "vm run", "vm run -kernel",
                 "vm run -m 12Q -kernel linux", "vm run -nosuch x", "help nosuch", "vm run -kernel " + "k" * 300, 'vm run "'):
        said = mica.command(line)
        check(said.strip(), f"{line!r}: nothing is said")
    try:
        mica.command("x" * 3000)
    except Failure:
        mica.send("\x03\n")
    mica.send("\x00\x01\x02\x7f\x1b[A\x1b[99~\xff\n")
    mica.send("\n")
    mica.expect(r"mica> ")
    mica.command("echo")
    check("vm start" in mica.command("help"), "the shell does not answer any more")


def test_everything_that_can_be_wrong():
    kernels = broken_kernels()
    options = ["--boot-only-files"]
    for name in ("linux", "linux.initrd"):
        options += ["--file", f"{name}={BUILD}/guests/{name}"]
    options += ["--file", f"tiny/hello={BUILD}/guests/hello.bin"]
    for name, (text, _) in CONFIGS.items():
        options += ["--file", f"guests/{name}.cfg={temporary(text)}"]
    for name, (image, _) in kernels.items():
        options += ["--file", f"bad/{name}={temporary(image)}"]
    with System(*options) as mica:
        free = mica.free_memory()
        check_configurations(mica)
        check_kernels(mica, kernels)
        check_commands(mica)
        same(mica.free_memory(), free, "free memory after all that and before")
        vm = mica.vm_start("vm run -n good -m 4M -kernel tiny/hello")
        check("stopped: exit code 0" in mica.command(f"vm wait {vm}"), "a good guest after the bad ones")
        mica.power_off()


run_tests(globals())
