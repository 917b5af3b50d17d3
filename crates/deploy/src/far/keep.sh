# All is well: what stood here before is let go.
rm -f "$old" "$unit_old" "$new" || fail "cannot remove what was kept of the former installation"
