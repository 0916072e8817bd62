/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Puts a test program into a network namespace of its own, so that it can make
 * links and rulesets on the real kernel and leaves nothing behind, even killed.
 */

#include <glib.h>

/* Call first in main(), before any thread exists. Root: a new network and mount
 * namespace; others: a user namespace too, with root mapped. `lo` is up, a
 * private /sys is mounted where possible.
 * Where neither works the program prints a TAP skip and exits with 0;
 * OUTCALL_REQUIRE_NETNS=1 makes that a failure. */
void oc_test_enter_netns (void);

/* Runs a command line through /bin/sh; aborts the test when it fails. */
void oc_test_run (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Its exit status instead; output is (nullable) (transfer full). */
int oc_test_try (char **out_output, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* What will happen is waited for so long, however busy the machine is: a figure
 * that the specification gives is measured, not waited for. */
#define OC_TEST_PATIENCE_S 120

/* Calls @ready every few milliseconds, running the default main context in
 * between, until it is TRUE. Returns: FALSE when patience ends. */
gboolean oc_test_wait (gboolean (*ready) (gpointer), gpointer user_data);
/* The same for what would be wrong if it came later, or takes long. */
gboolean oc_test_wait_ms (gboolean (*ready) (gpointer), gpointer user_data, guint timeout_ms);
