/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "secrets/oc-secrets.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define SECRETS_MAX 256
#define READ_MAX (OC_SECRET_VALUE_MAX + 2) /* a line feed, and one octet that is too many */

typedef struct
{
  char *name;
  gsize name_len;
  char *value; /* in the arena */
  gsize len;
} Secret;

struct OcSecrets
{
  gatomicrefcount ref_count;
  GArray *secrets;  /* of Secret, by name */
  GPtrArray *names; /* NULL-terminated */
  char *arena;      /* pages of their own: nothing else shares their fate */
  gsize size, used;
};

/* --- Memory ---------------------------------------------------------------------- */

static void
clear_secret (gpointer data)
{
  g_free (((Secret *) data)->name);
}

static OcSecrets *
secrets_new (void)
{
  OcSecrets *secrets = g_new0 (OcSecrets, 1);

  g_atomic_ref_count_init (&secrets->ref_count);
  secrets->secrets = g_array_new (FALSE, FALSE, sizeof (Secret));
  g_array_set_clear_func (secrets->secrets, clear_secret);
  secrets->names = g_ptr_array_new ();
  return secrets;
}

/* Only what is used of it costs memory. */
static gboolean
map_arena (OcSecrets *secrets, GError **error)
{
  secrets->size = (gsize) SECRETS_MAX * READ_MAX;
  secrets->arena = mmap (NULL, secrets->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                         -1, 0);
  if (secrets->arena == MAP_FAILED)
    {
      secrets->arena = NULL;
      return oc_throw_errno (error, "memory for secrets");
    }
  (void) madvise (secrets->arena, secrets->size, MADV_DONTDUMP);
  return TRUE;
}

OcSecrets *
oc_secrets_ref (OcSecrets *secrets)
{
  g_atomic_ref_count_inc (&secrets->ref_count);
  return secrets;
}

void
oc_secrets_unref (OcSecrets *secrets)
{
  if (secrets == NULL || !g_atomic_ref_count_dec (&secrets->ref_count))
    return;
  if (secrets->arena != NULL)
    {
      explicit_bzero (secrets->arena, secrets->used);
      (void) munmap (secrets->arena, secrets->size);
    }
  g_array_unref (secrets->secrets);
  g_ptr_array_unref (secrets->names);
  g_free (secrets);
}

/* --- Loading ----------------------------------------------------------------------- */

static gboolean
is_name_char (char c)
{
  return g_ascii_islower (c) || g_ascii_isdigit (c) || c == '-' || c == '_';
}

gboolean
oc_secret_name_is_valid (OcStr name)
{
  if (name.len == 0 || name.len > OC_SECRET_NAME_MAX || name.data[0] == '-'
      || name.data[0] == '_')
    return FALSE;
  for (gsize i = 0; i < name.len; i++)
    if (!is_name_char (name.data[i]))
      return FALSE;
  return TRUE;
}

const char *
oc_secret_check_value (OcStr value)
{
  if (value.len > OC_SECRET_VALUE_MAX)
    return "is longer than " G_STRINGIFY (OC_SECRET_VALUE_MAX) " octets";
  if (value.len == 0)
    return "is empty";
  for (gsize i = 0; i < value.len; i++)
    if ((guchar) value.data[i] < 0x20 || value.data[i] == 0x7f)
      return "has control characters";
  return NULL;
}

static const Secret *
find (const OcSecrets *secrets, OcStr name)
{
  for (guint i = 0; secrets != NULL && i < secrets->secrets->len; i++)
    {
      const Secret *secret = &g_array_index (secrets->secrets, Secret, i);

      if (oc_str_equal (oc_str (secret->name, secret->name_len), name))
        return secret;
    }
  return NULL;
}

/* Into the arena, and no copy anywhere else. @out_len: without the line feed at the end */
static gboolean
read_value (OcSecrets *secrets, int fd, const char *path, gsize *out_len, GError **error)
{
  char *to = secrets->arena + secrets->used;
  const char *wrong;
  gsize len;

  if (!oc_file_read_all (fd, to, READ_MAX, &len))
    return oc_throw_errno (error, "%s", path);
  secrets->used += len;
  if (len > 0 && to[len - 1] == '\n')
    len--;
  wrong = oc_secret_check_value (oc_str (to, len));
  if (wrong != NULL)
    return oc_throw (error, "%s %s", path, wrong);
  *out_len = len;
  return TRUE;
}

static gboolean
add_file (OcSecrets *secrets, int dir_fd, const char *dir, const char *file, const char *name,
          GError **error)
{
  g_autofree char *path = g_build_filename (dir, file, NULL);
  oc_autofd int fd = -1;
  Secret secret = { 0 };

  if (!oc_secret_name_is_valid (oc_str_from (name)))
    return oc_throw (error, "%s: names of secrets are lower case letters, digits, '-' and '_'",
                     path);
  if (secrets->secrets->len >= SECRETS_MAX)
    return oc_throw (error, "%s: more than %d secrets", dir, SECRETS_MAX);
  fd = openat (dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return oc_throw_errno (error, "%s", path);
  if (secrets->arena == NULL && !map_arena (secrets, error))
    return FALSE;
  secret.value = secrets->arena + secrets->used;
  if (!oc_file_check_private (fd, path, error) || !read_value (secrets, fd, path, &secret.len, error))
    return FALSE;
  secret.name = g_strdup (name);
  secret.name_len = strlen (name);
  g_array_append_val (secrets->secrets, secret);
  return TRUE;
}

/* @prefix: of the files that are meant. What is there already stays. */
static gboolean
add_dir (OcSecrets *secrets, const char *dir, const char *prefix, GError **error)
{
  oc_autofd int fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GDir) listing = NULL;
  const char *file;

  if (fd < 0 && errno == ENOENT)
    return TRUE;
  if (fd < 0)
    return oc_throw_errno (error, "%s", dir);
  listing = g_dir_open (dir, 0, error);
  if (listing == NULL)
    return FALSE;
  while ((file = g_dir_read_name (listing)) != NULL)
    if (g_str_has_prefix (file, prefix)
        && find (secrets, oc_str_from (file + strlen (prefix))) == NULL
        && !add_file (secrets, fd, dir, file, file + strlen (prefix), error))
      return FALSE;
  return TRUE;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (((const Secret *) a)->name, ((const Secret *) b)->name);
}

OcSecrets *
oc_secrets_load (const char *dir, const char *credentials, GError **error)
{
  g_autoptr (OcSecrets) secrets = secrets_new ();

  if (!add_dir (secrets, dir, "", error)
      || (credentials != NULL
          && !add_dir (secrets, credentials, OC_SECRET_CREDENTIAL_PREFIX, error)))
    return NULL;
  g_array_sort (secrets->secrets, compare);
  for (guint i = 0; i < secrets->secrets->len; i++)
    g_ptr_array_add (secrets->names, g_array_index (secrets->secrets, Secret, i).name);
  g_ptr_array_add (secrets->names, NULL);
  /* Limits may forbid it; they would be swapped then, like everything else. */
  if (secrets->used > 0)
    (void) mlock (secrets->arena, secrets->used);
  return g_steal_pointer (&secrets);
}

/* --- Using --------------------------------------------------------------------------- */

gsize
oc_secrets_get_n (const OcSecrets *secrets)
{
  return secrets != NULL ? secrets->secrets->len : 0;
}

const char *const *
oc_secrets_get_names (const OcSecrets *secrets)
{
  static const char *const none[] = { NULL };

  return secrets != NULL ? (const char *const *) secrets->names->pdata : none;
}

gboolean
oc_secrets_lookup (const OcSecrets *secrets, OcStr name, OcStr *out_value)
{
  const Secret *secret = find (secrets, name);

  if (secret != NULL)
    *out_value = oc_str (secret->value, secret->len);
  return secret != NULL;
}

OcStr
oc_secrets_find_placeholder (OcStr text)
{
  const OcStr prefix = OC_STR (OC_SECRET_PLACEHOLDER_PREFIX);
  const char *at;

  while (text.len > 0 && (at = memmem (text.data, text.len, prefix.data, prefix.len)) != NULL)
    {
      gsize len = 0;

      at += prefix.len;
      text = oc_str (at, text.len - (gsize) (at - text.data));
      while (len < text.len && is_name_char (at[len]))
        len++;
      if (len > 0)
        return oc_str (at, len);
    }
  return OC_STR_EMPTY;
}

/* Returns: the length of the longest value that @text begins with; 0: none */
static gsize
measure_value (const OcSecrets *secrets, OcStr text)
{
  gsize longest = 0;

  for (guint i = 0; i < secrets->secrets->len; i++)
    {
      const Secret *secret = &g_array_index (secrets->secrets, Secret, i);

      if (secret->len >= OC_SECRET_REDACTED_MIN && secret->len > longest
          && oc_str_has_prefix (text, oc_str (secret->value, secret->len)))
        longest = secret->len;
    }
  return longest;
}

/* Values may overlap: an octet goes only when every value that begins at it was looked for. */
gboolean
oc_secrets_redact (const OcSecrets *secrets, char *text, gsize len)
{
  bool begins[256] = { false };
  gboolean found = FALSE;
  gsize end = 0;

  for (guint i = 0; secrets != NULL && i < secrets->secrets->len; i++)
    begins[(guchar) *g_array_index (secrets->secrets, Secret, i).value] = true;
  for (gsize i = 0; secrets != NULL && i < len; i++)
    {
      if (begins[(guchar) text[i]])
        end = MAX (end, i + measure_value (secrets, oc_str (text + i, len - i)));
      if (i >= end)
        continue;
      text[i] = '*';
      found = TRUE;
    }
  return found;
}
