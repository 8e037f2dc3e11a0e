#!/bin/sh
# SPDX-License-Identifier: MIT
# A hard disk with an installed Linux, made from Debian packages without root: guests/debian-disk.sh [BUILD]
# MBR and GRUB in the gap behind it, then one ext4 partition: GRUB's modules and menu, Debian's stock kernel (linux-image-amd64)
# with the modules for its disk, an initramfs that mounts the partition, busybox. Prints the image's path, for
# `scripts/run --file disk=PATH --exec "vm run -hda disk -m 256M"`.
set -eu
cd "$(dirname "$0")/.."
build="${1:-build}"
mkdir -p "$build/cache" "$build/guests"
cache="$(cd "$build/cache" && pwd)"
out="$(cd "$build/guests" && pwd)/debian-disk"
grub=/usr/lib/grub/i386-pc
. guests/package.sh

MIB=1048576
SIZE=64 # MiB of the disk; the partition begins at the first
MODULES="ata_piix sd_mod ext4 crc32c_generic"

kernel="$(package_of_kernel linux-image-amd64)"
release="${kernel#linux-image-}"
if [ -s "$out" ] && [ "$out" -nt "$0" ] && [ "$(cat "$out.is" 2>/dev/null)" = "$kernel" ]; then
    echo "$out"
    exit
fi
kernel_deb="$(package_fetch "$kernel")"
busybox_deb="$(package_fetch busybox-static)"

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
umask 022
dpkg -x "$busybox_deb" "$scratch/busybox"
busybox="$scratch/busybox/bin/busybox"

# What both file systems have: busybox, empty mount points.
skeleton() {
    mkdir -p "$1/bin" "$1/dev" "$1/etc" "$1/proc" "$1/sys" "$1/tmp" "$1/root" "$1/mnt"
    ln -s bin "$1/sbin"
    cp "$busybox" "$1/bin/busybox"
    for applet in $("$busybox" --list); do
        [ -e "$1/bin/$applet" ] || ln -s busybox "$1/bin/$applet"
    done
}

root="$scratch/root"
skeleton "$root"
mkdir -p "$root/boot/grub/i386-pc"
kernel_extract "$kernel_deb" "$root/boot/vmlinuz"
dpkg --fsys-tarfile "$kernel_deb" | tar -x -C "$root" --wildcards --no-wildcards-match-slash "./lib/modules/$release/modules.*" \
    ./lib/modules/*/kernel/drivers/ata ./lib/modules/*/kernel/drivers/scsi/*.ko ./lib/modules/*/kernel/drivers/cdrom \
    ./lib/modules/*/kernel/fs/ext4 ./lib/modules/*/kernel/fs/jbd2 ./lib/modules/*/kernel/fs/mbcache.ko \
    ./lib/modules/*/kernel/fs/isofs ./lib/modules/*/kernel/lib ./lib/modules/*/kernel/crypto ./lib/modules/*/kernel/block
"$busybox" depmod -b "$root" "$release"

initramfs="$scratch/initramfs"
skeleton "$initramfs"
for module in $MODULES; do
    "$busybox" awk -v want="/$module.ko:" 'index("/" $0, want) { for (i = NF; i > 1; i--) print $i; print substr($1, 1, length($1) - 1) }' \
        "$root/lib/modules/$release/modules.dep"
done | "$busybox" awk '!seen[$0]++' > "$scratch/order"
(cd "$root/lib/modules/$release" && tar -c -T "$scratch/order") | (mkdir -p "$initramfs/modules" && tar -x -C "$initramfs/modules")
cp "$scratch/order" "$initramfs/modules/order"
install -m 755 guests/debian-disk-init "$initramfs/init"
find "$initramfs" -exec touch -h -d @0 {} +
(cd "$initramfs" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -9n > "$root/boot/initrd.gz"

cat > "$root/etc/inittab" <<EOF
::sysinit:/etc/rcS
tty1::respawn:-/bin/sh
ttyS0::respawn:-/bin/sh
::ctrlaltdel:/sbin/reboot
EOF
cat > "$root/etc/rcS" <<EOF
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
hostname debian
mount -o remount,rw /
echo "root: \$(grep ' / ' /proc/mounts)"
EOF
chmod 755 "$root/etc/rcS"
# Something to read whose sum is known, larger than what one DMA transfer carries.
"$busybox" seq 1 500000 > "$root/boot/numbers"

cp "$grub"/*.mod "$grub"/*.lst "$root/boot/grub/i386-pc/"
cat > "$root/boot/grub/grub.cfg" <<EOF
set timeout=3
menuentry "Debian, on the serial console" {
    linux /boot/vmlinuz root=/dev/sda1 console=tty0 console=ttyS0,115200
    initrd /boot/initrd.gz
}
menuentry "Debian, on the screen" {
    linux /boot/vmlinuz root=/dev/sda1 console=tty0
    initrd /boot/initrd.gz
}
menuentry "Power off" {
    halt
}
EOF

# The disk: the partition's file system is made from the folder, MBR and GRUB's core are written in front of it.
"$busybox" truncate -s "${SIZE}M" "$scratch/disk" 2>/dev/null || truncate -s "${SIZE}M" "$scratch/disk"
find "$root" -exec touch -h -d @0 {} +
mke2fs -q -t ext4 -E "offset=$MIB,root_owner=0:0,nodiscard" -O ^metadata_csum_seed,^orphan_file -L mica -d "$root" \
    "$scratch/disk" "$(((SIZE - 1) * 1024))k"
grub-mkimage -O i386-pc -d "$grub" -p '(hd0,msdos1)/boot/grub' -o "$scratch/core" biosdisk part_msdos ext2
[ "$(wc -c < "$scratch/core")" -lt $((MIB - 512)) ]
dd if="$grub/boot.img" of="$scratch/disk" bs=440 count=1 conv=notrunc status=none
dd if="$scratch/core" of="$scratch/disk" bs=512 seek=1 conv=notrunc status=none
# One entry: active, Linux (83h), from sector 2048 to the end; CHS values that say "use LBA".
sectors=$((SIZE * 2048 - 2048))
printf '\200\376\377\377\203\376\377\377\000\010\000\000' | dd of="$scratch/disk" bs=1 seek=446 conv=notrunc status=none
printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $((sectors & 255)) $((sectors >> 8 & 255)) $((sectors >> 16 & 255)) $((sectors >> 24)))" |
    dd of="$scratch/disk" bs=1 seek=458 conv=notrunc status=none
printf '\125\252' | dd of="$scratch/disk" bs=1 seek=510 conv=notrunc status=none

mv "$scratch/disk" "$out.new"
mv "$out.new" "$out"
echo "$kernel" > "$out.is"
echo "$out"
