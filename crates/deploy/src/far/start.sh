# Starts the agent, or lets a running one go on as what is installed now.
systemctl enable --quiet groma-agent.service || fail "systemd did not enable the unit"
systemctl restart groma-agent.service || fail "systemd did not start the unit: $(systemctl status --no-pager --lines=3 groma-agent.service 2>&1 | tail -n 3)"
