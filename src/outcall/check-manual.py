#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""check-manual.py PAGE COMMANDS: the entries under COMMANDS of outcall(1) against the table of
commands. COMMANDS has lines "command<TAB>option option…", as the program tells them. Each
command has an entry, each of its options stands in it; no entry's heading names a command or
an option that is not there. Prints what differs."""
import re
import sys

GLOBAL = {"--socket", "--json", "--no-color", "--help"}


def clean(line):
    line = re.sub(r"\\f.", "", line).replace(r"\-", "-").replace(r"\&", "")
    return re.sub(r"^\.(?:B|I|BI|BR|RB|IR|RI) ", "", line)


def entries(page):
    """Pairs of heading and whole text."""
    lines = re.search(r"^\.SH COMMANDS\n(.*?)^\.SH ", page, re.M | re.S).group(1).split("\n")
    found = []
    for at, line in enumerate(lines):
        if line == ".TP":
            continue
        if at > 0 and lines[at - 1] == ".TP":
            found.append([clean(line), ""])
        if found:
            found[-1][1] += clean(line) + "\n"
    return found


def named(heading, commands):
    """The commands that a heading is about: "bridge status|up", "network list, network status"."""
    result = []
    for part in heading.split(", "):
        words = re.match(r"[a-z|-]+(?: [a-z|]+(?![a-z]))?", part).group(0).split(" ")
        choices = words[-1].split("|")
        for choice in choices:
            full = " ".join(words[:-1] + [choice])
            result.append(full if full in commands else full.split(" ")[0])
    return result


page = open(sys.argv[1], encoding="utf-8").read()
commands = {}
for line in open(sys.argv[2], encoding="utf-8"):
    command, _, options = line.rstrip("\n").partition("\t")
    commands[command] = set(options.split()) - GLOBAL
seen = {}
for heading, text in entries(page):
    about = named(heading, commands)
    for command in about:
        if command not in commands:
            print(f"there is no command '{command}': {heading}")
            continue
        seen[command] = text
    known = set().union(*(commands.get(command, ()) for command in about))
    for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", heading):
        if option not in known:
            print(f"{'/'.join(about)} has no option {option}")
for command, options in commands.items():
    if command not in seen:
        print(f"{command} has no entry")
        continue
    for option in sorted(options):
        if not re.search(rf"(?<![\w-]){option}(?![\w-])", seen[command]):
            print(f"the entry of {command} does not name {option}")
