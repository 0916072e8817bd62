#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The cases of cases.sh on Podman's service.
ENGINE=podman
ENGINE_PROGRAM=podman
# shellcheck source=tests/engine/cases.sh
. "$OUTCALL_SRCDIR/tests/engine/cases.sh"
