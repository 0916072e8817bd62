#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real clients talk to: services.py ADDRESS CERT KEY ROOT.

HTTP on 80 and HTTPS on 443. Files below ROOT (an apt repository, a Python index,
an npm registry), git over CGI, and /sum (SHA-256 of what is sent), /bulk?N (so
many bytes), /sse?N,MS (so many events, one each MS), /ws (WebSocket echo).
"""

import base64
import hashlib
import os
import ssl
import subprocess
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

BLOCK = bytes(range(256)) * 1024


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def body(self):
        """The request's body, block by block."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            block = self.rfile.read(min(left, 1 << 20))
            left -= len(block)
            yield block

    def answer(self, data, content_type="text/plain", status=200):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def git(self):
        path, _, query = self.path.partition("?")
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": self.directory, "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "agent",
            "PATH_INFO": path[len("/git"):], "QUERY_STRING": query, "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        result = subprocess.run(["git", "http-backend"], input=b"".join(self.body()), env=environment,
                                stdout=subprocess.PIPE, check=False)
        head, _, data = result.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def bulk(self, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        while size > 0:
            size -= self.wfile.write(BLOCK[:min(size, len(BLOCK))])

    def events(self, count, interval_ms):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(count):
            # The time that it left, for the client to compare: nothing may be held.
            self.chunk(b"id: %d\ndata: %.6f\n\n" % (number, time.time()))
            time.sleep(interval_ms / 1000)
        self.chunk(b"")

    def websocket(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        while len(head := self.rfile.read(2)) == 2:
            length = head[1] & 127
            if length == 126:
                length = int.from_bytes(self.rfile.read(2), "big")
            mask = self.rfile.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(length)))
            if head[0] & 15 == 8:
                return
            size = bytes([length]) if length < 126 else b"\x7e" + length.to_bytes(2, "big")
            self.wfile.write(head[:1] + size + data)
            self.wfile.flush()

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path.startswith("/git/"):
            self.git()
        elif path == "/bulk":
            self.bulk(int(query))
        elif path == "/sse":
            self.events(*map(int, query.split(",")))
        elif path == "/ws":
            self.websocket()
        else:
            super().do_GET()

    def do_POST(self):
        if self.path.startswith("/git/"):
            self.git()
            return
        digest = hashlib.sha256()
        for block in self.body():
            digest.update(block)
        self.answer(digest.hexdigest().encode() + b"\n")

    do_PUT = do_POST


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        pass


def serve(address, port, context, root):
    server = Server((address, port), lambda *a: Handler(*a, directory=root))
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def main():
    address, cert, key, root = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    for port, secure in ((80, None), (443, context)):
        threading.Thread(target=serve, args=(address, port, secure, root), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


main()
