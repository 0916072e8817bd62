#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks GET /metrics at SOCKET with the readers of those who use it: promtool for the
plain text format, the OpenMetrics parser of Prometheus's client library."""
import shutil
import subprocess
import sys

from unix_http import Connection


def get(accept):
    connection = Connection(sys.argv[1])
    connection.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
    reply = connection.getresponse()
    assert reply.status == 200, reply.status
    return reply.getheader("Content-Type"), reply.read().decode()


missing = []
# What Prometheus sends, and what nobody in particular sends.
for accept in ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", None):
    kind, text = get(accept)
    assert kind.startswith("application/openmetrics-text; version=1.0.0"), kind
    assert text.endswith("\n# EOF\n")
    try:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
    except ImportError:
        missing.append("python3-prometheus-client")
        continue
    families = list(text_string_to_metric_families(text))
    assert len(families) > 10, families
    assert all(family.documentation for family in families), families

kind, text = get("text/plain;version=0.0.4")
assert kind.startswith("text/plain; version=0.0.4"), kind
assert "# EOF" not in text
if shutil.which("promtool"):
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout)
    assert done.returncode == 0 and not done.stdout.strip(), done.returncode
else:
    missing.append("promtool (package prometheus)")
if missing:
    print("missing:", ", ".join(sorted(set(missing))))
    sys.exit(77)
