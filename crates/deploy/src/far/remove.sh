# Takes the agent off this machine: nothing of it stays but what the system wrote about it in its own journal.
if has_systemd; then systemctl disable --now --quiet groma-agent.service 2>/dev/null; fi
rm -f "$binary" "$unit" "$new" "$old" "$unit_old" "$unit.new" "$unit_dir/multi-user.target.wants/groma-agent.service"
rm -f "$unit.d/vantage.conf" "$unit.d/narrow.conf"
if [ -d "$unit.d" ]; then rmdir "$unit.d" 2>/dev/null; fi
rm -rf "$state"
if [ -d "$prefix/etc/groma" ]; then rmdir "$prefix/etc/groma" 2>/dev/null; fi
if has_systemd; then
    systemctl daemon-reload
    systemctl reset-failed groma-agent.service 2>/dev/null
    if systemctl is-active --quiet groma-agent.service; then tell left "a running agent"; fi
fi
for one in "$binary" "$unit" "$unit.d" "$state" "$prefix/etc/groma" "$new" "$old" "$unit_old"; do
    if [ -e "$one" ]; then tell left "$one"; fi
done
if ! is_enrolled; then tell forgotten yes; fi
tell undone yes
