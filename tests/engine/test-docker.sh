#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The cases of cases.sh on Docker Engine.
ENGINE=docker
ENGINE_PROGRAM=dockerd
# shellcheck source=tests/engine/cases.sh
. "$OUTCALL_SRCDIR/tests/engine/cases.sh"
