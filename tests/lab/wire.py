#!/usr/bin/env python3
"""What crosses the lab's switches, held against the truth: an independent witness that sees the shortest connection.

    wire.py SECONDS        needs root; started before `lab up` it sees the whole of it (GROMA_LAB_NAME chooses the lab)

Prints every flow between two machines that no dependency of the truth explains, and every dependency said to be live,
in history or on the network that nothing was seen of. Ports that a program makes up for one session (passive FTP, fax
data, answers of DHCP) come out as unexplained: a reader knows them, and they are no needs.
"""
import select
import socket
import struct
import sys
import time
from collections import Counter

sys.dont_write_bytecode = True

import estate
import network
import truth

EPHEMERAL = 10000
EVERY_PROTOCOL = socket.htons(3)
OUTGOING = 4
SPEAKS_BOTH = {53, 88}


def main(seconds):
    end = time.monotonic() + seconds
    flows = Counter()
    switches = [network.inside(switch, listener) for switch in awaited(end)]
    while (left := end - time.monotonic()) > 0:
        for ready in select.select(switches, [], [], min(left, 1))[0]:
            frame, where = ready.recvfrom(256)
            flow = None if where[2] == OUTGOING else flow_of(frame)
            if flow:
                flows[flow] += 1
    report(flows)


def awaited(end):
    """The switches, each as soon as it is there."""
    for site in estate.SITES:
        while not (network.NAMED / network.switch(site)).exists() and time.monotonic() < end:
            time.sleep(0.02)
        yield network.switch(site)


def listener():
    """A socket bound to no card sees the frames of every port of the switch."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, EVERY_PROTOCOL)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    return opened


def flow_of(frame):
    """(from, to, port, transport) of a frame that opens a connection or asks something; nothing for all others."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and len(frame) >= 42:
        family, at = socket.AF_INET, 14 + (frame[14] & 15) * 4
        protocol, source, target = frame[23], frame[26:30], frame[30:34]
    elif kind == b"\x86\xdd" and len(frame) >= 62:
        family, at = socket.AF_INET6, 54
        protocol, source, target = frame[20], frame[22:38], frame[38:54]
    else:
        return None
    ends = socket.inet_ntop(family, source), socket.inet_ntop(family, target)
    here, there = struct.unpack("!HH", frame[at:at + 4])
    if protocol == 6 and len(frame) > at + 13 and frame[at + 13] & 0x12 == 0x02:
        return (*ends, there, "tcp")
    if protocol == 17 and not (there >= EPHEMERAL > here):
        return (*ends, there, "udp")
    return None


def report(flows):
    names = names_of(estate.read())
    seen = Counter()
    for (source, target, port, transport), times in flows.items():
        seen[names.get(source, source), names.get(target, target), port, transport] += times
    dependencies, _decoys = truth.read(estate.HERE)
    entries = {key: one for one in dependencies for key in keys(one, names)}
    for key in sorted(set(seen) - set(entries), key=str):
        if key[0] != key[1] and not nobody_in_particular(key[1]):
            print("unexplained:", *key, f"{seen[key]} times")
    for one in dependencies:
        if set(one["known_by"]) - {"written", "declared"} and not any(seen[key] for key in keys(one, names)):
            print("unseen:     ", one["consumer"], one["provider"], one.get("port"), one.get("transport", "tcp"), *one["known_by"])


def names_of(hosts):
    return {address: host.name for host in hosts.values() for leg in host.legs for address in (leg.address, leg.address6) if address}


def keys(one, names):
    port, provider = one.get("port"), names.get(one["provider"], one["provider"])
    transports = ("tcp", "udp") if port in SPEAKS_BOTH else (one.get("transport", "tcp"),)
    return [(one["consumer"], provider, port, transport) for transport in transports]


def nobody_in_particular(address):
    return address.startswith(("224.", "239.", "ff")) or address.endswith(".255")


if __name__ == "__main__":
    main(float(sys.argv[1]))
