/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Set-and-return in one line for functions that take a GError. Each helper
 * returns what a failing function returns, so a failure is one statement:
 *
 *   if (ioctl (fd, SIOCBRADDIF, &req) < 0)
 *     return oc_throw_errno (error, "add port %s to bridge %s", port, bridge);
 *
 * Any thread.
 */

#include <gio/gio.h>

/* G_IO_ERROR_FAILED with the formatted text. Returns: FALSE */
gboolean oc_throw (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @code is a GIOErrorEnum that some caller branches on. Returns: FALSE */
gboolean oc_throw_code (GError **error, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* "<formatted text>: <errno in words>", with the GIOErrorEnum for errno.
 * Returns: FALSE */
gboolean oc_throw_errno (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* As oc_throw_errno() for an errno held in @err (netlink answers carry theirs).
 * Returns: FALSE */
gboolean oc_throw_errnum (GError **error, int err, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* Puts "<formatted text>: " before the message already in @error.
 * Returns: FALSE */
gboolean oc_prefix (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The same for functions that return a pointer or a file descriptor. */
#define oc_throw_null(...) (oc_throw (__VA_ARGS__), NULL)
#define oc_throw_code_null(...) (oc_throw_code (__VA_ARGS__), NULL)
#define oc_throw_errno_null(...) (oc_throw_errno (__VA_ARGS__), NULL)
#define oc_throw_errno_fd(...) (oc_throw_errno (__VA_ARGS__), -1)
#define oc_prefix_null(...) (oc_prefix (__VA_ARGS__), NULL)
