# Puts the program and the unit where they belong; what stood there before stays beside them until all is well.
# A copy appears under its name when it is whole: what is there is what an undo may put back.
aside() {
    cp -p "$1" "$2.part" && mv -f "$2.part" "$2" || { rm -f "$2.part"; fail "cannot keep what was $1 (is the disk full?)"; }
}
if [ "$replace_binary" = yes ]; then
    if [ -e "$binary" ]; then
        rm -f "$old"
        ln "$binary" "$old" 2>/dev/null || aside "$binary" "$old"
    fi
    mv -f "$new" "$binary" || fail "cannot put the program in place"
    if has restorecon; then restorecon "$binary" 2>/dev/null; fi
fi
if [ "$write_unit" = yes ]; then
    make_dirs "$unit_dir" || fail "cannot make $unit_dir"
    if [ -e "$unit" ]; then aside "$unit" "$unit_old"; fi
    rm -f "$unit.new"
    cat > "$unit.new" || { rm -f "$unit.new"; fail "cannot write $unit.new (is the disk full?)"; }
    if [ "$(size_of "$unit.new")" != "$size" ]; then rm -f "$unit.new"; fail "the unit did not arrive whole"; fi
    chmod 644 "$unit.new" && mv -f "$unit.new" "$unit" || { rm -f "$unit.new"; fail "cannot put the unit in place"; }
    if has restorecon; then restorecon "$unit" 2>/dev/null; fi
    systemctl daemon-reload || fail "systemd did not read its units again"
fi
