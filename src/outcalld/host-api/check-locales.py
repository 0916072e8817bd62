#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the commands in every language with the API at SOCKET: the text is translated,
tables stay aligned on a terminal with wide characters, exit codes and JSON are the
same as in English."""
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from concurrent.futures import ThreadPoolExecutor

srcdir, builddir = os.environ["OUTCALL_SRCDIR"], os.environ["OUTCALL_BUILDDIR"]
program = os.path.join(builddir, "src/outcall/outcall-in-tree")
languages = open(os.path.join(srcdir, "po/LINGUAS")).read().split()

# Commands whose answer does not change between two calls; their JSON is compared.
SHOW = ["rules list", "rules show allow-api", "log", "network list", "network status",
        "bridge status", "dns test bad.example.com", "rules explain https://bad.example.com/",
        "selftest --list", "recipe"]
# Commands with numbers that move.
MOVING = ["", "status", "ps", "dns status", "dns cache", "proxy status", "doctor"]
# Wrong use and failures.
WRONG = ["statsu", "bridge", "stop", "log --blocked --allowed", "--socket /dev/null status"]


@functools.lru_cache(maxsize=None)
def run(command, language, *options):
    environ = dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE=language, OUTCALL_TEST_LOCALEDIR=mo,
                   TZ="UTC")
    done = subprocess.run([program, "--socket", sys.argv[1], *options, *command.split()],
                          env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60)
    return done.returncode, done.stdout, done.stderr


def width(text):
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def column_starts(line):
    """Where a cell begins after two blanks or more, in columns of the terminal."""
    return {width(line[:m.end()]) for m in re.finditer(r"  +(?=\S)", line)}


def check_aligned(command, language, text):
    """Cells of a left-aligned column begin in the heading's column in each row."""
    lines = text.rstrip("\n").split("\n")
    headings = re.split(r"  +", lines[0])
    first = width(lines[0]) - width(lines[0].lstrip())
    assert first == 0 and len(headings) >= 2, (command, language, text)
    starts = sorted(column_starts(lines[0]))
    for line in lines[1:]:
        cells = column_starts(line)
        # The second column is left-aligned in the tables that are looked at here.
        assert starts[0] in cells, (command, language, starts, sorted(cells), text)


def check_language(language):
    for command in SHOW + MOVING + WRONG:
        english, translated = run(command, "en"), run(command, language)
        assert english[0] == translated[0], (command, language, english, translated)
        assert english[1:] != translated[1:], (command, language, translated)
    for command in SHOW:
        assert run(command, "en", "--json") == run(command, language, "--json"), command
    assert run("doctor", language, "--json")[1] == run("doctor", "en", "--json")[1]
    # One screen.
    assert run("status", language)[1].count("\n") <= 24, run("status", language)
    for command in ("log", "rules list", "selftest --list"):
        check_aligned(command, language, run(command, language)[1])


def check_help(language, commands):
    for command in commands:
        english, translated = run("help " + command, "en"), run("help " + command, language)
        assert translated[0] == 0 and english[1] != translated[1], (command, language, translated)
        usage = translated[1].split("\n")[1]
        assert usage and usage != english[1].split("\n")[1], (command, language, usage)
    english, translated = run("--help", "en")[1], run("--help", language)[1]
    same = set(english.split("\n")) & set(translated.split("\n")) - {""}
    assert not same, (language, same)


if not shutil.which("msgfmt"):
    print("msgfmt is missing")
    sys.exit(77)
with tempfile.TemporaryDirectory() as mo:
    for language in languages:
        folder = os.path.join(mo, language, "LC_MESSAGES")
        os.makedirs(folder)
        subprocess.run(["msgfmt", "--check", "-o", os.path.join(folder, "outcall.mo"),
                        os.path.join(srcdir, "po", language + ".po")], check=True)
    if run("--help", "en") == run("--help", languages[0]):
        print("this system's gettext does not take LANGUAGE with C.UTF-8")
        sys.exit(77)
    table = run("help", "en")[1]
    commands = re.findall(r"^  ([a-z][a-z ]*[a-z])  ", table.split("Options")[0], re.M)
    assert len(commands) > 20, commands
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(check_language, language) for language in languages]
        jobs += [pool.submit(check_help, language, commands) for language in languages]
        for job in jobs:
            job.result()
print(len(languages), "languages,", len(commands), "commands")
