"""Switches and cards: every switch and every host is a network namespace; nothing of it touches the machine's own network."""
import ctypes
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import estate
import state
from trouble import Trouble

NAMED = Path("/run/netns")
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def namespace(name):
    return state.PREFIX + name


def switch(site):
    return namespace(f"switch-{site}")


def ip(lines, where=None):
    """Many ip commands in one process."""
    command = ["ip"] + (["-n", where] if where else []) + ["-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"ip in {where or 'the machine'}: {done.stderr.strip()}")


def make(hosts):
    ip([f"netns add {switch(site)}" for site in estate.SITES] + [f"netns add {namespace(name)}" for name in hosts])
    for site in estate.SITES:
        # A plain switch that does not speak LLDP hands it on (bit 14 of the group addresses that bridges keep to themselves).
        ip(["link set lo up", "link add wire type bridge mcast_snooping 0 group_fwd_mask 0x4000", "link set wire up"], switch(site))
        inside(switch(site), lambda: setting("net/ipv6/conf/all/disable_ipv6", 1))
    for host in hosts.values():
        inside(namespace(host.name), lambda: settings(host))
    for site in estate.SITES:
        ip(cables(site, hosts), switch(site))
    for host in hosts.values():
        ip(cards(host), namespace(host.name))


def cables(site, hosts):
    """Both ends are made in place: the machine itself never sees a card."""
    lines = []
    for host in hosts.values():
        for number, leg in enumerate(host.legs):
            if leg.site == site:
                port = f"{host.name[:12]}.{number}"
                lines.append(f"link add {port} type veth peer name eth{number} netns {namespace(host.name)}")
                lines.append(f"link set {port} master wire up")
    return lines or ["link set lo up"]


def settings(host):
    """What a machine of this kind has set in its kernel; no waiting for duplicate IPv6 addresses."""
    for which in ("all", "default"):
        setting(f"net/ipv6/conf/{which}/accept_dad", 0)
        setting(f"net/ipv6/conf/{which}/accept_ra", 0)
    setting("net/ipv4/ping_group_range", "0 2147483647")
    if host.forward:
        setting("net/ipv4/ip_forward", 1)
        setting("net/ipv6/conf/all/forwarding", 1)


def setting(name, value):
    try:
        Path("/proc/sys", name).write_text(str(value))
    except OSError:
        pass      # a kernel without IPv6


def cards(host):
    lines = ["link set lo up"]
    for number, leg in enumerate(host.legs):
        site = estate.SITES[leg.site]
        card = f"eth{number}"
        lines += [f"link set {card} address {leg.mac}", f"addr add {leg.address}/{bits(site.network)} brd + dev {card}"]
        if leg.address6:
            lines.append(f"addr add {leg.address6}/{bits(site.network6)} dev {card} nodad")
        lines.append(f"link set {card} up")
    if not host.forward:
        site = estate.SITES[host.site]
        lines.append(f"route add default via {site.gateway}")
        if host.legs[0].address6:
            lines.append(f"route add ::/0 via {site.gateway6}")
    return lines


def bits(network):
    return network.split("/")[1]


def inside(name, what):
    """Runs `what` in a thread that stands in the namespace, and returns what it returned."""
    answer = {}

    def stand_and_do():
        try:
            with open(NAMED / name) as place:
                if LIBC.setns(place.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
            answer["value"] = what()
        except Exception as error:      # the caller's to raise
            answer["error"] = error

    thread = threading.Thread(target=stand_and_do)
    thread.start()
    thread.join()
    if "error" in answer:
        raise answer["error"]
    return answer.get("value")


def connects(name, address, port):
    def attempt():
        with socket.socket() as connection:
            connection.settimeout(1)
            return connection.connect_ex((address, port)) == 0
    return inside(name, attempt)


def ours():
    """The namespaces of this lab, whoever made them."""
    return sorted(path.name for path in NAMED.glob(state.PREFIX + "*")) if NAMED.is_dir() else []


def inhabitants(names):
    """Every process in one of these namespaces."""
    places = set()
    for name in names:
        try:
            seen = os.stat(NAMED / name)
            places.add((seen.st_dev, seen.st_ino))
        except OSError:
            pass
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            seen = os.stat(process / "ns/net")
        except OSError:
            continue
        if (seen.st_dev, seen.st_ino) in places and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def clear():
    """Ends everything that stands in the lab's namespaces and removes them."""
    def emptied():
        left = inhabitants(ours())
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not left

    if not state.wait_until(emptied, 20):
        raise Trouble(f"processes that do not end: {', '.join(map(str, inhabitants(ours())))}")
    for name in ours():
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
    if ours():
        raise Trouble(f"namespaces that do not go: {', '.join(ours())}")
