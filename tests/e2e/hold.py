#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds one HTTP connection and asks once for each line on standard input.

Usage: hold.py ADDRESS PORT. Prints "answered" or "broken" for each line.
"""
import socket
import sys

connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
connection.settimeout(3)
for _ in sys.stdin:
    try:
        connection.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        print("answered" if b"200 OK" in connection.recv(4096) else "broken", flush=True)
    except OSError:
        print("broken", flush=True)
