# SPDX-License-Identifier: MIT
"""A stock kernel that nobody prepared for, from the command line alone."""
import re
import subprocess
from console import BUILD, GUEST_BOOT_SECONDS, ROOT, Skip, System, check, run_tests, same

META = "linux-image-6.12-cloud-amd64"


def stock_kernel(meta):
    """Debian's kernel of that name, as guests/kernel.sh gets it: (path, version)."""
    result = subprocess.run([str(ROOT / "guests/kernel.sh"), meta, str(BUILD)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        raise Skip(f"no {meta}: {result.stderr.strip()}")
    path = result.stdout.strip()
    return path, re.search(r"linux-image-([^/]+)$", path)[1]


def test_another_debian_kernel():
    path, version = stock_kernel(META)
    command = 'vm run -kernel k -initrd linux.initrd -append "console=ttyS0,115200"'
    with System("--file", f"k={path}", "--exec", f"{command}; vm console 1", boot=False) as mica:
        mica.expect(r"\[console of vm 1: ", GUEST_BOOT_SECONDS)
        mica.expect(r"/ # ", GUEST_BOOT_SECONDS)
        same(mica.guest("uname -r"), version, "uname -r")
        log = mica.guest("dmesg")
        for bad in (r"ACPI (Error|Exception|BIOS Error)", r"WARNING: CPU", r"BUG: ", r"Call Trace", r"unchecked MSR", r"nobody cared"):
            match = re.search(r".*" + bad + r".*", log)
            check(not match, f"the kernel says: {match and match[0]}")
        mica.send("poweroff -f\n")
        mica.expect(r"vm 1 stopped: power off\n")
        mica.leave()
        mica.power_off()


run_tests(globals())
