/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* A borrowed run of bytes with its length. Everything that comes from a
 * workload is carried like this, so a NUL inside is seen and refused instead of
 * cutting the string short. libc only. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

typedef struct
{
  const char *data; /* not NUL-terminated; may be NULL when len is 0 */
  size_t len;
} OcStr;

#define OC_STR_INIT(literal) { (literal), sizeof (literal) - 1 }
#define OC_STR(literal) ((OcStr) OC_STR_INIT (literal))
#define OC_STR_EMPTY ((OcStr) { "", 0 })
/* For printf's "%.*s". */
#define OC_STR_ARGS(s) (int) (s).len, (s).data ? (s).data : ""

static inline OcStr
oc_str (const char *data, size_t len)
{
  return (OcStr) { data, len };
}

/* @text may be NULL, which is the empty string. */
static inline OcStr
oc_str_from (const char *text)
{
  return text ? (OcStr) { text, strlen (text) } : OC_STR_EMPTY;
}

static inline bool
oc_str_equal (OcStr a, OcStr b)
{
  return a.len == b.len && (a.len == 0 || memcmp (a.data, b.data, a.len) == 0);
}

/* ASCII case only. */
static inline bool
oc_str_equal_nocase (OcStr a, OcStr b)
{
  return a.len == b.len && (a.len == 0 || strncasecmp (a.data, b.data, a.len) == 0);
}

static inline bool
oc_str_has_prefix (OcStr s, OcStr prefix)
{
  return s.len >= prefix.len && oc_str_equal (oc_str (s.data, prefix.len), prefix);
}

static inline bool
oc_str_has_suffix (OcStr s, OcStr suffix)
{
  return s.len >= suffix.len
         && oc_str_equal (oc_str (s.data + (s.len - suffix.len), suffix.len), suffix);
}
