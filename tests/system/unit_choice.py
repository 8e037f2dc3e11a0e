# SPDX-License-Identifier: MIT
"""Where scripts/run would run, on hosts that are made up."""
import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from runner.choice import HostFiles, choose, host_files  # noqa: E402

INTEL = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu vme vmx ssse3\n"
AMD = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu vme svm ssse3\n"
PLAIN = "processor\t: 0\nmodel name\t: A CPU with vmx in its name\nflags\t\t: fpu vme ssse3\n"


class ChoiceTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def host(self, cpuinfo=INTEL, nested="Y\n", device=True):
        folder = Path(self.folder.name)
        files = HostFiles(*(str(folder / name) for name in ("cpuinfo", "nested", "kvm", "nested_amd")))
        Path(files.cpuinfo).write_text(cpuinfo)
        if nested is not None:
            Path(files.nested_amd if cpuinfo == AMD else files.nested).write_text(nested)
        if device:
            Path(files.device).write_text("")
        return files

    def test_nesting_host_gets_kvm(self):
        for word in ("Y\n", "1\n", "Y"):
            self.assertEqual(choose(None, self.host(nested=word)).emulator, "kvm")

    def test_nesting_amd_host_gets_kvm(self):
        choice = choose(None, self.host(cpuinfo=AMD))
        self.assertEqual(choice.emulator, "kvm")
        self.assertIn("SVM", choice.reason)

    def test_intel_module_does_not_nest_svm(self):
        files = self.host()
        Path(files.cpuinfo).write_text(AMD)
        choice = choose(None, files)
        self.assertEqual(choice.emulator, "qemu")
        self.assertIn("AMD", choice.reason)

    def test_no_flag_means_emulation(self):
        choice = choose(None, self.host(cpuinfo=PLAIN))
        self.assertEqual(choice.emulator, "qemu")
        self.assertIn("vmx", choice.reason)

    def test_nesting_off_means_emulation(self):
        for word in ("N\n", "0\n", ""):
            choice = choose(None, self.host(nested=word))
            self.assertEqual(choice.emulator, "qemu")
            self.assertIn("nest", choice.reason)

    def test_kvm_module_absent_means_emulation(self):
        self.assertEqual(choose(None, self.host(nested=None)).emulator, "qemu")

    def test_device_absent_means_emulation(self):
        choice = choose(None, self.host(device=False))
        self.assertEqual(choice.emulator, "qemu")
        self.assertIn("kvm", choice.reason)

    def test_unreadable_cpuinfo_means_emulation(self):
        files = self.host()
        os.remove(files.cpuinfo)
        self.assertEqual(choose(None, files).emulator, "qemu")

    def test_wish_is_followed(self):
        for wish in ("bochs", "kvm", "qemu"):
            self.assertEqual(choose(wish, self.host(cpuinfo=PLAIN)).emulator, wish)
        self.assertIn("although", choose("kvm", self.host(cpuinfo=PLAIN)).reason)

    def test_paths_come_from_the_environment(self):
        files = host_files({"MICA_CPUINFO": "/a", "MICA_KVM_NESTED": "/b", "MICA_KVM_DEVICE": "/c", "MICA_KVM_AMD_NESTED": "/d"})
        self.assertEqual(files, HostFiles("/a", "/b", "/c", "/d"))
        self.assertEqual(host_files({}).cpuinfo, "/proc/cpuinfo")


if __name__ == "__main__":
    unittest.main()
