#!/usr/bin/env bash
# Makes the packages of one program from a binary that is there already: PROGRAM_VERSION_ARCH.deb and .rpm, the same bytes
# each time. usage: build.sh PROGRAM BINARY OUT-DIRECTORY [SPEAKER]
# PROGRAM is groma-agent or groma. SPEAKER is the same program for this machine, where BINARY is for another architecture:
# manual page and completions are what the program itself prints.
set -euo pipefail
program=$1 binary=$(realpath "$2") out=$3 speaker=$(realpath "${4:-$2}")
cd "$(dirname "$0")/../.."
case $program in
    groma-agent) place=agent/packaging summary="looks at this machine for groma and changes nothing" ;;
    groma) place=collector/packaging summary="tells what breaks when the old server is switched off" ;;
    *) echo "build.sh: $program is no program of ours (groma-agent, groma)" >&2; exit 2 ;;
esac
mkdir -p "$out"
out=$(realpath "$out")
export LC_ALL=C TZ=UTC
umask 022
# Without a date from outside: that of the last commit, and where there is no history a fixed one.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}
export SOURCE_DATE_EPOCH
level=${GROMA_PACK_LEVEL:-6}         # of xz; tests take 0 and save a minute
version=$("$speaker" --version | awk '{ print $2 }')
# The machine of an ELF file stands in bytes 18 and 19 (gABI): 0x3e is x86-64, 0xb7 is AArch64.
case $(od -An -tx1 -j18 -N1 "$binary" | tr -d ' ') in
    3e) deb_arch=amd64 rpm_arch=x86_64 ;;
    b7) deb_arch=arm64 rpm_arch=aarch64 ;;
    *) echo "build.sh: $binary is for no architecture we make packages for" >&2; exit 3 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Everything a package brings, by its place on the machine. usage: tree ROOT ZSH-FOLDER
tree() {
    local root=$1 zsh=$2
    local share=$root/usr/share
    install -D -m 755 "$binary" "$root/usr/bin/$program"
    install -D -m 644 -t "$root/usr/lib/systemd/system" "$place/systemd/$program.service"
    install -d "$share/man/man1"
    "$speaker" man | gzip -9n > "$share/man/man1/$program.1.gz"
    install -d "$share/bash-completion/completions" "$share/$zsh" "$share/fish/vendor_completions.d"
    "$speaker" completions bash > "$share/bash-completion/completions/$program"
    "$speaker" completions zsh > "$share/$zsh/_$program"
    "$speaker" completions fish > "$share/fish/vendor_completions.d/$program.fish"
    [ ! -d "$place/etc" ] || install -D -m 644 -t "$root/etc/groma" "$place"/etc/*
    [ ! -d "$place/sysusers" ] || install -D -m 644 -t "$root/usr/lib/sysusers.d" "$place"/sysusers/*
    [ ! -d "$place/systemd/examples" ] || install -D -m 644 -t "$share/doc/$program/examples" "$place"/systemd/examples/*
}

stamp() { find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; }

deb() {
    local root=$work/deb script
    tree "$root" zsh/vendor-completions
    {
        echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
        printf '\nFiles: *\nCopyright: the groma authors\nLicense: Apache-2.0\n On Debian systems the licence stands in /usr/share/common-licenses/Apache-2.0.\n'
    } > "$work/copyright"
    install -D -m 644 "$work/copyright" "$root/usr/share/doc/$program/copyright"
    install -d "$root/DEBIAN"
    cat > "$root/DEBIAN/control" <<CONTROL
Package: $program
Version: $version
Architecture: $deb_arch
Maintainer: the groma authors <groma@localhost>
Installed-Size: $(du -sk --apparent-size "$root" | cut -f 1)
Section: admin
Priority: optional
Description: $summary
 One static file that needs no library. It starts nothing by itself when it
 is installed, and leaves nothing behind when it is purged.
CONTROL
    (cd "$root" && find etc -type f 2>/dev/null | sort | sed 's#^#/#') > "$root/DEBIAN/conffiles" || true
    [ -s "$root/DEBIAN/conffiles" ] || rm "$root/DEBIAN/conffiles"
    (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
    for script in postinst prerm postrm; do install -m 755 "$place/deb/$script" "$root/DEBIAN/$script"; done
    chmod -R go-w "$root"
    stamp "$root"
    dpkg-deb --root-owner-group --uniform-compression -Zxz -z"$level" --threads-max=1 --build "$root" "$out/${program}_${version}_$deb_arch.deb" >/dev/null
}

rpm() {
    local root=$work/rpm
    tree "$root" zsh/site-functions
    install -D -m 644 LICENSE "$root/usr/share/licenses/$program/LICENSE"
    chmod -R go-w "$root"
    stamp "$root"
    {
        printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: %s\nLicense: Apache-2.0\nAutoReqProv: no\n' "$program" "$version" "$summary"
        [ "$program" = groma-agent ] || echo "Requires(pre): shadow-utils"
        printf '\n%%description\nOne static file that needs no library. It starts nothing by itself when it is installed.\n\n'
        cat "$place/rpm/scripts"
        printf '\n%%files\n'
        (cd "$root" && find . -type f | sort | sed 's#^\.##') | while read -r file; do
            case $file in
                /etc/*) echo "%attr(0644,root,root) %config(noreplace) $file" ;;
                /usr/bin/*) echo "%attr(0755,root,root) $file" ;;
                /usr/share/licenses/*) echo "%license %attr(0644,root,root) $file" ;;
                /usr/share/doc/* | /usr/share/man/*) echo "%doc %attr(0644,root,root) $file" ;;
                *) echo "%attr(0644,root,root) $file" ;;
            esac
        done
        [ ! -d "$root/etc/groma" ] || echo "%dir %attr(0755,root,root) /etc/groma"
        echo "%dir /usr/share/licenses/$program"
        [ ! -d "$root/usr/share/doc/$program" ] || printf '%%dir /usr/share/doc/%s\n%%dir /usr/share/doc/%s/examples\n' "$program" "$program"
    } > "$work/$program.spec"
    # The payload is what RHEL 7 can read; nothing of the machine that builds is written into it.
    rpmbuild -bb --quiet --target "$rpm_arch-linux" --buildroot "$work/rpm" \
        --define "_topdir $work/rpmbuild" --define "_rpmdir $out" --define "_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm" \
        --define "_buildhost localhost" --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
        --define "__os_install_post %{nil}" --define "__spec_install_pre %{nil}" --define "debug_package %{nil}" --define "_build_id_links none" \
        --define "_binary_payload w$level.xzdio" --define "_source_filedigest_algorithm 8" --define "_binary_filedigest_algorithm 8" \
        --define "__check_files %{nil}" "$work/$program.spec" >"$work/rpm.log" 2>&1 || { cat "$work/rpm.log" >&2; return 1; }
}

deb
if command -v rpmbuild >/dev/null; then rpm; else echo "build.sh: no rpmbuild here, so no .rpm of $program"; fi
(cd "$out" && ls -1 "${program}"[_-]"$version"*)
