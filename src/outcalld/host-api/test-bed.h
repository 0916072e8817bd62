/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* The API over the real subsystems on the real kernel, in a namespace of its own, and
 * clients of it. For the tests of this folder. */

#include "host-api/oc-host-api-private.h"

typedef struct
{
  char *dir, *rules_dir, *state_dir, *socket;
  OcSnapshotHub *hub;
  OcFirewall *firewall;
  OcNetworks *networks;
  OcWorkloads *workloads;
  OcRules *rules;
  OcRequests *requests;
  OcLog *log;
  OcLogProducer *producer;
  OcDns *dns;
  OcProxy *proxy;
  OcHostApi *api;
} Bed;

extern Bed bed;

/* Makes the bed and starts the API; ends both. */
void start (void);
void stop (void);
void write_rules (const char *name, const char *text);
void push (gboolean allowed, const char *agent, const char *host);

/* Returns: the status; the body in @out_body. */
guint request (const char *method, const char *target, const char *body, char **out_body);
/* The data of an answer that must have @status. (transfer full) (nullable) */
JsonNode *call (const char *method, const char *target, const char *body, guint status);
void expect (const char *method, const char *target, const char *body, guint status);
/* A command that runs while the API answers. @out_output: (transfer full).
 * Returns: the exit code. */
int run_aside (const char *command, char **out_output);

/* A client of GET /events. */
typedef struct
{
  int fd;
  GString *received;
  const char *until;
} Stream;

/* @last_id: (nullable): the id of the last event that was seen */
Stream open_stream_after (const char *target, const char *last_id);
Stream open_stream (const char *target);
/* Until the text has come; it stays in @received. */
void await (Stream *stream, const char *until);
void close_stream (Stream *stream);
