"""Raw frames for the scene: taps what one machine sends, knocks, scans, and floods with invented senders.

usage: wire.py tap INTERFACE MAC SECONDS | loop ADDRESS PORT EVERY | ping ADDRESS | scan ADDRESS PORTS | flood INTERFACE MAC ADDRESS COUNT
"""
import errno
import os
import socket
import struct
import sys
import time


def tap(interface, mac, seconds):
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    ear.bind((interface, 0))
    ear.settimeout(0.2)
    own = bytes.fromhex(mac.replace(":", ""))
    kinds = {}
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        try:
            frame = ear.recv(2048)
        except TimeoutError:
            continue
        if frame[6:12] != own:
            continue
        kind = "other"
        if frame[12:14] == b"\x08\x06":
            kind = "arp-answer" if frame[21] == 2 else "arp-question"
        elif frame[12:14] == b"\x08\x00":
            head = (frame[14] & 15) * 4
            rest = frame[14 + head:]
            protocol = frame[23]
            if protocol == 6:
                kind = "tcp-reset" if rest[13] & 4 else "tcp-%02x" % rest[13]
            elif protocol == 1:
                kind = "icmp-%d" % rest[0]
            else:
                kind = "protocol-%d" % protocol
        kinds[kind] = kinds.get(kind, 0) + 1
    print(" ".join(sorted(kinds)))


def knock(address, port):
    with socket.socket() as call:
        call.settimeout(1)
        return call.connect_ex((address, port)) == errno.ECONNREFUSED


def loop(address, port, every):
    while True:
        knock(address, int(port))
        time.sleep(float(every))


def scan(address, ports):
    refused = sum(knock(address, port) for port in range(1, int(ports) + 1))
    print(f"{refused} refused")


def ping(address):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as call:
        asks = struct.pack("!BBHHH", 8, 0, 0, 7, 1)
        asks = asks[:2] + struct.pack("!H", checksum(asks)) + asks[4:]
        call.sendto(asks, (address, 0))
        time.sleep(0.2)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def flood(interface, mac, address, count):
    mouth = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    mouth.bind((interface, 0))
    link = bytes.fromhex(mac.replace(":", "")) + b"\x02\x00\x5e\x00\x00\x66\x08\x00"
    to = socket.inet_aton(address)
    for number in range(int(count)):
        sender = struct.pack("!I", 0x0B000000 + number)
        head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0) + sender + to
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        opens = struct.pack("!HHIIBBHHH", 40000, 80, number, 0, 0x50, 2, 1024, 0, 0)
        pseudo = sender + to + struct.pack("!BBH", 0, 6, 20)
        opens = opens[:16] + struct.pack("!H", checksum(pseudo + opens)) + opens[18:]
        try:
            mouth.send(link + head + opens)
        except OSError as full:
            if full.errno != errno.ENOBUFS:
                raise


{"tap": tap, "ping": ping, "loop": loop, "scan": scan, "flood": flood}[sys.argv[1]](*sys.argv[2:])
