#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The engines that `make check-engine` tests, without starting their services. Without
# root nothing is installed, and the tests skip.
[ "$(id -u)" = 0 ] || exit 0
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=scripts/deps.sh
. scripts/deps.sh
deps_install engine
