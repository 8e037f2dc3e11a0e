#!/bin/sh
# SPDX-License-Identifier: MIT
# Other people's kernels from Debian packages, untouched: guests/stock.sh NAME [BUILD]
#   installer-amd64 installer-i386   the Debian installer's kernel and its own initrd (NAME, NAME.initrd)
#   graphical-amd64                  the same, with windows
#   memtest                          memtest86+ as a kernel
#   xen                              the Xen hypervisor, unpacked: Multiboot
#   ipxe                             iPXE as a kernel, which starts in real mode
#   memdisk                          SYSLINUX' memdisk, too: its initrd is a disk
# Puts them in BUILD/guests and prints the paths, for `scripts/run --file k=PATH --exec "vm run -kernel k ..."`.
set -eu
cd "$(dirname "$0")/.."
name="${1:?which guest? installer-amd64, installer-i386, graphical-amd64, memtest, xen, ipxe or memdisk}"
build="${2:-build}"
mkdir -p "$build/cache" "$build/guests"
cache="$(cd "$build/cache" && pwd)"
out="$(cd "$build/guests" && pwd)/$name"
. guests/package.sh

# extract PACKAGE PATTERN FILE: the package's file that matches, as FILE
extract() {
    deb="$(package_fetch "$1")"
    dpkg --fsys-tarfile "$deb" | tar -x -O --wildcards "$2" > "$3.new"
    mv "$3.new" "$3"
}

case "$name" in
installer-* | graphical-*)
    arch="${name#*-}"
    kind="$(test "${name%%-*}" = graphical && echo gtk || echo text)"
    images="./usr/lib/debian-installer/images/*/$arch/$kind/debian-installer/$arch"
    [ -s "$out" ] || extract "debian-installer-12-netboot-$arch" "$images/linux" "$out"
    [ -s "$out.initrd" ] || extract "debian-installer-12-netboot-$arch" "$images/initrd.gz" "$out.initrd"
    echo "$out"
    echo "$out.initrd"
    ;;
memtest)
    [ -s "$out" ] || extract memtest86+ './boot/memtest86+x64.bin' "$out"
    echo "$out"
    ;;
ipxe)
    [ -s "$out" ] || extract ipxe './boot/ipxe.lkrn' "$out"
    echo "$out"
    ;;
memdisk)
    [ -s "$out" ] || extract syslinux-common './usr/lib/syslinux/memdisk' "$out"
    echo "$out"
    ;;
xen)
    if [ ! -s "$out" ]; then
        extract xen-hypervisor-4.17-amd64 './boot/xen-*.gz' "$out.gz"
        gunzip -f "$out.gz"
    fi
    echo "$out"
    ;;
*)
    echo "guests/stock.sh: no guest $name (installer-amd64, installer-i386, graphical-amd64, memtest, xen, ipxe, memdisk)" >&2
    exit 2
    ;;
esac
