#!/usr/bin/env bash
# Installs the peers, by name, with ordinary clients. What is a server does not start (tests/stages/packages.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
GB=${GB:-/tmp/groma-bench}
mkdir -p "$GB/log"
bash "$here/../stages/packages.sh" nmap ndiff masscan zmap sslscan fusioninventory-agent ocsinventory-agent arp-scan ripgrep nftables \
    iproute2 nginx-light lsof strace ldap-utils zstd sqlite3 postgresql libssl-dev time python3-venv
python3 -m venv "$GB/venv"
"$GB/venv/bin/pip" install -q sslyze detect-secrets orjson
cargo install rustscan --locked --root "$GB/cargo"
cargo install bandwhich --locked --root "$GB/cargo"
