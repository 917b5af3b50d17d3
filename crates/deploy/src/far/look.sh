# Says what this machine is and what is installed; changes nothing.
tell system "$(uname -s)"
tell machine "$(uname -m)"
tell account "$(id -u)"
if has_systemd; then tell init systemd; else tell init other; fi
# A package's program is the package's to upgrade.
if [ -e "$prefix/usr/bin/groma-agent" ]; then tell packaged yes; fi
if [ -e "$binary" ]; then
    tell installed yes
    tell binary_size "$(size_of "$binary")"
    tell binary_sum "$(sum_of "$binary")"
    tell version "$("$binary" --version 2>/dev/null </dev/null | head -n 1)"
fi
if [ -e "$unit" ]; then
    tell unit_sum "$(sum_of "$unit")"
    tell unit_size "$(size_of "$unit")"
fi
if [ -e "$state" ]; then tell state yes; fi
if is_enrolled; then
    tell enrolled yes
    if [ "$claims" = yes ]; then tell_claim; fi
fi
for one in "$new" "$old" "$unit_old"; do
    if [ -e "$one" ]; then tell remains "$one"; fi
done
if has_systemd; then
    if systemctl is-active --quiet groma-agent.service; then tell active yes; fi
    if systemctl is-enabled --quiet groma-agent.service 2>/dev/null; then tell enabled yes; fi
fi
# Where there is a folder yet on the way to each place: may it be written, and how much is free. What is missing, the
# innermost first, is what an undo takes away again.
for place in "$bin_dir" "$unit_dir" "$state"; do
    while [ ! -d "$place" ] && [ -n "$place" ]; do
        tell missing "$place"
        place=${place%/*}
    done
    [ -w "${place:-/}" ] || tell closed "${place:-/}"
done
place=$bin_dir
while [ ! -d "$place" ] && [ -n "$place" ]; do place=${place%/*}; done
tell free "$(df -Pk "${place:-/}" 2>/dev/null | tail -n 1)"
