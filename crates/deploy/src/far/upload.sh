# Takes the program from standard input, under another name, and believes it only when it is what was sent.
make_dirs "$bin_dir" || fail "cannot make $bin_dir"
rm -f "$new"
set -C
cat > "$new" || { rm -f "$new"; fail "cannot write $new (is the disk full?)"; }
set +C
if [ "$(size_of "$new")" != "$size" ]; then
    got=$(size_of "$new")
    rm -f "$new"
    fail "only $got of $size bytes arrived"
fi
got=$(sum_of "$new")
if [ -n "$got" ] && [ "$got" != "$sum" ]; then
    rm -f "$new"
    fail "what arrived has another SHA-256 than what was sent"
fi
[ -n "$got" ] || tell unsummed yes
chmod 755 "$new" || { rm -f "$new"; fail "cannot make $new a program"; }
said=$("$new" --version </dev/null 2>&1 | head -n 1)
case $said in
    groma-agent\ *) tell version "$said" ;;
    *) rm -f "$new"; fail "the program does not run here: $said" ;;
esac
