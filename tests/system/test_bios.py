# SPDX-License-Identifier: MIT
"""The firmware's answers beside those of two other BIOSes; see bios_reference.py."""
import subprocess
from bios_reference import OWN, main
from console import ROOT, check, run_tests


def test_answers_beside_other_bioses():
    subprocess.run(["make", "--no-print-directory", str(OWN.relative_to(ROOT))], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    check(not main([]), "too many calls differ")


run_tests(globals())
