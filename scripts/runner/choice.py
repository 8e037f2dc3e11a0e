# SPDX-License-Identifier: GPL-2.0-only
"""Where to run: QEMU/KVM if this host can nest VT-x, otherwise Bochs. The files that decide are parameters, so that a
test can give its own: MICA_CPUINFO, MICA_KVM_NESTED and MICA_KVM_DEVICE in the environment."""
import os
from collections import namedtuple

Choice = namedtuple("Choice", "emulator reason")
HostFiles = namedtuple("HostFiles", "cpuinfo nested device")


def host_files(environment=os.environ):
    return HostFiles(environment.get("MICA_CPUINFO", "/proc/cpuinfo"),
                     environment.get("MICA_KVM_NESTED", "/sys/module/kvm_intel/parameters/nested"),
                     environment.get("MICA_KVM_DEVICE", "/dev/kvm"))


def cpu_has_vmx(path):
    try:
        with open(path, encoding="ascii", errors="replace") as cpuinfo:
            return any("vmx" in line.partition(":")[2].split() for line in cpuinfo if line.startswith("flags"))
    except OSError:
        return False


def read_word(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def device_usable(path):
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        return True
    except OSError:
        return False


def why_not_kvm(files):
    """One sentence that says what this host lacks to nest VT-x under KVM, or None."""
    if not cpu_has_vmx(files.cpuinfo):
        return f"this host's CPU shows no VT-x (no vmx flag in {files.cpuinfo})"
    nested = read_word(files.nested)
    if nested is None:
        return f"KVM for Intel is not loaded ({files.nested} cannot be read)"
    if nested not in ("Y", "1"):
        return f"KVM does not nest VT-x here ({files.nested} is {nested})"
    if not device_usable(files.device):
        return f"{files.device} cannot be opened (is this user in the group kvm?)"
    return None


def choose(wanted, files):
    """The emulator to use: the wanted one (bochs, kvm, qemu), or for None the best that this host can do."""
    lack = why_not_kvm(files)
    if wanted == "kvm" and lack:
        return Choice("kvm", f"as asked, although {lack}")
    if wanted:
        return Choice(wanted, "as asked")
    if lack:
        return Choice("bochs", lack)
    return Choice("kvm", "this host's KVM can nest VT-x")
