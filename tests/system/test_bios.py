#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The firmware's answers beside those of two other BIOSes; see bios_reference.py."""
import subprocess
import sys

from bios_reference import OWN, ROOT, main

if __name__ == "__main__":
    subprocess.run(["make", "--no-print-directory", str(OWN.relative_to(ROOT))], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    sys.exit(main())
