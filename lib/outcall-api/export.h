/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#ifndef OUTCALL_API_EXPORT_H
#define OUTCALL_API_EXPORT_H

/* The library is compiled with hidden symbols; this marks the public ones. */
#define OUTCALL_EXPORT __attribute__ ((visibility ("default")))

#endif
