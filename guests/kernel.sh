#!/bin/sh
# SPDX-License-Identifier: MIT
# Any stock Debian kernel: guests/kernel.sh META [BUILD], META such as linux-image-amd64 or linux-image-6.12-cloud-amd64.
# Prints the path of the untouched kernel, for `scripts/run --file k=PATH --exec "vm run -kernel k ..."`.
set -eu
cd "$(dirname "$0")/.."
meta="${1:?which kernel? such as linux-image-amd64}"
build="${2:-build}"
mkdir -p "$build/cache" "$build/guests"
cache="$(cd "$build/cache" && pwd)"
out="$(cd "$build/guests" && pwd)/$meta"
. guests/package.sh

package="$(package_of_kernel "$meta")"
if [ ! -s "$out/$package" ]; then
    deb="$(package_fetch "$package")"
    mkdir -p "$out"
    kernel_extract "$deb" "$out/$package.new"
    mv "$out/$package.new" "$out/$package"
fi
echo "$out/$package"
