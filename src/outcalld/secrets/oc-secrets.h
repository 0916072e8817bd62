/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What the proxy puts into requests and no workload ever has. A set is
 * immutable and reference counted; a reload makes a new one. The values lie in
 * memory that is not swapped, where the kernel lets it, and not dumped.
 */

#include "common/oc-str.h"

#include <gio/gio.h>

#define OC_SECRET_NAME_MAX 64
#define OC_SECRET_VALUE_MAX 8192
/* What a workload may hold in the place of the secret NAME: this and NAME. */
#define OC_SECRET_PLACEHOLDER_PREFIX "outcall-secret-"
/* Of a credential that is a secret (systemd's LoadCredential=). */
#define OC_SECRET_CREDENTIAL_PREFIX "outcall-secret."
/* Shorter values are not looked for in answers: they are everywhere. */
#define OC_SECRET_REDACTED_MIN 8

typedef struct OcSecrets OcSecrets;

/* One secret for each file of @dir, by its name (a folder that is not there is empty), and for
 * each of @credentials (nullable) whose name begins with OC_SECRET_CREDENTIAL_PREFIX; what both
 * have is @dir's. One line feed at the end is left out. A name that is not [a-z0-9][a-z0-9_-]*,
 * a file that others may use or that is none, an empty value and one with control characters
 * are errors. Names in @error, never values. */
OcSecrets *oc_secrets_load (const char *dir, const char *credentials, GError **error);
OcSecrets *oc_secrets_ref (OcSecrets *secrets);
/* The last one wipes the values. */
void oc_secrets_unref (OcSecrets *secrets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OcSecrets, oc_secrets_unref)

gboolean oc_secret_name_is_valid (OcStr name);
/* Returns: what is wrong with a value ("is empty", …), static; NULL: nothing. */
const char *oc_secret_check_value (OcStr value);

/* The rest allocates nothing; @secrets may be NULL, which is none. Thread: any. */

gsize oc_secrets_get_n (const OcSecrets *secrets);
/* In order, NULL-terminated. Borrowed. */
const char *const *oc_secrets_get_names (const OcSecrets *secrets);
gboolean oc_secrets_lookup (const OcSecrets *secrets, OcStr name, OcStr *out_value);
/* The name in the first placeholder of @text, whether there is such a secret or not; empty: no
 * placeholder. */
OcStr oc_secrets_find_placeholder (OcStr text);
/* Puts "*" in the place of each octet of each value in @text. Returns: whether there was any. */
gboolean oc_secrets_redact (const OcSecrets *secrets, char *text, gsize len);
