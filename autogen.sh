#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes configure and the other generated files from what is in git.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux m4
exec autoreconf --force --install --verbose "$@"
