/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#ifndef OUTCALL_API_H
#define OUTCALL_API_H

/* Types and constants of Outcall's two APIs, and their JSON form. No I/O. A
 * program without GLib includes <outcall-api/types.h> and
 * <outcall-api/constants.h> instead, and links nothing. */

#define OUTCALL_API_INSIDE

#include "constants.h"

#include "types.h"

#include "boxed.h"
#include "json.h"

#undef OUTCALL_API_INSIDE

#endif
