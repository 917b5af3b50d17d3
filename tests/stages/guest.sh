#!/usr/bin/env bash
# Fetches what a virtual machine of the end-to-end tests is started from: Debian's cloud kernel, the modules its network card
# needs, and a busybox without shared libraries. Packages are unpacked and never installed: no boot entry, no initramfs and no
# other busybox comes onto this machine. usage: guest.sh FOLDER
set -euo pipefail
folder=$1
# Whoever needs which of them first: the order they are loaded in stands in tests/e2e/hypervisors/initramfs.rs.
modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_net)

if [ -e "$folder/busybox" ]; then
    echo "$folder is there"
    exit 0
fi
if [ "$(dpkg --print-architecture 2>/dev/null || true)" != amd64 ]; then
    echo "skipped: the kernel for a virtual machine is taken from Debian's packages for amd64, and this is another system"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The package without a number names the one of today.
kernel=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1 || true)
fetch() { (cd "$work" && apt-get -qq -o Acquire::Retries=3 download "$kernel" busybox-static) >"$work/log" 2>&1; }
if [ -z "$kernel" ] || ! fetch; then
    [ ! -s "$work/log" ] || tail -n 5 "$work/log"
    echo "skipped: Debian's cloud kernel or busybox-static could not be fetched; the tests that need them will say so"
    exit 77
fi
for package in "$work"/*.deb; do
    dpkg -x "$package" "$work/unpacked"
done
mkdir -p "$folder/modules"
for module in "${modules[@]}"; do
    found=$(find "$work/unpacked" -name "$module.ko*" | head -n 1)
    case $found in
        *.ko) cp "$found" "$folder/modules/" ;;
        *.ko.xz) xz -dc "$found" >"$folder/modules/$module.ko" ;;
        # Built into the kernel, then.
        '') : >"$folder/modules/$module.ko" ;;
        *) echo "skipped: $found is packed in a way that is not known here"; exit 77 ;;
    esac
done
cp "$work"/unpacked/boot/vmlinuz-* "$folder/vmlinuz"
# Last, because its being there says that all of it is.
cp "$(find "$work/unpacked" -path '*bin/busybox' | head -n 1)" "$folder/busybox.new"
mv "$folder/busybox.new" "$folder/busybox"
echo "$kernel is in $folder"
