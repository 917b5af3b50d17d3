#!/usr/bin/env bash
# The programs for other machines: the agent for Windows, tried under Wine; static for aarch64, and for x86-64 with a C library from 2.17 on (CentOS 7), for whoever needs
# its name services. Compiles everything anew, ten minutes each on two cores. usage: cross.sh WORK-DIRECTORY [windows|aarch64|glibc]…
# Leaves WORK-DIRECTORY/windows/groma-agent.exe, WORK-DIRECTORY/aarch64/{groma,groma-agent} and WORK-DIRECTORY/glibc-2.17/….
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "$1"
work=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- windows aarch64 glibc
lacking=0
without() { echo "skipped: $*"; lacking=1; }
keep() {    # usage: keep FROM-DIRECTORY NAME
    mkdir -p "$work/$2"
    for program in groma groma-agent; do install -m 755 "$1/$program" "$work/$2/$program"; done
}

# Debian's compiler, with a standard library for Windows that is made from the sources Debian ships, and mingw's linker. A toolchain that
# has the target by itself (`rustup target add`) is used as it is. GROMA_CROSS_PROFILE: another profile than that of packages.
windows() {
    local target=x86_64-pc-windows-gnu profile=${GROMA_CROSS_PROFILE:-dist} flags='' own made tried=0
    bash tests/stages/packages.sh gcc-mingw-w64-x86-64 || { without "no linker for Windows (gcc-mingw-w64-x86-64)"; return 0; }
    own=$(rustc --print sysroot)/lib/rustlib/$target
    if [ ! -d "$own" ]; then
        bash tests/stages/packages.sh rustc-web cargo-web rust-web-src || { without "no compiler whose standard library for Windows can be made"; return 0; }
        export PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc
        windows_library "$target"
        flags="--sysroot $work/windows-root"
    fi
    CARGO_TARGET_DIR=$work/t-windows CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc \
        CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS=$flags \
        cargo build --profile "$profile" --locked --target "$target" --bin groma-agent
    made=$work/t-windows/$target/${profile/#dev/debug}/groma-agent.exe
    mkdir -p "$work/windows"
    install -m 755 "$made" "$work/windows/groma-agent.exe"
    echo "groma-agent.exe: $(stat -c %s "$made") bytes"
    bash tests/stages/wine.sh "$made" "$work/wine" || tried=$?
    [ $tried = 0 ] || [ $tried = 77 ] || return 1
    tried=0
    bash tests/stages/msi.sh "$made" "$work/msi" || tried=$?
    [ $tried = 0 ] || [ $tried = 77 ]
}

# Once: the library is the compiler's, and its sources say which.
windows_library() {
    [ ! -d "$work/windows-root/lib/rustlib/$1" ] || return 0
    rm -rf "$work/windows-library"
    cp -a /usr/src/rustc-*/library "$work/windows-library"
    (cd "$work/windows-library/sysroot" && RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=stablestd CARGO_TARGET_DIR=$work/t-library \
        RUSTFLAGS='-Zforce-unstable-if-unmarked -Cembed-bitcode=yes' cargo build --release --target "$1" --features panic-unwind)
    mkdir -p "$work/windows-root/lib/rustlib/$1/lib"
    cp "$work/t-library/$1/release/deps/"*.rlib "$work/windows-root/lib/rustlib/$1/lib/"
}

# Debian's compiler with Debian's standard library for arm64, unpacked beside the system: no foreign architecture is switched on.
# A toolchain that has the target by itself (`rustup target add`) is used as it is.
aarch64() {
    local target=aarch64-unknown-linux-gnu flags='-C target-feature=+crt-static' own
    bash tests/stages/packages.sh gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user || { without "no cross compiler for aarch64"; return 0; }
    own=$(rustc --print sysroot)/lib/rustlib/$target
    if [ ! -d "$own" ]; then
        bash tests/stages/packages.sh rustc-web cargo-web || { without "no compiler whose standard library for arm64 can be had"; return 0; }
        arm64_library "$target" || { without "no standard library for arm64"; return 0; }
        flags="$flags --sysroot $work/sysroot"
        # The other compiler's: what one version made another does not read.
        export PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc
    fi
    CARGO_TARGET_DIR=$work/t-aarch64 CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS=$flags \
        CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar \
        cargo build --release --locked --target "$target" --bin groma --bin groma-agent
    keep "$work/t-aarch64/$target/release" aarch64
    for program in groma groma-agent; do
        ! readelf -d "$work/aarch64/$program" | grep '(NEEDED)' || { echo "$program needs a shared library"; return 1; }
        qemu-aarch64 "$work/aarch64/$program" --version
    done
}

arm64_library() {
    local apt=$work/apt version
    version=$(dpkg-query -W -f '${Version}' rustc-web)
    mkdir -p "$apt"/{lists,archives}/partial "$work/sysroot/lib/rustlib"
    local options=(-qq -o APT::Architectures::=arm64 -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt")
    apt-get "${options[@]}" update
    (cd "$apt" && apt-get "${options[@]}" download "libstd-rust-web-dev:arm64=$version")
    dpkg -x "$apt"/libstd-rust-web-dev_*_arm64.deb "$apt/unpacked"
    ln -sfn "$apt/unpacked/usr/lib/rustlib/$1" "$work/sysroot/lib/rustlib/$1"
}

# zig's C compiler links against the oldest C library asked for; it comes from Python's package index, into an environment of its own.
glibc() {
    local zig=$work/zig target=x86_64-unknown-linux-gnu highest
    if [ ! -x "$zig/bin/cargo-zigbuild" ]; then
        python3 -m venv "$zig" && "$zig/bin/pip" install -q ziglang cargo-zigbuild || { without "no zig to link against an old C library"; return 0; }
    fi
    CARGO_TARGET_DIR=$work/t-glibc CARGO_ZIGBUILD_ZIG_PATH=$zig/bin/python-zig PATH=$zig/bin:$PATH \
        cargo-zigbuild zigbuild --release --locked --target "$target.2.17" --bin groma --bin groma-agent
    keep "$work/t-glibc/$target/release" glibc-2.17
    for program in groma groma-agent; do
        highest=$(readelf -V "$work/glibc-2.17/$program" | grep -o 'GLIBC_2\.[0-9.]*' | sort -uV | tail -n 1)
        [ "$(printf '%s\nGLIBC_2.17\n' "$highest" | sort -V | tail -n 1)" = GLIBC_2.17 ] || { echo "$program asks for $highest"; return 1; }
        "$work/glibc-2.17/$program" --version
    done
}

for part in "$@"; do
    case $part in
        windows | aarch64 | glibc) ("$part") || exit 1 ;;
        *) echo "cross.sh: unknown part $part (windows, aarch64, glibc)" >&2; exit 2 ;;
    esac
done
# A part runs in a shell of its own, so what is lacking is told by what is there.
for made in "${@/#glibc/glibc-2.17}"; do
    [ -x "$work/$made/groma-agent" ] || [ -x "$work/$made/groma-agent.exe" ] || lacking=1
done
[ $lacking = 0 ] || exit 77
