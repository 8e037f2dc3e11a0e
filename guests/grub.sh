#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the GRUB guest from Debian's packages: guests/grub.sh [BUILD] puts a CD into BUILD/guests/grub, with a menu
# (guests/grub-menu), memtest86+ and the modules that the menu and a person at GRUB's prompt need.
set -eu
cd "$(dirname "$0")/.."
build="${1:-build}"
mkdir -p "$build/guests"
out="$build/guests/grub"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

modules="biosdisk iso9660 normal configfile test echo ls cat cmp search linux linux16 multiboot multiboot2 chain
    part_msdos part_gpt fat ext2 ntldr boot minicmd help sleep read reboot halt acpi lsmmap lspci lsacpi cpuid hexdump date
    serial terminal vga_text gzio loopback memdisk tar"
guests/stock.sh memtest "$build" > /dev/null
mkdir -p "$scratch/cd/boot/grub"
cp guests/grub-menu "$scratch/cd/boot/grub/grub.cfg"
cp "$build/guests/memtest" "$scratch/cd/boot/memtest"
# shellcheck disable=SC2086
grub-mkimage -O i386-pc-eltorito -p /boot/grub -o "$scratch/cd/boot/grub.img" $modules
find "$scratch/cd" -exec touch -h -d @0 {} +
xorriso -as mkisofs -quiet -R -V GRUB -b boot/grub.img -no-emul-boot -boot-load-size 4 -boot-info-table \
    -o "$scratch/iso" "$scratch/cd" 2>/dev/null
mv "$scratch/iso" "$out"
echo "  GUEST GRUB with a menu, a CD of $(wc -c < "$out") bytes"
