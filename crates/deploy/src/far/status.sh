# Asks the agent how it is, until it says it is well or has had its time.
turn=0
while :; do
    if systemctl is-active --quiet groma-agent.service && said=$("$binary" status </dev/null 2>&1); then
        tell status "$(printf '%s' "$said" | head -n 1)"
        exit 0
    fi
    turn=$((turn + 1))
    [ "$turn" -lt "$tries" ] || break
    sleep 1
done
fail "it is not well after its start: ${said:-$(systemctl status --no-pager --lines=3 groma-agent.service 2>&1 | tail -n 3)}"
