#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the FreeDOS guest: guests/freedos.sh [BUILD] puts a hard disk into BUILD/guests/freedos.
#   FREEDOS_IMG=path      a bootable FreeDOS floppy or hard disk of yours; else
#   BUILD/cache/freedos.img, one that was downloaded before; else it is downloaded.
#   DOS_PROGRAMS=folder   files that are put onto the disk, too: EDIT, MEM, a memory manager, ... (they must fit).
# A hard disk is taken as it is. Of a floppy a hard disk is made: FAT16, with the floppy's KERNEL.SYS and COMMAND.COM, its
# other files as far as there is room, and boot sectors of our own (guests/dos).
set -eu
cd "$(dirname "$0")/.."
build="${1:-build}"
mkdir -p "$build/cache" "$build/guests"
cache="$build/cache/freedos.img"
out="$build/guests/freedos"

url=https://github.com/copy/images/raw/db92d8f/freedos722.img
sha256=6c7b3c62823d538e20797fecae6dc55d2572455791a573a7de2cdba0b583f6be
cylinders="${CYLINDERS:-8}" # of 16 heads and 63 sectors: 3.9 MiB; at most 64
start=63    # of the partition, in sectors

fail() {
    echo "guests/freedos.sh: $1; \`vm start freedos\` needs FREEDOS_IMG=path of a FreeDOS floppy or disk for \`make guests\`" >&2
    exit 1
}

# Prints the path of the image to use.
find_image() {
    if [ -n "${FREEDOS_IMG:-}" ]; then
        [ -s "$FREEDOS_IMG" ] || fail "FREEDOS_IMG=$FREEDOS_IMG is not there"
        echo "$FREEDOS_IMG"
        return
    fi
    if [ ! -s "$cache" ]; then
        echo "  GET   ${url##*/}" >&2
        python3 -c 'import sys, urllib.request; open(sys.argv[2], "wb").write(urllib.request.urlopen(sys.argv[1], timeout=20).read())' \
            "$url" "$cache.new" 2>/dev/null || { rm -f "$cache.new"; fail "cannot download $url"; }
        [ "$(sha256sum < "$cache.new")" = "$sha256  -" ] || { rm -f "$cache.new"; fail "$url is not what it was (sha256)"; }
        mv "$cache.new" "$cache"
    fi
    echo "$cache"
}

# A disk has a table of partitions with an entry in use; a floppy has the size of one.
is_floppy() {
    case "$(wc -c < "$1")" in
    163840 | 184320 | 327680 | 368640 | 737280 | 1228800 | 1474560 | 1720320 | 1763328 | 2949120) true ;;
    *) false ;;
    esac
}

export MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null

# disk_from_floppy FLOPPY DISK
disk_from_floppy() {
    nasm -f bin -DCYLINDERS="$cylinders" -o "$scratch/mbr" guests/dos/mbr.asm
    nasm -f bin -o "$scratch/boot" guests/dos/fat16.asm
    mkdir "$scratch/files"
    mcopy -s -n -i "$1" ::* "$scratch/files/" 2>/dev/null || true
    for name in KERNEL.SYS COMMAND.COM; do
        mcopy -o -i "$1" "::$name" "$scratch/$name" 2>/dev/null || fail "$image has no $name"
    done
    sectors=$((cylinders * 16 * 63))
    cp "$scratch/mbr" "$2"
    truncate -s $((sectors * 512)) "$2"
    disk="$2@@$((start * 512))"
    mformat -i "$disk" -h 16 -s 63 -T $((sectors - start)) -H "$start" -c 1 -N 4d494341 -v FREEDOS -B "$scratch/boot" ::
    mcopy -i "$disk" "$scratch/KERNEL.SYS" "$scratch/COMMAND.COM" ::
    printf 'LASTDRIVE=Z\r\nFILES=30\r\nBUFFERS=20\r\nDOS=HIGH\r\nSHELL=C:\\COMMAND.COM C:\\ /E:512 /P\r\n' > "$scratch/CONFIG.SYS"
    printf '@ECHO OFF\r\nPROMPT $P$G\r\nPATH C:\\\r\n' > "$scratch/AUTOEXEC.BAT"
    mcopy -i "$disk" "$scratch/CONFIG.SYS" "$scratch/AUTOEXEC.BAT" ::
    for path in "$scratch"/files/*; do
        [ -e "$path" ] || continue
        mcopy -s -D s -i "$disk" "$path" :: < /dev/null 2>/dev/null || true # what is there already stays
    done
    if [ -n "${DOS_PROGRAMS:-}" ]; then
        [ -d "$DOS_PROGRAMS" ] || fail "DOS_PROGRAMS=$DOS_PROGRAMS is no folder"
        mcopy -s -o -i "$disk" "$DOS_PROGRAMS"/* :: || fail "the files of $DOS_PROGRAMS do not fit"
    fi
}

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
image="$(find_image)"
if is_floppy "$image"; then
    cp "$image" "$scratch/floppy"
    disk_from_floppy "$scratch/floppy" "$scratch/disk"
    made=", a disk made of a floppy"
else
    [ -z "${DOS_PROGRAMS:-}" ] || echo "guests/freedos.sh: $image is a disk and stays as it is: DOS_PROGRAMS is not used" >&2
    [ "$(tail -c +511 "$image" | head -c 2 | od -An -tx1)" = " 55 aa" ] || fail "$image is no bootable disk"
    cp "$image" "$scratch/disk"
fi
mv "$scratch/disk" "$out"
echo "  GUEST FreeDOS of $image${made:-}, $(wc -c < "$out") bytes"
