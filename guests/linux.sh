#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the Linux guest from Debian packages: guests/linux.sh BUILD
#   BUILD/guests/linux         the kernel of the archive's newest linux-image-cloud-amd64, untouched
#   BUILD/guests/linux.initrd  an initramfs: busybox-static, guests/linux-init as /init, linux-shrc, ticks
# Downloaded packages are kept in BUILD/cache; without the archive, those that are there are used.
set -eu
cd "$(dirname "$0")/.."
build="${1:-build}"
mkdir -p "$build/cache" "$build/guests"
cache="$(cd "$build/cache" && pwd)"
out="$(cd "$build/guests" && pwd)"

. guests/package.sh

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
umask 022

kernel="$(package_of_kernel linux-image-cloud-amd64)"
kernel_deb="$(package_fetch "$kernel")"
busybox_deb="$(package_fetch busybox-static)"

kernel_extract "$kernel_deb" "$out/linux.new"

dpkg -x "$busybox_deb" "$scratch/busybox"
root="$scratch/initramfs"
mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/proc" "$root/sys" "$root/tmp" "$root/root"
ln -s bin "$root/sbin"
cp "$scratch/busybox/bin/busybox" "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do
    [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
done
nasm -f elf64 -o "$scratch/ticks.o" guests/tiny/ticks.asm
ld -static -s -o "$root/bin/ticks" "$scratch/ticks.o"
install -m 755 guests/linux-init "$root/init"
install -m 644 guests/linux-inittab "$root/etc/inittab"
install -m 644 guests/linux-shrc "$root/etc/shrc"
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) > "$out/linux.initrd.new"

mv "$out/linux.new" "$out/linux"
mv "$out/linux.initrd.new" "$out/linux.initrd"
echo "  GUEST $kernel, initramfs of $(wc -c < "$out/linux.initrd") bytes"
