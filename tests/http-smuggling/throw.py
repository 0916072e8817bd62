#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throws the corpus at a proxy and counts what comes through.

throw.py PROXY:PORT HOST OTHER FILE...   (HOST and OTHER: where up.test and
other.test are; addresses of the same length as the names, which this listens on)
"""

import re
import select
import socket
import sys
import threading

PATIENCE = 0.15  # seconds without a byte: the proxy waits for more

received = bytearray()
lock = threading.Lock()


def unescape(text):
    def one(match):
        known = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}
        word = match.group(1).decode()
        return known.get(word) or bytes([int(word[1:], 16)])

    return re.sub(rb"\\(x[0-9a-f]{2}|.)", one, text.encode("latin1"))


def read_cases(paths):
    cases = []
    for path in paths:
        for line in open(path, encoding="ascii"):
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "case":
                cases.append({"name": rest, "send": b"", "unseen": [], "expect": ""})
            elif word == "send":
                cases[-1]["send"] += unescape(rest)
            elif word == "send-repeat":
                count, _, byte = rest.partition(" ")
                cases[-1]["send"] += unescape(byte) * int(count)
            elif word == "unseen":
                cases[-1]["unseen"].append(unescape(rest))
            elif word == "expect":
                cases[-1]["expect"] = rest
    return [case for case in cases if case["send"]]


def serve(sock):
    try:
        while data := sock.recv(65536):
            with lock:
                received.extend(data)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    except OSError:
        pass
    sock.close()


def listen(address):
    listener = socket.create_server((address, 80), backlog=64)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


def throw(proxy, data):
    try:
        sock = socket.create_connection(proxy)
        sock.sendall(data)
        while select.select([sock], [], [], PATIENCE)[0] and sock.recv(65536):
            pass
        sock.close()
    except OSError:
        pass


def main():
    address, _, port = sys.argv[1].partition(":")
    host, other = sys.argv[2].encode(), sys.argv[3].encode()
    for at in sys.argv[2:4]:
        threading.Thread(target=listen, args=(at,), daemon=True).start()
    cases = read_cases(sys.argv[4:])
    through = []
    for case in cases:
        with lock:
            received.clear()
        throw((address, int(port)), case["send"].replace(b"up.test", host).replace(b"other.test", other))
        with lock:
            got = bytes(received)
        if got if case["expect"][0] != "2" else any(text in got for text in case["unseen"]):
            through.append((case["name"], case["expect"][0] != "2"))
    refused = sum(1 for case in cases if case["expect"][0] != "2")
    print(f"{sum(bad for _, bad in through)} of {refused} forwarded; "
          f"{sum(not bad for _, bad in through)} of {len(cases) - refused} with more than belongs to the request")
    for name, _ in through:
        print(f"  {name}", file=sys.stderr)


main()
