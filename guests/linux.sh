#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
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

# package_fetch NAME: prints the path of the package's newest .deb, downloading it unless it is cached
package_fetch() {
    uri="$(cd "$cache" && apt-get download --print-uris "$1" 2>/dev/null || true)"
    file="$(printf '%s\n' "$uri" | sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p")"
    if [ -n "$file" ] && [ ! -f "$cache/$file" ]; then
        echo "  GET   $file" >&2
        (cd "$cache" && apt-get download -qq "$1" 2>/dev/null) || true
    fi
    if [ -z "$file" ] || [ ! -f "$cache/$file" ]; then
        # Sorted by version, the newest last.
        file="$(cd "$cache" && find . -name "${1}_*.deb" | sort -V | tail -n 1)"
    fi
    if [ -z "$file" ]; then
        echo "guests/linux.sh: cannot get the Debian package $1; try: apt-get update" >&2
        exit 1
    fi
    echo "$cache/$file"
}

# The archive's newest kernel is what the meta-package depends on.
kernel_package() {
    name="$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)"
    if [ -z "$name" ]; then
        name="$(find "$cache" -name 'linux-image-*-cloud-amd64_*.deb' | sort -V | tail -n 1 | sed 's|.*/||; s/_.*//')"
    fi
    if [ -z "$name" ]; then
        echo "guests/linux.sh: the archive's lists have no linux-image-cloud-amd64; try: apt-get update" >&2
        exit 1
    fi
    echo "$name"
}

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
umask 022

kernel="$(kernel_package)"
kernel_deb="$(package_fetch "$kernel")"
busybox_deb="$(package_fetch busybox-static)"

# Only the kernel is taken out: its modules are large and a plain PC needs none of them.
dpkg --fsys-tarfile "$kernel_deb" | tar -x -C "$scratch" --wildcards './boot/vmlinuz-*'
cp "$scratch"/boot/vmlinuz-* "$out/linux.new"

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
