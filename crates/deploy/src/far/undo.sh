# Takes back exactly what was done here: what was there before is there again, what was not is gone. Says what it could not.
if has_systemd; then
    if [ "$had_enabled" != yes ]; then systemctl disable --quiet groma-agent.service 2>/dev/null; fi
    if [ "$had_active" != yes ]; then systemctl stop groma-agent.service 2>/dev/null; fi
fi
rm -f "$new" "$unit.new"
if [ "$had_binary" = yes ]; then
    if [ -e "$old" ]; then mv -f "$old" "$binary"; fi
else
    rm -f "$binary" "$old"
fi
if [ "$had_unit" = yes ]; then
    if [ -e "$unit_old" ]; then mv -f "$unit_old" "$unit"; fi
else
    rm -f "$unit" "$unit_old"
fi
if [ "$had_enrolled" != yes ]; then
    if [ "$had_state" = yes ]; then rm -f "$state"/identity*; else rm -rf "$state"; fi
fi
if has_systemd; then
    systemctl daemon-reload
    # An agent whose program was not touched yet runs on as it did.
    if [ "$had_active" = yes ] && [ "$touched" = yes ]; then systemctl restart groma-agent.service || tell left "the agent that ran before does not start"; fi
    if [ "$had_active" != yes ] && systemctl is-active --quiet groma-agent.service; then tell left "a running agent"; fi
fi
# The folders that were missing, the innermost first; one that is not empty is somebody else's by now.
printf '%s' "$missing" | while IFS= read -r one; do
    if [ -n "$one" ]; then rmdir "$one" 2>/dev/null; fi
done
for one in "$new" "$old" "$unit_old" "$unit.new"; do
    if [ -e "$one" ]; then tell left "$one"; fi
done
if [ "$had_binary" != yes ] && [ -e "$binary" ]; then tell left "$binary"; fi
if [ "$had_binary" = yes ] && [ "$(sum_of "$binary")" != "$had_binary_sum" ]; then tell left "another program than before in $binary"; fi
if [ "$had_unit" != yes ] && [ -e "$unit" ]; then tell left "$unit"; fi
if [ "$had_unit" = yes ] && [ "$(sum_of "$unit")" != "$had_unit_sum" ]; then tell left "another unit than before in $unit"; fi
if [ "$had_state" != yes ] && [ -e "$state" ]; then tell left "$state"; fi
if ! is_enrolled; then tell forgotten yes; fi
tell undone yes
