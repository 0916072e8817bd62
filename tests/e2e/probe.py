#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One datagram, and whether anything but a refusal comes back.

Usage: probe.py udp ADDRESS PORT | probe.py icmp ADDRESS
Exits 0 with an answer, 1 when refused, 2 after three silent seconds.
"""
import socket
import struct
import sys


def icmp_echo():
    head = struct.pack("!BBHHH", 8, 0, 0, 4242, 1)
    total = sum(struct.unpack("!%dH" % (len(head) // 2), head))
    total = (total >> 16) + (total & 0xFFFF)
    return struct.pack("!BBHHH", 8, 0, ~(total + (total >> 16)) & 0xFFFF, 4242, 1)


def main():
    kind, address = sys.argv[1:3]
    if kind == "udp":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port, payload = int(sys.argv[3]), b"anyone there?"
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        # The kernel reports an ICMP refusal to a raw socket only when asked.
        sock.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
        port, payload = 0, icmp_echo()
    sock.settimeout(3)
    sock.connect((address, port))
    try:
        sock.send(payload)
        while True:
            data = sock.recv(2048)
            if kind == "udp" or data[20] == 0:
                return 0
    except socket.timeout:
        return 2
    except OSError as error:
        print(error)
        return 1


sys.exit(main())
