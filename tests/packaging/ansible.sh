#!/usr/bin/env bash
# The Ansible role, run for real against a copy of this machine under systemd: present, present again (nothing changes), another
# program, a wrong sum, absent (nothing is left). usage: ansible.sh FOLDER-WITH-PACKAGES
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/packaging/room.sh
. "$here/room.sh"
play=$(command -v ansible-playbook) || { echo "skipped: no ansible-playbook; the role was not run"; exit 77; }
room_enter "$@"
packages=$(realpath "$1")
roles=$(realpath "$here/../../agent/packaging/ansible")
room_open
room_boot || { status=$?; exit $status; }
cp -rL "$roles" "$room/run/roles"
cp "$packages"/groma-agent_*.deb "$room/run/"

# An agent as the role sees it: it enrolls with one token only, and runs.
cat > "$room/run/agent" <<'AGENT'
#!/bin/sh
case $1 in
    --version) echo "groma-agent 1" ;;
    enroll) [ "$(cat "$5")" = good-token ] && mkdir -p -m 700 /var/lib/groma-agent && echo "$3" > /var/lib/groma-agent/identity.json ;;
    run) exec sleep 1000 ;;
esac
AGENT
printf -- '- hosts: all\n  gather_facts: true\n  roles: [groma_agent]\n' > "$room/run/play.yml"
# A script needs its shell, which the unit does not let the real agent start.
mkdir -p "$room/etc/systemd/system/groma-agent.service.d"
printf '[Service]\nNoExecPaths=\nMemoryDenyWriteExecute=no\n' > "$room/etc/systemd/system/groma-agent.service.d/test.conf"

role() {
    local word options=
    for word in "$@"; do options="$options -e $word"; done
    room_in "PATH=$(dirname "$play"):\$PATH ANSIBLE_ROLES_PATH=/run/roles ANSIBLE_LOCAL_TEMP=/run/ansible ANSIBLE_REMOTE_TEMP=/run/ansible ANSIBLE_NOCOLOR=1 \
        ansible-playbook -v -i localhost, -c local -e ansible_python_interpreter=/usr/bin/python3 -e groma_agent_collector=https://groma.test \
        -e groma_agent_token=good-token $options /run/play.yml" > "$room/run/play.log" 2>&1
}
sum=$(sha256sum < "$room/run/agent" | cut -c 1-64)
ran() { grep -q "changed=$1 .*failed=0" "$room/run/play.log" || { cat "$room/run/play.log"; exit 1; }; }

if role groma_agent_binary=/run/agent groma_agent_sha256="${sum/[0-9]/x}"; then echo "a sum that is none was taken"; exit 1; fi
if role groma_agent_binary=/run/agent groma_agent_sha256="$(echo | sha256sum | cut -c 1-64)"; then echo "a wrong sum was believed"; exit 1; fi
test ! -e "$room/usr/local/bin/groma-agent"
role groma_agent_binary=/run/agent groma_agent_sha256="$sum" || { cat "$room/run/play.log"; exit 1; }
! grep -q good-token "$room/run/play.log" || { echo "the token stands in the output"; exit 1; }
room_in 'systemctl is-active --quiet groma-agent && systemctl is-enabled --quiet groma-agent && grep -q https://groma.test /var/lib/groma-agent/identity.json'
role groma_agent_binary=/run/agent groma_agent_sha256="$sum"
ran 0
echo "put there; the second run changes nothing"
echo '# another' >> "$room/run/agent"
role groma_agent_binary=/run/agent groma_agent_sha256="$(sha256sum < "$room/run/agent" | cut -c 1-64)"
room_in 'systemctl is-active --quiet groma-agent && cmp /run/agent /usr/local/bin/groma-agent'
role groma_agent_state=absent || { cat "$room/run/play.log"; exit 1; }
role groma_agent_state=absent
ran 0
gone() {
    python3 "$here/changed.py" / "$room_upper" --but /etc/systemd/system --but /etc/fstab --but /tmp --but /run --but /proc --but /sys --but /dev --but /var/log --but /var/lib/systemd \
        --but /var/lib/dpkg --but /var/lib/apt --but /var/cache --but /.ansible --but /etc/.pwd.lock --but /etc/ld.so.cache --but /var/lib/private --but /var/tmp --but /etc/machine-id | grep -i groma || true
    find "$room/etc/systemd" -name '*groma*'
}
test -z "$(gone)" || { echo "left behind:"; gone; exit 1; }
echo "taken off; nothing is left"

if ! room_in 'python3 -c "import apt" 2>/dev/null || /usr/bin/python3 -c "import apt"'; then
    echo "skipped: no python3-apt, without which Ansible installs no .deb; the role was run with the single file"
    exit 77
fi
deb=$(basename "$packages"/groma-agent_*.deb)
room_in 'mkdir -p /var/lib/groma-agent && echo x > /var/lib/groma-agent/identity.json'      # this build cannot enroll yet
role groma_agent_package="/run/$deb" groma_agent_sha256="$(sha256sum < "$room/run/$deb" | cut -c 1-64)" groma_agent_start=false || { cat "$room/run/play.log"; exit 1; }
room_in 'groma-agent --version'
role groma_agent_package="/run/$deb" groma_agent_sha256="$(sha256sum < "$room/run/$deb" | cut -c 1-64)" groma_agent_start=false
ran 0
role groma_agent_state=absent || { cat "$room/run/play.log"; exit 1; }
test -z "$(gone)" || { echo "left behind:"; gone; exit 1; }
echo "the same with the package"
