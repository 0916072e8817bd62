#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw TCP and UDP listeners: what a workload must never reach.

Usage: listeners.py ADDRESS. Prints a line for each contact, "ready" first.
"""
import selectors
import socket
import sys

TCP_PORTS = (22, 9999)
UDP_PORTS = (443, 9999)


def main():
    address = sys.argv[1]
    selector = selectors.DefaultSelector()
    for port in TCP_PORTS:
        server = socket.create_server((address, port), backlog=64)
        selector.register(server, selectors.EVENT_READ, ("tcp", port))
    for port in UDP_PORTS:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((address, port))
        selector.register(server, selectors.EVENT_READ, ("udp", port))
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            kind, port = key.data
            if kind == "tcp":
                connection, peer = key.fileobj.accept()
                print("contact", kind, port, peer[0], flush=True)
                connection.sendall(b"you should not be here\n")
                connection.close()
            else:
                data, peer = key.fileobj.recvfrom(2048)
                print("contact", kind, port, peer[0], flush=True)
                key.fileobj.sendto(data, peer)


main()
