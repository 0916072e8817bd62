/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the files of the frame share. */

#include "oc-cli.h"

/* Whether @words are the first words of @name, or all of it; "" is always. */
gboolean oc_cli_starts_with_words (const char *name, const char *words);
/* `outcall __complete WORD…`; @argv: the words. */
int oc_cli_complete (OcCli *cli, int argc, char **argv);
