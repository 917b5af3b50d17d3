#!/usr/bin/env bash
# Links both programs once more with no shared library in them, from the very crates the release build
# compiled: `crt-static` is given to the last crate alone, so nothing is compiled twice (docs/decisions/0005).
# usage: static.sh TARGET-DIRECTORY WHERE-TO-PUT-THEM
set -euo pipefail
target=$1 place=$2
mkdir -p "$place"
flags=(-C target-feature=+crt-static)
# A program at no fixed address puts its own addresses right when it starts. Packed, that list is some KB instead of one MB;
# C libraries before 2.36 cannot read it so.
library=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //' || true)
if [ -n "$library" ] && [ "$(printf '2.36\n%s\n' "$library" | sort -V | head -n 1)" = 2.36 ]; then
    flags+=(-C "link-arg=-Wl,-z,pack-relative-relocs")
fi
for program in groma groma-agent; do
    package=groma-collector
    [ $program = groma ] || package=groma-agent
    cargo rustc --release --locked -p $package --bin $program -- "${flags[@]}"
    cp "$target/release/$program" "$place/$program.new"
    mv "$place/$program.new" "$place/$program"
    if readelf -d "$place/$program" | grep -q '(NEEDED)'; then
        echo "$program still needs a shared library:"
        readelf -d "$place/$program" | grep '(NEEDED)'
        exit 1
    fi
    if readelf -l "$place/$program" | grep -q 'INTERP'; then
        echo "$program still asks for a program loader"
        exit 1
    fi
    "$place/$program" --version
    printf '%s  %s bytes\n' "$place/$program" "$(stat -c %s "$place/$program")"
done
# Leave what `cargo build --release` makes where it makes it.
cargo build --release --locked --bin groma --bin groma-agent
