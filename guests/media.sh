#!/bin/sh
# SPDX-License-Identifier: MIT
# Boot media of other people from Debian packages, untouched: guests/media.sh NAME [BUILD] makes BUILD/guests/media-NAME and prints
# its path, for `scripts/run --file m=PATH --exec "vm run -cdrom m"` (or -fda).
#   isolinux     CD: a menu with the hardware detection tool, memtest86+, GRUB Invaders and SYSLINUX' own programs
#   syslinux     floppy: SYSLINUX' prompt and some of its programs
#   grub-legacy  floppy: GRUB 0.97's shell, stage 1 and 2
#   ipxe         CD: iPXE, which finds no network
#   memtest      CD: memtest86+, 32-bit
#   linux        CD: ISOLINUX with the Linux guest of `make guests`, its console on the screen
set -eu
cd "$(dirname "$0")/.."
name="${1:?which medium? isolinux, syslinux, grub-legacy, ipxe, memtest or linux}"
build="${2:-build}"
mkdir -p "$build/cache" "$build/guests"
cache="$(cd "$build/cache" && pwd)"
out="$(cd "$build/guests" && pwd)/media-$name"
. guests/package.sh
if [ -s "$out" ] && [ "$out" -nt "$0" ]; then
    echo "$out"
    exit
fi
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
export MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null

unpack() {
    for package in "$@"; do
        dpkg -x "$(package_fetch "$package")" "$scratch/x"
    done
}

floppy() {
    dd if=/dev/zero of="$scratch/out" bs=512 count=2880 status=none
}

# cd_from TREE: with ISOLINUX in it
cd_from() {
    xorriso -as mkisofs -quiet -o "$scratch/out" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
        -boot-info-table "$1" 2>/dev/null
}

x="$scratch/x/usr/lib"
case "$name" in
isolinux)
    unpack isolinux syslinux-common memtest86+ grub-invaders
    tree="$scratch/tree/isolinux"
    mkdir -p "$tree"
    cp "$x/ISOLINUX/isolinux.bin" "$x"/syslinux/modules/bios/*.c32 "$tree"
    cp "$scratch/x/boot/memtest86+ia32.bin" "$tree/memtest"
    cp "$scratch/x/boot/invaders.exec" "$tree/"
    cat > "$tree/isolinux.cfg" <<EOF
UI menu.c32
MENU TITLE Boot media of others
LABEL hdt
 COM32 hdt.c32
LABEL meminfo
 COM32 meminfo.c32
LABEL pcitest
 COM32 pcitest.c32
LABEL memtest
 LINUX memtest
LABEL invaders
 COM32 mboot.c32
 APPEND invaders.exec
LABEL vesamenu
 COM32 vesamenu.c32
LABEL reboot
 COM32 reboot.c32
LABEL off
 COM32 poweroff.c32
EOF
    cd_from "$scratch/tree"
    ;;
syslinux)
    unpack syslinux syslinux-common
    floppy
    mformat -i "$scratch/out" -f 1440 ::
    "$scratch/x/usr/bin/syslinux" -i "$scratch/out"
    for file in libcom32 libutil meminfo reboot poweroff; do
        mcopy -i "$scratch/out" "$x/syslinux/modules/bios/$file.c32" ::
    done
    ;;
grub-legacy)
    unpack grub-legacy
    floppy
    dd if="$x/grub/x86_64-pc/stage1" of="$scratch/out" conv=notrunc status=none
    dd if="$x/grub/x86_64-pc/stage2" of="$scratch/out" bs=512 seek=1 conv=notrunc status=none
    ;;
ipxe)
    unpack ipxe
    cp "$x/ipxe/ipxe.iso" "$scratch/out"
    ;;
memtest)
    unpack memtest86+
    cp "$x/memtest86+/memtest86+ia32.iso" "$scratch/out"
    ;;
linux)
    unpack isolinux syslinux-common
    tree="$scratch/tree/isolinux"
    mkdir -p "$tree"
    cp "$x/ISOLINUX/isolinux.bin" "$x/syslinux/modules/bios/ldlinux.c32" "$tree"
    cp "$build/guests/linux" "$build/guests/linux.initrd" "$tree"
    printf 'DEFAULT linux\nLABEL linux\n LINUX linux\n INITRD linux.initrd\n APPEND console=ttyS0,115200 console=tty0\n' \
        > "$tree/isolinux.cfg"
    cd_from "$scratch/tree"
    ;;
*)
    echo "guests/media.sh: no medium $name (isolinux, syslinux, grub-legacy, ipxe, memtest, linux)" >&2
    exit 2
    ;;
esac
mv "$scratch/out" "$out.new"
mv "$out.new" "$out"
echo "$out"
