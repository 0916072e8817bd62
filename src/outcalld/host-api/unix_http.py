# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP over a unix socket, for the checkers here."""
import http.client
import socket


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)
