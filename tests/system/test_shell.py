# SPDX-License-Identifier: MIT
"""The shell under QEMU (fast), and what `vm start` says where hardware virtualisation or a part of it is missing."""
import re
import subprocess
from console import NO_LINUX, ON, PROMPT, ROOT, System, check, run_tests, same, temporary

COMMANDS = ["help", "files", "ps", "mem", "cpus", "log", "poweroff", "reboot", "vm start", "vm run", "vm list", "vm stat", "vm console",
            "vm reset", "vm kill", "vm wait", "vm crash"]


def test_commands_answer():
    with System("--file", f"extra={temporary('hello')}") as mica:
        text = mica.command("help")
        for name in COMMANDS:
            check(all(word in text for word in name.split()), f"help does not name {name}")
            check(mica.command("help " + name).strip(), f"help {name} says nothing")
        files = mica.command("files")
        for name in ("linux", "linux.initrd", "guests/linux.cfg", "extra"):
            check(re.search(rf"(^|\s){re.escape(name)}(\s|$)", files), f"files does not show {name}")
        for name in ("root", "console", "shell"):
            check(name in mica.command("ps"), f"ps does not show {name}")
        check(re.search(r"\d", mica.command("mem")), "mem shows no number")
        check(re.search(r"\d", mica.command("cpus")), "cpus shows no number")
        check(re.search(r"\[ *\d+\.\d{6}\]", mica.command("log")), "log shows no line with a time")
        mica.power_off()


def test_line_editing():
    with System(*NO_LINUX) as mica:
        mica.send("hexx\b\blq\x7fp\n")
        check("vm start" in mica.expect(r"(?s).*" + PROMPT)[0], "backspace does not edit the line")
        mica.send("\n\n")
        mica.expect(r"mica> \s*mica> $")
        mica.power_off()


def test_reboot():
    with System(*NO_LINUX) as mica:
        mica.send("reboot\n")
        mica.expect(PROMPT)
        mica.power_off()


def test_exec_and_plain_pipes():
    result = subprocess.run([str(ROOT / "scripts/run"), "--on", "qemu", "--exec", "help; mem\npoweroff", "--timeout", "600"], cwd=ROOT,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=900)
    same(result.returncode, 0, "status after --exec poweroff")
    check(b"vm start" in result.stdout, "the commands of --exec printed nothing")
    result = subprocess.run([str(ROOT / "scripts/run"), "--on", "qemu", "--timeout", "600"], cwd=ROOT, input=b"help\npoweroff\n",
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=900)
    same(result.returncode, 0, "status after commands from a pipe")
    check(b"vm start" in result.stdout, "commands from a pipe printed nothing")


def test_timeout():
    result = subprocess.run([str(ROOT / "scripts/run"), "--on", "qemu", "--timeout", "5"], cwd=ROOT, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
    same(result.returncode, 124, "status after --timeout")


def test_cpus():
    for count in (1, 2, 4):
        with System("--cpus", str(count), *NO_LINUX) as mica:
            shown = mica.command("cpus")
            check(len(re.findall(r"(?m)^\s*(?:cpu ?)?\d+\b", shown)) == count, f"cpus with {count}: {shown}")
            mica.power_off()


def test_cpus_of_vms():
    """VMs are spread over the CPUs, but under QEMU not to the first of several (user/root/vms.c)."""
    for count, spread in ((1, [0] * 4), (4, [0, 1, 2, 3] if ON == "bochs" else [1, 2, 3, 3])):
        with System("--cpus", str(count), *NO_LINUX) as mica:
            for _ in range(4):
                mica.vm_start("vm run -m 4M -kernel tiny/spin")
            same(sorted(map(int, re.findall(r"vm \d+ \(spin\) +(\d+)", mica.command("ps")))), spread, f"CPUs of four VMs on {count}")
            same("CPU 0 runs no VMs" in mica.command("log"), 0 not in spread, "whether the log says why CPU 0 runs no VMs")
            mica.power_off()


def refusal(words, **options):
    with System(*options.pop("arguments", []), *NO_LINUX, **options) as mica:
        said = mica.command("vm run -m 4M -kernel tiny/hello")
        check(any(word.lower() in said.lower() for word in words), f"vm run says: {said!r}")
        same(len([line for line in said.splitlines() if line.strip()]), 1, "lines of the refusal")
        mica.power_off()


def test_refusal_without_virtualisation():
    refusal(["VT-x", "VMX"], on="qemu", arguments=["--model", "Nehalem"])


def test_refusal_when_switched_off():
    refusal(["virt=off"], arguments=["--kernel-cmdline", "virt=off"])


def test_refusal_without_unrestricted_guest():
    refusal(["unrestricted guest"], on="bochs", arguments=["--model", "corei5_lynnfield_750"])


def test_refusal_without_ept():
    refusal(["EPT"], on="bochs", arguments=["--model", "core2_penryn_t9600"])


run_tests(globals())
