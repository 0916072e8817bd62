#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every command in every language with the API at SOCKET: the text is translated,
tables stay aligned on a terminal with wide characters, exit codes and JSON are the
same as in English. Fourteen rule requests wait there, and nothing is attached."""
import functools
import gettext
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from unix_http import Connection

srcdir, builddir = os.environ["OUTCALL_SRCDIR"], os.environ["OUTCALL_BUILDDIR"]
program = os.path.join(builddir, "src/outcall/outcall-in-tree")
languages = open(os.path.join(srcdir, "po/LINGUAS")).read().split()

# Commands whose answer does not change between two calls; their JSON is compared.
SHOW = ["rules list", "rules show allow-api", "log", "network list", "network status",
        "bridge status", "dns test bad.example.com", "rules explain https://bad.example.com/",
        "selftest --list", "recipe"]
# Commands with numbers that move.
MOVING = ["", "status", "ps", "dns status", "dns cache", "proxy status", "doctor"]
# Wrong use and failures; for those that need an engine, a terminal or a browser it is all there
# is to see here.
WRONG = ["statsu", "bridge", "stop", "log --blocked --allowed", "--socket /dev/null status",
         "run", "watch", "ui --port 0", "logs", "requests show", "container create",
         "container list extra", "container inspect", "container stop", "container remove",
         "container pull", "agent", "init nosuch", "auth add", "auth remove", "ca init --algorithm none"]
# Commands that change something, in this order; {…} as `Place` fills it in.
CHANGING = ["inspect {workload}", "grants add {workload} 192.0.2.9 443", "grants list",
            "grants revoke {grant}", "grants flush", "stop --time 0 {workload}", "agent --list",
            "agent --init", "agent --trust", "allow loc.example.com", "suggest", "rules reload",
            "rules check {srcdir}/data/rules/example.yaml",
            "rules test {srcdir}/data/rules/example.yaml", "requests list",
            "requests show {request}", "requests approve {request}",
            "requests reject {request}", "network create loc", "network destroy loc",
            "dns flush", "auth add --dir {dir}/secrets loc", "auth list",
            "auth remove --dir {dir}/secrets loc", "ca init --out {dir}/ca", "ca status",
            "ca bundle"]
# With nothing attached.
ALONE = ["bridge down", "bridge up"]
# What is for programs only, in one form.
UNTRANSLATED = ["metrics"]
# How a day is written.
DATES = {"de": r"\d\d\.\d\d\.\d{4} ", "es": r"\d\d/\d\d/\d{4} ", "fr": r"\d\d/\d\d/\d{4} ",
         "ja": r"\d{4}/\d\d/\d\d ", "zh_CN": r"\d{4}-\d\d-\d\d "}
# Data, or nothing to say: the same in every language.
SAME = {"suggest", "ca bundle", "auth remove --dir {dir}/secrets loc"}


@functools.lru_cache(maxsize=None)
def run(command, language, *options):
    return run_in(os.getcwd(), command, language, *options)


def run_in(folder, command, language, *options):
    environ = dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE=language, OUTCALL_TEST_LOCALEDIR=mo,
                   TZ="UTC", HOME=folder, XDG_STATE_HOME=folder)
    done = subprocess.run([program, "--socket", sys.argv[1], *options, *command.split()],
                          env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=60, cwd=folder, input="value\n")
    return done.returncode, done.stdout, done.stderr


@functools.lru_cache(maxsize=None)
def phrases(language):
    """What must not be read in @language, as it has other words for it."""
    with open(os.path.join(mo, language, "LC_MESSAGES", "outcall.mo"), "rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog
    return [text for text, translated in catalogue.items()
            if isinstance(text, str) and len(text) > 9 and " " in text and text != translated
            and not set("%\n\x04{") & set(text)]


def check_words(command, language, *texts):
    for text in texts:
        left = [phrase for phrase in phrases(language) if phrase in text]
        assert not left, (command, language, left, text)


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
        check_words(command, language, *translated[1:])
    for command in SHOW:
        assert run(command, "en", "--json") == run(command, language, "--json"), command
    assert run("doctor", language, "--json")[1] == run("doctor", "en", "--json")[1]
    # One screen.
    assert run("status", language)[1].count("\n") <= 24, run("status", language)
    assert re.search(DATES[language], run("log", language)[1]), run("log", language)
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


class Place:
    """What one walk through CHANGING needs of its own."""

    def __init__(self, language, *options):
        self.language = language
        self.options = options
        self.dir = tempfile.mkdtemp(dir=mo)
        os.mkdir(os.path.join(self.dir, "secrets"), 0o700)
        self.process = subprocess.Popen(["unshare", "--user", "--map-root-user", "--net",
                                         "sleep", "1000"])
        self.workload = "-".join(["loc", language.lower().replace("_", "-"), *options]).replace("---", "-")

    def attach(self):
        own = os.readlink("/proc/self/ns/net")
        for _ in range(600):
            if os.readlink(f"/proc/{self.process.pid}/ns/net") != own:
                break
            time.sleep(0.05)
        connection = Connection(sys.argv[1])
        body = json.dumps({"pid": self.process.pid, "name": self.workload, "command": "sleep"})
        connection.request("POST", "/api/v1/sandbox/attach", body)
        reply = connection.getresponse()
        assert reply.status == 200, reply.read()

    def data(self, command):
        return json.loads(run_in(self.dir, command, "en", "--json")[1])

    def fill(self, command):
        while "{" in command:
            name = re.search("{(.*?)}", command).group(1)
            value = {"workload": lambda: self.workload, "dir": lambda: self.dir,
                     "srcdir": lambda: srcdir,
                     "grant": lambda: self.data("grants list")["grants"][0]["id"],
                     "request": lambda: self.data("requests list")[0]["id"]}[name]()
            command = command.replace("{" + name + "}", str(value), 1)
        return command

    def walk(self):
        self.attach()
        try:
            return {command: run_in(self.dir, self.fill(command), self.language, *self.options)
                    for command in CHANGING}
        finally:
            self.process.kill()
            self.process.wait()


def normal(text):
    """Without what differs by nature: numbers, ids, this walk's names."""
    text = re.sub(r"\b[0-9a-f]{16}\b|loc-[a-z-]+|" + re.escape(mo) + r"\S*", "#", text)
    return re.sub(r"\d+", "#", text)


def check_walk(language, english, translated):
    for command in english:
        expected, got = english[command], translated[command]
        assert expected[0] == got[0], (command, language, expected, got)
        if command in SAME:
            continue
        assert normal(expected[1] + expected[2]) != normal(got[1] + got[2]), (command, language, got)
        check_words(command, language, *got[1:])


def check_alone():
    """The bridge goes only when the kernel has told that nothing is on it any more."""
    def results(language):
        for _ in range(600):
            down = run_in(mo, "bridge down", language)
            if down[0] == 0:
                break
            time.sleep(0.05)
        return {"bridge down": down, "bridge up": run_in(mo, "bridge up", language)}

    english = results("en")
    assert all(done[0] == 0 for done in english.values()), english
    for language in languages:
        check_walk(language, english, results(language))


def check_changing():
    walks = {}
    for language in ["en"] + languages:
        walks[language] = Place(language).walk()
        failed = {c: done for c, done in walks[language].items()
                  if done[0] != 0 and c not in ("ca bundle", "ca status")}
        assert not failed, failed
    for language in languages:
        check_walk(language, walks["en"], walks[language])
        shown = walks[language]["requests show {request}"]
        assert re.search(DATES[language], shown[1]), shown
    check_alone()


def check_json():
    """With --json every command prints one JSON text, or nothing when it has failed."""
    walk = Place("de", "--json").walk()
    for command in ALONE + MOVING + SHOW:
        walk[command] = run(command, "de", "--json")
    for command, (code, out, _) in walk.items():
        assert (code != 0 and out == "") or json.loads(out) is not False, (command, code, out)


def check_complete(commands):
    """A new command needs a case."""
    cases = SHOW + MOVING + WRONG + CHANGING + ALONE + UNTRANSLATED
    missing = [c for c in commands
               if not any(case == c or case.startswith(c + " ") for case in cases)]
    assert not missing, missing


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
    assert len(commands) > 50, commands
    check_complete(commands)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(check_language, language) for language in languages]
        jobs += [pool.submit(check_help, language, commands) for language in languages]
        for job in jobs:
            job.result()
    check_changing()
    check_json()
print(len(languages), "languages,", len(commands), "commands")
