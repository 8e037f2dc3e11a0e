# SPDX-License-Identifier: MIT
"""Where to run: QEMU/KVM if this host can nest VT-x or SVM, otherwise QEMU's own emulation, which has SVM; Bochs, which has
VT-x, when asked. The files that decide are parameters, so that a test can give its own: MICA_CPUINFO, MICA_KVM_NESTED,
MICA_KVM_AMD_NESTED and MICA_KVM_DEVICE in the environment."""
import os
from collections import namedtuple

Choice = namedtuple("Choice", "emulator reason")
HostFiles = namedtuple("HostFiles", "cpuinfo nested device nested_amd")
Vendor = namedtuple("Vendor", "flag name module file")

VENDORS = (Vendor("vmx", "VT-x", "KVM for Intel", "nested"), Vendor("svm", "SVM", "KVM for AMD", "nested_amd"))


def host_files(environment=os.environ):
    return HostFiles(environment.get("MICA_CPUINFO", "/proc/cpuinfo"),
                     environment.get("MICA_KVM_NESTED", "/sys/module/kvm_intel/parameters/nested"),
                     environment.get("MICA_KVM_DEVICE", "/dev/kvm"),
                     environment.get("MICA_KVM_AMD_NESTED", "/sys/module/kvm_amd/parameters/nested"))


def cpu_flags(path):
    try:
        with open(path, encoding="ascii", errors="replace") as cpuinfo:
            return {flag for line in cpuinfo if line.startswith("flags") for flag in line.partition(":")[2].split()}
    except OSError:
        return set()


def host_vendor(files):
    """Which hardware virtualisation this host's CPU has, or None."""
    flags = cpu_flags(files.cpuinfo)
    return next((vendor for vendor in VENDORS if vendor.flag in flags), None)


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
    """One sentence that says what this host lacks to nest virtual machines under KVM, or None."""
    vendor = host_vendor(files)
    if vendor is None:
        return f"this host's CPU shows neither VT-x nor SVM (no vmx or svm flag in {files.cpuinfo})"
    path = getattr(files, vendor.file)
    nested = read_word(path)
    if nested is None:
        return f"{vendor.module} is not loaded ({path} cannot be read)"
    if nested not in ("Y", "1"):
        return f"KVM does not nest {vendor.name} here ({path} is {nested})"
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
        return Choice("qemu", f"its emulation has SVM, and {lack}")
    return Choice("kvm", f"this host's KVM can nest {host_vendor(files).name}")
