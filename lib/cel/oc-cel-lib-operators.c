/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"

/* Operators that have instructions of their own. Their overloads are for the checker. */

#define ORDERED(op)                                                                                \
  { op, "(bool, bool) -> bool", NULL }, { op, "(int, int) -> bool", NULL },                        \
      { op, "(uint, uint) -> bool", NULL }, { op, "(double, double) -> bool", NULL },              \
      { op, "(int, uint) -> bool", NULL }, { op, "(int, double) -> bool", NULL },                  \
      { op, "(uint, int) -> bool", NULL }, { op, "(uint, double) -> bool", NULL },                 \
      { op, "(double, int) -> bool", NULL }, { op, "(double, uint) -> bool", NULL },               \
      { op, "(string, string) -> bool", NULL }, { op, "(bytes, bytes) -> bool", NULL },            \
      { op, "(timestamp, timestamp) -> bool", NULL },                                              \
      { op, "(duration, duration) -> bool", NULL }

const OcCelDecl oc_cel_lib_operators[] = {
  { "_==_", "(A, A) -> bool", NULL },
  { "_!=_", "(A, A) -> bool", NULL },
  ORDERED ("_<_"),
  ORDERED ("_<=_"),
  ORDERED ("_>_"),
  ORDERED ("_>=_"),
  { "!_", "(bool) -> bool", NULL },
  { "@in", "(A, list(A)) -> bool", NULL },
  { "@in", "(A, map(A, B)) -> bool", NULL },
  { "_[_]", "(list(A), int) -> A", NULL },
  { "_[_]", "(map(A, B), A) -> B", NULL },
  { "_[_]", "(optional_type(list(A)), int) -> optional_type(A)", NULL },
  { "_[_]", "(optional_type(map(A, B)), A) -> optional_type(B)", NULL },
  { "_[?_]", "(list(A), int) -> optional_type(A)", NULL },
  { "_[?_]", "(map(A, B), A) -> optional_type(B)", NULL },
  { "_[?_]", "(optional_type(list(A)), int) -> optional_type(A)", NULL },
  { "_[?_]", "(optional_type(map(A, B)), A) -> optional_type(B)", NULL },
  { NULL, NULL, NULL },
};
