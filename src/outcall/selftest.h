/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* `outcall selftest`: tries the known ways out from inside throw-away workloads and judges them
 * by what arrives on a far side that it watches itself. The ways, and those who watch, are
 * another program's part (src/outcall-selftest), which runs inside as well; here is who starts
 * it where, and what its lines mean. Nothing of the host is changed. One thread.
 */

#include "oc-cli.h"

#include "outcall-api/outcall-api.h"

typedef enum
{
  OC_WAY_HELD,
  OC_WAY_ESCAPED,
  OC_WAY_NOT_APPLICABLE,
} OcWayState;

/* Why a way has its state; selftest-print.c has the words. */
typedef enum
{
  OC_WAY_NO_RESULT, /* before anything is known, and in the end a failure of the test itself */
  OC_WAY_REFUSED,
  OC_WAY_IMPOSSIBLE,
  OC_WAY_SILENT,
  OC_WAY_ANSWERED,
  OC_WAY_AT_HOST,
  OC_WAY_ON_WIRE,
  OC_WAY_AT_NEIGHBOUR,
  OC_WAY_PLANTED,
  OC_WAY_ABSENT,
  OC_WAY_UNFIT,
  OC_WAY_UNWATCHED,
  OC_WAY_DISRUPTIVE,
  OC_WAY_ALLOWED, /* by the rules in force */
} OcWayReason;

typedef struct
{
  char *id, *class, *text, *detail;
  char *stage, *witness; /* words of the helper's */
  gboolean here;
  OcWayState state;
  OcWayReason reason;
  char *evidence; /* (nullable): a few English words */
} OcWay;

/* A helper in one of its roles. */
typedef struct OcSelftestRole OcSelftestRole;

typedef struct
{
  OcCli *cli;
  char **classes; /* (nullable): only these */
  const char *via; /* (nullable): a host that the rules allow */
  gboolean disruptive;
  GPtrArray *ways; /* (element-type OcWay): all, in the helper's order */
  char *helper;    /* path of the program */
  char *run;       /* the digits of this run */
  OutcallNetworkConfig *network;
  char *host, *host6; /* "": the host has no such address */
  char *dir;          /* (nullable): the scratch folder */
  char *project, *secret;
  char *port, *neighbour, *neighbour_mac; /* "" until they are known */
  char *allowed_by; /* (nullable): the rule that allows what is tried */
  gboolean watches_wire;
} OcSelftest;

/* --- selftest-ways.c ------------------------------------------------------------------- */

/* Finds the helper and reads its table. Returns: FALSE with @error. */
gboolean oc_selftest_init (OcSelftest *test, OcCli *cli, GError **error);
void oc_selftest_clear (OcSelftest *test);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OcSelftest, oc_selftest_clear)
gboolean oc_selftest_is_chosen (const OcSelftest *test, const OcWay *way);
/* @number: as the helper counts, from 1. Returns: NULL when there is none. */
OcWay *oc_selftest_get_way (const OcSelftest *test, guint64 number);
void oc_way_set (OcWay *way, OcWayState state, OcWayReason reason, const char *evidence);

OcWay *oc_selftest_find_way (const OcSelftest *test, const char *id);

/* --- selftest-judge.c ----------------------------------------------------------------- */

/* All that an inside says of the ways of @stage. Returns: FALSE with @error when it had no
 * network. */
gboolean oc_selftest_take_results (OcSelftest *test, OcSelftestRole *role, const char *stage,
                                   GError **error);
/* Ends a witness and takes what it has seen, which is an escape by @reason.
 * @role: (nullable). Returns: FALSE when it has missed something. */
gboolean oc_selftest_take_sightings (OcSelftest *test, OcSelftestRole *role, OcWayReason reason);
/* None of the ways of @stage can be tried. */
void oc_selftest_set_stage (OcSelftest *test, const char *stage, OcWayReason reason,
                            const char *evidence);
/* The witness of the wire was too slow: silence there means nothing. */
void oc_selftest_doubt_wire (OcSelftest *test);
/* What only this host lacks, and what its rules allow. */
void oc_selftest_excuse (OcSelftest *test);

/* --- selftest-run.c ------------------------------------------------------------------ */

/* Runs everything. Returns: FALSE with @error when nothing can be told. */
gboolean oc_selftest_run (OcSelftest *test, GError **error);

/* --- selftest-role.c ----------------------------------------------------------------- */

/* On the host, or, with @sandbox, in a sandbox of `outcall run`. @role: "probe", …
 * @more: (nullable): one more argument. (transfer full), NULL with @error */
OcSelftestRole *oc_selftest_role_start (OcSelftest *test, const char *role, const char *more,
                                        gboolean sandbox, GError **error);
/* The fields of its next line. (transfer full); NULL at its end */
char **oc_selftest_role_read (OcSelftestRole *role);
/* Lets one that waits go on. */
void oc_selftest_role_go (OcSelftestRole *role);
/* Attaches a network to one that has said its pid, and lets it go on.
 * Returns: FALSE with @error; @out_unfit: (out) (nullable): why it cannot be had here */
gboolean oc_selftest_role_attach (OcSelftestRole *role, const char *suffix, char **out_unfit,
                                  GError **error);
/* Ends its standard input: one that watches tells what is left and ends. */
void oc_selftest_role_end (OcSelftestRole *role);
void oc_selftest_role_free (OcSelftestRole *role);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcSelftestRole, oc_selftest_role_free)

/* --- selftest-place.c ---------------------------------------------------------------- */

/* Makes the scratch folder: a project with what is worth protecting, a secret beside it. */
gboolean oc_selftest_make_place (OcSelftest *test, GError **error);
/* What stands in the project now that should not. */
void oc_selftest_look_for_planted (OcSelftest *test);
void oc_selftest_remove_place (OcSelftest *test);
/* The host's own addresses. */
void oc_selftest_find_addresses (OcSelftest *test);

/* --- selftest-print.c ---------------------------------------------------------------- */

void oc_selftest_print (const OcSelftest *test);
void oc_selftest_print_list (const OcSelftest *test);
