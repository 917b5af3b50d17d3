# The token comes on standard input and goes to the agent's, through a pipe: no file, no argument, no environment holds it.
cat | "$binary" enroll --collector "$url" --token-file /dev/stdin || fail "the agent did not enroll"
is_enrolled || fail "the agent said it enrolled, and left no identity in $state"
