/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
#ifndef OUTCALL_API_JSON_H
#define OUTCALL_API_JSON_H

#if !defined(OUTCALL_API_INSIDE) && !defined(OUTCALL_API_COMPILATION)
#error "Only <outcall-api/outcall-api.h> can be included directly."
#endif

/* JSON text to and from nodes, words of the enumerations, errors. The functions
 * per type are in boxed.h. */

#include "export.h"
#include "types.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define OUTCALL_API_ERROR (outcall_api_error_quark ())
OUTCALL_EXPORT GQuark outcall_api_error_quark (void);

typedef enum
{
  OUTCALL_API_ERROR_SYNTAX,         /* the text is not JSON */
  OUTCALL_API_ERROR_TOO_DEEP,       /* nesting over OUTCALL_JSON_DEPTH_MAX */
  OUTCALL_API_ERROR_BAD_STRING,     /* not UTF-8, or with a NUL */
  OUTCALL_API_ERROR_WRONG_TYPE,     /* also a word that is not in the enumeration */
  OUTCALL_API_ERROR_OUT_OF_RANGE,   /* also an integer over 64 bits */
  OUTCALL_API_ERROR_MISSING_MEMBER,
  OUTCALL_API_ERROR_UNKNOWN_MEMBER,
  OUTCALL_API_ERROR_DUPLICATE_MEMBER,
  OUTCALL_API_ERROR_FAILED,         /* outcall_api_response_unwrap(): the peer's refusal */
} OutcallApiError;

/* Makes json_boxed_serialize() and json_boxed_deserialize() work for every
 * type. Idempotent. Thread: call it before others exist that use these two; the
 * functions in boxed.h do not need it. */
OUTCALL_EXPORT void outcall_api_init (void);

/* JSON Schema (2020-12) of every type: an object with a member for each, named as the
 * struct without "Outcall", that refers to others as "#/components/schemas/…", as
 * OpenAPI 3.1 wants it. (transfer full). Thread: any. */
OUTCALL_EXPORT JsonNode *outcall_api_make_schemas (void) G_GNUC_WARN_UNUSED_RESULT;

/* Reads exactly one JSON value (RFC 8259 and nothing more) from @len bytes.
 * Hostile bytes are fine: the nesting is bounded before anything recurses.
 * Returns: (transfer full): NULL with OUTCALL_API_ERROR and the byte's position in
 * the message. Thread: any. */
OUTCALL_EXPORT JsonNode *outcall_json_parse (const char *data, gsize len,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* One line without blanks. Use it in the place of json_to_string(), whose text is
 * not always JSON. The strings in @node are UTF-8. (transfer full). Thread: any. */
OUTCALL_EXPORT char *outcall_json_print (JsonNode *node) G_GNUC_WARN_UNUSED_RESULT;

/* Takes an envelope's text apart, for clients.
 * @out_data: (out) (transfer full) (nullable): its data; NULL when there is none.
 *   Also set when the peer refused with data.
 * Returns: FALSE when it is no envelope, or, with OUTCALL_API_ERROR_FAILED and the
 * peer's own text, when it says that the request failed. Thread: any. */
OUTCALL_EXPORT gboolean outcall_api_response_unwrap (const char *data, gsize len,
                                                     JsonNode **out_data, GError **error);

/* Words as in JSON. _to_string: static, NULL for a number that is no member.
 * _from_string: FALSE for an unknown word, @out untouched. Thread: any. */
#define OUTCALL_DECLARE_ENUM(Type, type)                                                          \
  OUTCALL_EXPORT const char *outcall_##type##_to_string (Type value);                             \
  OUTCALL_EXPORT gboolean outcall_##type##_from_string (const char *word, Type *out);

OUTCALL_DECLARE_ENUM (OutcallRuleAction, rule_action)
OUTCALL_DECLARE_ENUM (OutcallRuleRequestStatus, rule_request_status)
OUTCALL_DECLARE_ENUM (OutcallRuntime, runtime)
OUTCALL_DECLARE_ENUM (OutcallLayer, layer)
OUTCALL_DECLARE_ENUM (OutcallOutcome, outcome)
OUTCALL_DECLARE_ENUM (OutcallLookup, lookup)
OUTCALL_DECLARE_ENUM (OutcallEgressMode, egress_mode)
OUTCALL_DECLARE_ENUM (OutcallProtocol, protocol)
OUTCALL_DECLARE_ENUM (OutcallSeverity, severity)
OUTCALL_DECLARE_ENUM (OutcallState, state)
OUTCALL_DECLARE_ENUM (OutcallActionType, action_type)

G_END_DECLS

#endif
