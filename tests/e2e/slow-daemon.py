#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""slow-daemon.py SOCKET SECONDS: answers each request on SOCKET after SECONDS."""
import socket
import sys
import threading
import time

BODY = b'{"success":true,"data":{"stopped":true}}'


def answer(connection):
    connection.recv(65536)
    time.sleep(float(sys.argv[2]))
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))


server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
while True:
    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
