#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that no package brings: clients.py ws|sse|tunnels|requests URL [N].

Through the proxy when https_proxy (or http_proxy) is set, else straight.
"""

import base64
import os
import selectors
import socket
import ssl
import sys
import time
from urllib.parse import urlsplit


def connect(url):
    """A socket to the host, by CONNECT when there is a proxy, with TLS for https."""
    proxy = os.environ.get(url.scheme.replace("ws", "http") + "_proxy")
    port = url.port or (443 if url.scheme in ("https", "wss") else 80)
    if not proxy:
        sock = socket.create_connection((url.hostname, port), 10)
    else:
        at = urlsplit(proxy)
        sock = socket.create_connection((at.hostname, at.port), 10)
        if port == 443:
            sock.sendall(f"CONNECT {url.hostname}:{port} HTTP/1.1\r\nHost: {url.hostname}:{port}\r\n\r\n".encode())
            head = read_head(sock)
            assert head.startswith(b"HTTP/1.1 200 "), head
    if url.scheme in ("https", "wss"):
        context = ssl.create_default_context(cafile="ca.pem")
        sock = context.wrap_socket(sock, server_hostname=url.hostname)
    return sock, proxy and port != 443


def read_head(sock):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, head
        head += byte
    return head


def websocket(url, _):
    """Frames of several sizes there and back."""
    sock, absolute = connect(url)
    target = f"http://{url.hostname}{url.path}" if absolute else url.path
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: {url.hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    head = read_head(sock)
    assert head.startswith(b"HTTP/1.1 101 "), head
    for size in (1, 125, 126, 5000, 60000):
        data = os.urandom(size)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        sock.sendall(b"\x82" + length + b"\0\0\0\0" + data)
        want = 2 + (2 if size > 125 else 0) + size
        got = b""
        while len(got) < want:
            block = sock.recv(65536)
            assert block
            got += block
        assert got.endswith(data)
    print("echoed")


def events(url, count):
    """Each event must come when it was sent, not when a buffer is full."""
    sock, absolute = connect(url)
    target = f"http://{url.hostname}{url.path}?{url.query}" if absolute else f"{url.path}?{url.query}"
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: {url.hostname}\r\nAccept: text/event-stream\r\n\r\n".encode())
    lines = sock.makefile("rb")
    seen, worst = 0, 0.0
    for line in lines:
        if line.startswith(b"data: "):
            seen += 1
            worst = max(worst, time.time() - float(line[6:]))
        if line == b"0\r\n":
            break
    assert seen == count, seen
    assert worst < 0.5, worst
    print(f"{seen} events")


def tunnels(url, count):
    """So many at the same time, and all of them work."""
    held = [connect(url)[0] for _ in range(count)]
    for sock in held:
        sock.sendall(f"GET {url.path} HTTP/1.1\r\nHost: {url.hostname}\r\n\r\n".encode())
    waiting = selectors.DefaultSelector()
    for sock in held:
        waiting.register(sock, selectors.EVENT_READ)
    good = 0
    for sock in held:
        good += read_head(sock).startswith(b"HTTP/1.1 200 ")
    print(f"{good} tunnels")


def with_requests(url, _):
    import requests

    session = requests.Session()
    session.verify = "ca.pem"
    for _ in range(3):
        answer = session.post(url.geturl(), data=b"a" * 100000)
        assert answer.status_code == 200, answer
    print(answer.text.strip())


CLIENTS = {"ws": websocket, "sse": events, "tunnels": tunnels, "requests": with_requests}
CLIENTS[sys.argv[1]](urlsplit(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
