# SPDX-License-Identifier: MIT
# What the recipes share: Debian packages, downloaded into $cache and kept there. To be sourced, with $cache set.
# One recipe works at a time: tests that run side by side may want the same files.
exec 9> "$cache/lock"
flock 9

# The file of a package's version that apt's lists name, if they name one; and its download into the cache
package_file() {
    (cd "$cache" && apt-get download --print-uris "$1" 2>/dev/null || true) | sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p"
}
package_get() {
    echo "  GET   $2" >&2
    (cd "$cache" && apt-get download -qq -o Acquire::Retries=3 "$1" 2>/dev/null) && [ -f "$cache/$2" ]
}

# package_fetch NAME: prints the path of the package's newest .deb, downloading it unless it is cached
package_fetch() {
    file="$(package_file "$1")"
    if [ -n "$file" ] && [ ! -f "$cache/$file" ] && ! package_get "$1" "$file"; then
        apt-get update -qq >/dev/null 2>&1 || true # the archive may have gone on to another version
        file="$(package_file "$1")"
        [ -f "$cache/$file" ] || package_get "$1" "$file" || true
    fi
    if [ -z "$file" ] || [ ! -f "$cache/$file" ]; then
        # Sorted by version, the newest last.
        file="$(cd "$cache" && find . -name "${1}_*.deb" | sort -V | tail -n 1)"
    fi
    if [ -z "$file" ]; then
        echo "guests/package.sh: cannot get the Debian package $1; try: apt-get update" >&2
        exit 1
    fi
    echo "$cache/$file"
}

# package_of_kernel META: the package that holds the newest kernel of a meta-package such as linux-image-amd64
package_of_kernel() {
    name="$(apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)"
    if [ -z "$name" ]; then # without the archive's lists: the newest that was downloaded before
        version="$(echo "$1" | sed -n 's/^linux-image-\([0-9.]*\)-.*/\1[^-]*/p')"
        flavour="$(echo "$1" | sed 's/^linux-image-//; s/^[0-9.]*-//')"
        name="$(find "$cache" -regex ".*/linux-image-${version:-[0-9.]*-[0-9]*}-${flavour}_.*[.]deb" | sort -V | tail -n 1 |
            sed 's|.*/||; s/_.*//')"
    fi
    if [ -z "$name" ]; then
        echo "guests/package.sh: the archive's lists have no $1; try: apt-get update" >&2
        exit 1
    fi
    echo "$name"
}

# kernel_extract DEB FILE: only the kernel; its modules are large and a plain PC needs none of them
kernel_extract() {
    dpkg --fsys-tarfile "$1" | tar -x -O --wildcards './boot/vmlinuz-*' > "$2"
}
