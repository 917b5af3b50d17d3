#!/usr/bin/env bash
# Makes groma-agent_VERSION_x64.msi from a groma-agent.exe that is there already. usage: build-msi.sh EXE OUT-DIRECTORY
# Needs wixl (msitools). VERSION is that of Cargo.toml; the same program and version give the same product code.
set -euo pipefail
program=$(realpath "$1") out=$2
here=$(realpath "$(dirname "$0")")
mkdir -p "$out"
out=$(realpath "$out")
command -v wixl >/dev/null || { echo "build-msi.sh: no wixl (Debian: apt install wixl)" >&2; exit 3; }
[ "$(head -c 2 "$program")" = MZ ] || { echo "build-msi.sh: $program is no program of Windows" >&2; exit 3; }
version=$(sed -n 's/^version = "\([0-9][0-9.]*\)"$/\1/p' "$here/../../../Cargo.toml" | head -n 1)
[ -n "$version" ] || { echo "build-msi.sh: no version in Cargo.toml" >&2; exit 3; }
# One code for one program: an upgrade to other bytes of the same version replaces too.
hash=$({ echo "groma-agent $version"; sha256sum < "$program"; } | sha256sum | tr 'a-f' 'A-F')
code=${hash:0:8}-${hash:8:4}-5${hash:13:3}-8${hash:17:3}-${hash:20:12}
name=groma-agent_${version}_x64.msi
# wixl finds files beside its source alone.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/groma-agent.wxs" "$work"
cp "$program" "$work/groma-agent.exe"
(cd "$work" && wixl --arch x64 -D "Version=$version" -D "ProductCode=$code" -o "$work/$name" groma-agent.wxs)
# What wixl leaves out: a name that is longer than 8.3 has a short one before it ("Filename" of the Windows Installer), and other
# bytes of the same version replace as well (the attributes 0x1 migrate features and 0x200 maximum inclusive of "Upgrade Table").
upgrade=$(msiinfo export "$work/$name" Upgrade | sed -n 's/^\({[0-9A-F-]*}\).*WIX_UPGRADE_DETECTED.*/\1/p')
msibuild "$work/$name" -q "UPDATE \`File\` SET \`FileName\`='GROMAAGT.EXE|groma-agent.exe'"
msibuild "$work/$name" -q "DELETE FROM \`Upgrade\` WHERE \`ActionProperty\`='WIX_UPGRADE_DETECTED'"
msibuild "$work/$name" -q "INSERT INTO \`Upgrade\` (\`UpgradeCode\`, \`VersionMin\`, \`VersionMax\`, \`Attributes\`, \`ActionProperty\`) VALUES ('$upgrade', '0.0.0', '$version', 513, 'WIX_UPGRADE_DETECTED')"
mv "$work/$name" "$out/$name"
(cd "$out" && sha256sum "$name" > "$name.sha256")
echo "$out/$name"
