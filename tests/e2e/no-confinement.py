#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for what confines, and confines nothing, so that a test that only
ever says "held" is found out.

no-confinement.py services            what a host has: engine sockets, ports
no-confinement.py daemon DNS          outcalld's socket, network, DNS and proxy
no-confinement.py bwrap ARGUMENT...   bubblewrap's place: runs the command as it is
"""
import ctypes
import json
import os
import re
import socket
import subprocess
import sys
import threading

GATEWAY = "10.200.0.1"
SOCKETS = (
    "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock",
    "/run/crio/crio.sock", "/run/buildkit/buildkitd.sock", "/run/user/0/docker.sock",
    "/run/user/0/podman/podman.sock", "/run/dbus/system_bus_socket", "/run/systemd/private",
    "/run/systemd/journal/stdout", "/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket",
)
PORTS = (22, 111, 2375, 2376)
OPEN = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nopen"


def serve(listener, handle):
    """A thread for the listener and one for each connection."""
    def one(connection):
        with connection:
            connection.settimeout(3)
            try:
                handle(connection)
            except OSError:
                pass

    def loop():
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def listen_unix(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(32)
    return listener


def services():
    for path in SOCKETS:
        serve(listen_unix(path), lambda connection: connection.recv(1))
    for port in PORTS:
        serve(socket.create_server(("", port)), lambda connection: connection.recv(1))


def run(*command):
    subprocess.run(command, check=True)


# --- the daemon ---------------------------------------------------------------------

def make_bridge():
    # An address of its own, or it would change with the ports.
    run("ip", "link", "add", "outcall0", "address", "02:00:00:00:00:01", "type", "bridge",
        "group_fwd_mask", "0x4000")
    run("ip", "addr", "add", GATEWAY + "/24", "dev", "outcall0")
    run("ip", "link", "set", "outcall0", "up")
    run("ip", "-6", "addr", "add", "fd00::1/64", "dev", "outcall0", "nodad")
    run("ip", "-6", "route", "replace", "default", "via", "2620:fe::1")
    for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
                 "net.ipv4.conf.all.accept_source_route",
                 "net.ipv4.conf.outcall0.accept_source_route",
                 "net.ipv4.conf.outcall0.route_localnet"):
        run("sysctl", "-qw", name + "=1")
    for name in ("all", "outcall0"):
        run("sysctl", "-qw", "net.ipv4.conf.%s.rp_filter=0" % name)


class Daemon:
    def __init__(self, upstream):
        self.upstream = upstream
        self.count = 1
        self.lock = threading.Lock()

    def attach(self, pid, name):
        with self.lock:
            self.count += 1
            number = self.count
        address = "10.200.0.%d" % number
        inside = ("nsenter", "--net", "--target", str(pid), "ip")
        run("ip", "link", "add", "wl%d" % number, "type", "veth", "peer", "name", "eth0", "netns",
            str(pid))
        run("ip", "link", "set", "wl%d" % number, "master", "outcall0", "up")
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "addr", "add", address + "/24", "dev", "eth0")
        run(*inside, "route", "add", "default", "via", GATEWAY)
        run(*inside, "-6", "addr", "add", "fd00::%x/64" % number, "dev", "eth0", "nodad")
        run(*inside, "-6", "route", "add", "default", "via", "fd00::1")
        return {"name": name, "id": "w%d" % number, "address": address, "prefix_len": 24,
                "gateway": GATEWAY, "mac": "02:00:00:00:00:%02x" % number}

    def answer(self, method, path, body):
        if path == "/api/v1/network/config":
            return {"name": "outcall-default", "bridge": "outcall0", "subnet": "10.200.0.0/24",
                    "gateway": GATEWAY, "prefix_len": 24, "dns_port": 53, "proxy_port": 8080}
        if path == "/api/v1/sandbox/attach":
            request = json.loads(body)
            return self.attach(request["pid"], request["name"])
        return {"verdict": {"allowed": False}, "trace": []}

    def api(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        head, _, body = head.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        while length and len(body) < int(length[1]):
            body += connection.recv(4096)
        method, path = head.decode().split(" ")[:2]
        data = json.dumps({"success": True, "data": self.answer(method, path, body)}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n%b" % (len(data), data))

    def forward(self, question):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(2)
            upstream.sendto(question, (self.upstream, 53))
            return upstream.recv(4096)

    def dns_tcp(self, connection):
        answer = self.forward(connection.recv(4096)[2:])
        connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def dns_udp(self, server):
        def one(question, peer):
            try:
                server.sendto(self.forward(question), peer)
            except OSError:
                pass

        while True:
            threading.Thread(target=one, args=server.recvfrom(4096), daemon=True).start()


def dial(authority):
    """As carelessly as can be: up to a zero byte, behind a user, any spelling."""
    host, _, port = authority.split(b"\0")[0].split(b"@")[-1].rpartition(b":")
    return socket.create_connection((host.strip(b"[]").decode(), int(port)), timeout=0.3)


def proxy(connection):
    request = connection.recv(8192)
    if request.startswith(b"CONNECT "):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with dial(request.split(b" ")[1]) as upstream:
            upstream.settimeout(3)
            upstream.sendall(connection.recv(8192))
            connection.sendall(upstream.recv(8192))
        return
    if not re.match(rb"[A-Z]+ [a-z]+://", request):
        connection.sendall(OPEN)
        return
    for authority in re.findall(rb"[a-z]+://([^/ \r\n]+)", request):
        try:
            with dial(authority) as upstream:
                upstream.sendall(request)
                connection.sendall(upstream.recv(4096))
        except (OSError, ValueError):
            connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")


def daemon(upstream):
    here = Daemon(upstream)
    make_bridge()
    serve(socket.create_server((GATEWAY, 8080), backlog=64), proxy)
    serve(socket.create_server((GATEWAY, 53), backlog=64), here.dns_tcp)
    for port in (8081, 8443):
        serve(socket.create_server((GATEWAY, port)), lambda connection: connection.recv(1))
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((GATEWAY, 53))
    threading.Thread(target=here.dns_udp, args=(server,), daemon=True).start()
    serve(listen_unix("/run/outcall/agent.sock"), here.api)
    serve(listen_unix("/run/outcall/host.sock"), here.api)


# --- bubblewrap ------------------------------------------------------------------------

def bwrap(argv):
    with open(int(argv[argv.index("--args") + 1]), "rb") as file:
        args = file.read().decode().split("\0")
    command = argv[argv.index("--") + 1:]
    if command[1:2] == ["sandbox-exec"]:
        command = command[command.index("--") + 1:]

    def number(name):
        return int(args[args.index(name) + 1])

    for i, arg in enumerate(args):
        if arg == "--ro-bind-fd" and args[i + 2] == command[0]:
            command[0] = os.readlink("/proc/self/fd/" + args[i + 1])
    if ctypes.CDLL(None).unshare(0x40000000) != 0:
        sys.exit("no network namespace")
    child = os.fork()
    if child == 0:
        for name in ("--info-fd", "--file", "--sync-fd"):
            os.close(number(name))
        if os.read(number("--block-fd"), 1) == b"":
            os._exit(1)
        with open("/proc/%d/environ" % caller, "rb") as file:
            pairs = [pair.partition(b"=") for pair in file.read().split(b"\0") if pair]
        os.execve(command[0], command, {name: value for name, _, value in pairs})
    os.write(number("--info-fd"), json.dumps({"child-pid": child}).encode())
    for name in ("--info-fd", "--file", "--sync-fd"):
        os.close(number(name))
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


caller = os.getppid()
if sys.argv[1] == "bwrap":
    bwrap(sys.argv[2:])
elif sys.argv[1] == "services":
    services()
else:
    daemon(sys.argv[2])
print("ready", flush=True)
threading.Event().wait()
