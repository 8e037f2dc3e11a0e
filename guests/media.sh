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
#   memdisk      CD: MEMDISK with a floppy and a hard disk of FreeDOS, chain.c32
#   loadlin      hard disk: FreeDOS with LOADLIN, our XMS driver and V86 monitor, the Debian installer's 32-bit kernel and an init that says so and switches off
#   mbr-NAME     hard disk: FreeDOS behind another's master boot record: mbr or altmbr of SYSLINUX, or debian, that of package mbr
#   gpt          hard disk: SYSLINUX in a GPT partition behind gptmbr.bin
# Those with FreeDOS take FREEDOS_IMG as guests/freedos.sh does.
set -eu
cd "$(dirname "$0")/.."
name="${1:?which medium? isolinux, syslinux, grub-legacy, ipxe, memtest, linux, memdisk, loadlin, mbr-NAME or gpt}"
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

# dos_disk CYLINDERS: a hard disk, $dos, its file system at $dos_files
dos_disk() {
    CYLINDERS="$1" guests/freedos.sh "$scratch" >/dev/null
    dos="$scratch/guests/freedos"
    dos_files="$dos@@$((63 * 512))"
}

# boot_code FILE: into the master boot record of $scratch/out
boot_code() {
    dd if="$1" of="$scratch/out" conv=notrunc status=none
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
memdisk)
    unpack isolinux syslinux-common
    dos_disk 8
    tree="$scratch/tree/isolinux"
    mkdir -p "$tree"
    cp "$x/ISOLINUX/isolinux.bin" "$x/syslinux/memdisk" "$tree"
    for file in ldlinux libcom32 libutil chain; do
        cp "$x/syslinux/modules/bios/$file.c32" "$tree"
    done
    cp "$dos" "$tree/disk.img"
    cp "$FREEDOS_IMG" "$tree/floppy.img"
    cat > "$tree/isolinux.cfg" <<EOF
PROMPT 1
LABEL floppy
 LINUX memdisk
 INITRD floppy.img
LABEL raw
 LINUX memdisk
 INITRD floppy.img
 APPEND raw
LABEL disk
 LINUX memdisk
 INITRD disk.img
 APPEND harddisk
LABEL chain
 COM32 chain.c32
 APPEND hd0 1
EOF
    cd_from "$scratch/tree"
    ;;
loadlin)
    unpack loadlin
    dos_disk 16
    dpkg --fsys-tarfile "$(package_fetch debian-installer-12-netboot-i386)" |
        tar -x -O --wildcards './usr/lib/debian-installer/images/*/i386/text/debian-installer/i386/linux' > "$scratch/vmlinuz"
    nasm -f bin -o "$scratch/init" guests/dos/init.asm
    chmod 755 "$scratch/init"
    (cd "$scratch" && echo init | cpio --quiet -o -H newc -R 0:0) > "$scratch/initrd"
    gzip -d < "$x/loadlin/loadlin.exe.gz" > "$scratch/loadlin.exe"
    printf '@loadlin vmlinuz console=tty0 initrd=initrd\r\n' > "$scratch/linux.bat"
    for program in xms v86; do
        nasm -f bin -Iguests/dos/programs/ -o "$scratch/$program.com" "guests/dos/programs/$program.asm"
        mcopy -i "$dos_files" "$scratch/$program.com" ::
    done
    mcopy -i "$dos_files" "$scratch/loadlin.exe" "$scratch/linux.bat" "$scratch/initrd" "$scratch/vmlinuz" ::
    mv "$dos" "$scratch/out"
    ;;
mbr-debian)
    unpack mbr
    dos_disk 8
    mv "$dos" "$scratch/out"
    "$scratch/x/sbin/install-mbr" -f "$scratch/out"
    ;;
mbr-mbr | mbr-altmbr)
    unpack syslinux-common
    dos_disk 8
    mv "$dos" "$scratch/out"
    cp "$x/syslinux/mbr/${name#mbr-}.bin" "$scratch/code"
    [ "$name" = mbr-mbr ] || printf '\001' >> "$scratch/code" # the partition that altmbr starts
    boot_code "$scratch/code"
    ;;
gpt)
    unpack syslinux syslinux-common
    truncate -s 8M "$scratch/out"
    printf 'label: gpt\nstart=2048, size=12288, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, attrs=LegacyBIOSBootable\n' |
        PATH="$PATH:/sbin:/usr/sbin" sfdisk -q "$scratch/out"
    boot_code "$x/syslinux/mbr/gptmbr.bin"
    mformat -i "$scratch/out@@1M" -T 12288 -h 16 -s 63 -H 2048 ::
    "$scratch/x/usr/bin/syslinux" -i -t 1048576 "$scratch/out"
    ;;
*)
    echo "guests/media.sh: no medium $name" >&2
    exit 2
    ;;
esac
mv "$scratch/out" "$out.new"
mv "$out.new" "$out"
echo "$out"
