# SPDX-License-Identifier: MIT
"""With --icount a run repeats to the tick: all that two of them print is the same, times and tick counts included. And
where the host's speed does not matter, Linux likes the timers of its PC."""
import re
import subprocess
from console import GUEST_BOOT_SECONDS, PATIENCE, ROOT, check, run_tests, same

PROMPT = b"/ # "


def boot():
    """What the console shows up to a Linux guest's prompt."""
    result = subprocess.run([str(ROOT / "scripts/run"), "--on", "qemu", "--icount", "--exec", "vm start linux; vm console 1",
                             "--until", PROMPT.decode(), "--timeout", str(GUEST_BOOT_SECONDS * PATIENCE)],
                            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, prompt, _ = result.stdout.partition(PROMPT)
    check(result.returncode == 0 and prompt, f"status {result.returncode}: {result.stderr.decode()}\n{output[-1000:]!r}")
    return output.decode().replace("\r", "")


def test_runs_repeat_to_the_tick():
    first, second = boot(), boot()
    ticks = [re.findall(r"init at tick (\d+)\n", output) for output in (first, second)]
    check(len(ticks[0]) == 1, f"no tick count: {first[-1000:]}")
    same(ticks[1], ticks[0], "the guest's ticks to init")
    same(second.splitlines(), first.splitlines(), "what the second run printed")
    check("tsc: Fast TSC calibration using PIT" in first, "Linux' first way to calibrate the TSC failed")


run_tests(globals())
