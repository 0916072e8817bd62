/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "secrets/oc-secrets.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *dir, *credentials;
} Folders;

static void
set_up (Folders *folders, gconstpointer data)
{
  folders->dir = g_dir_make_tmp ("outcall-secrets-XXXXXX", NULL);
  folders->credentials = g_dir_make_tmp ("outcall-credentials-XXXXXX", NULL);
  g_assert_nonnull (folders->dir);
  g_assert_nonnull (folders->credentials);
}

static void
remove_folder (char *dir)
{
  GDir *listing = g_dir_open (dir, 0, NULL);
  const char *name;

  g_assert_nonnull (listing);
  while ((name = g_dir_read_name (listing)) != NULL)
    {
      g_autofree char *path = g_build_filename (dir, name, NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_dir_close (listing);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
  g_free (dir);
}

static void
tear_down (Folders *folders, gconstpointer data)
{
  remove_folder (folders->dir);
  remove_folder (folders->credentials);
}

static void
put_bytes (const char *dir, const char *name, const char *value, gsize len)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, value, (gssize) len, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
}

static void
put (const char *dir, const char *name, const char *value)
{
  put_bytes (dir, name, value, strlen (value));
}

static OcSecrets *
load (const Folders *folders)
{
  g_autoptr (GError) error = NULL;
  OcSecrets *secrets = oc_secrets_load (folders->dir, folders->credentials, &error);

  g_assert_no_error (error);
  g_assert_nonnull (secrets);
  return secrets;
}

static void
assert_value (const OcSecrets *secrets, const char *name, const char *expected)
{
  OcStr value = OC_STR_EMPTY;

  g_assert_true (oc_secrets_lookup (secrets, oc_str_from (name), &value));
  g_assert_cmpmem (value.data, value.len, expected, strlen (expected));
}

/* @part: of the message */
static void
assert_refused (const Folders *folders, const char *name, const char *part)
{
  g_autofree char *path = g_build_filename (folders->dir, name, NULL);
  g_autoptr (GError) error = NULL;
  OcSecrets *secrets = oc_secrets_load (folders->dir, folders->credentials, &error);

  g_assert_null (secrets);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, part));
  g_assert_cmpint (g_remove (path), ==, 0);
}

/* --- Loading -------------------------------------------------------------------- */

static void
test_load (Folders *folders, gconstpointer data)
{
  g_autoptr (OcSecrets) secrets = NULL;
  const char *const *names;
  OcStr value = OC_STR ("untouched");

  put (folders->dir, "zeta", "value of zeta");
  put (folders->dir, "0-a_b", "value of 0");
  put (folders->dir, "both", "from the folder");
  put (folders->credentials, OC_SECRET_CREDENTIAL_PREFIX "both", "from the credentials");
  put (folders->credentials, OC_SECRET_CREDENTIAL_PREFIX "given", "value of given\n");
  put (folders->credentials, "Other.Credential", "");
  secrets = load (folders);
  g_assert_cmpuint (oc_secrets_get_n (secrets), ==, 4);
  names = oc_secrets_get_names (secrets);
  g_assert_cmpstr (names[0], ==, "0-a_b");
  g_assert_cmpstr (names[1], ==, "both");
  g_assert_cmpstr (names[2], ==, "given");
  g_assert_cmpstr (names[3], ==, "zeta");
  g_assert_null (names[4]);
  assert_value (secrets, "zeta", "value of zeta");
  assert_value (secrets, "0-a_b", "value of 0");
  assert_value (secrets, "both", "from the folder");
  assert_value (secrets, "given", "value of given");

  g_assert_false (oc_secrets_lookup (secrets, OC_STR ("zet"), &value));
  g_assert_false (oc_secrets_lookup (secrets, OC_STR ("zeta\0"), &value));
  g_assert_false (oc_secrets_lookup (secrets, OC_STR ("ZETA"), &value));
  g_assert_false (oc_secrets_lookup (secrets, OC_STR_EMPTY, &value));
  g_assert_true (oc_str_equal (value, OC_STR ("untouched")));
}

/* A set is what it was when it was loaded, as long as one holds it. */
static void
test_reference (Folders *folders, gconstpointer data)
{
  OcSecrets *secrets;

  put (folders->dir, "one", "first value");
  secrets = load (folders);
  put (folders->dir, "one", "second value");
  g_assert_true (oc_secrets_ref (secrets) == secrets);
  oc_secrets_unref (secrets);
  assert_value (secrets, "one", "first value");
  oc_secrets_unref (secrets);
  oc_secrets_unref (NULL);
}

static void
test_missing_folders (Folders *folders, gconstpointer data)
{
  g_autofree char *none = g_build_filename (folders->dir, "none", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (OcSecrets) secrets = oc_secrets_load (none, NULL, &error);
  g_autoptr (OcSecrets) second = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (oc_secrets_get_n (secrets), ==, 0);
  g_assert_null (oc_secrets_get_names (secrets)[0]);
  put (folders->credentials, OC_SECRET_CREDENTIAL_PREFIX "given", "value");
  second = oc_secrets_load (none, folders->credentials, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (oc_secrets_get_n (second), ==, 1);
}

/* Only a folder that is not there is empty. */
static void
test_not_a_folder (Folders *folders, gconstpointer data)
{
  g_autofree char *path = g_build_filename (folders->credentials, "file", NULL);
  g_autoptr (GError) error = NULL;

  put (folders->credentials, "file", "value");
  g_assert_null (oc_secrets_load (path, NULL, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, path));
}

static const struct
{
  const char *name;
  gboolean valid;
} name_cases[] = {
  { "a", TRUE },
  { "0", TRUE },
  { "a-b_c-9", TRUE },
  { "a-", TRUE },
  { "", FALSE },
  { "-a", FALSE },
  { "_a", FALSE },
  { ".a", FALSE },
  { "a.b", FALSE },
  { "A", FALSE },
  { "aB", FALSE },
  { "a b", FALSE },
  { "a/b", FALSE },
  { "gr\xc3\xbcn", FALSE },
};

static void
test_names (void)
{
  g_autofree char *longest = g_strnfill (OC_SECRET_NAME_MAX, 'x');
  g_autofree char *too_long = g_strnfill (OC_SECRET_NAME_MAX + 1, 'x');

  for (gsize i = 0; i < G_N_ELEMENTS (name_cases); i++)
    {
      g_test_message ("%s", name_cases[i].name);
      g_assert_cmpint (oc_secret_name_is_valid (oc_str_from (name_cases[i].name)), ==,
                       name_cases[i].valid);
    }
  g_assert_false (oc_secret_name_is_valid (OC_STR ("a\0b")));
  g_assert_true (oc_secret_name_is_valid (oc_str_from (longest)));
  g_assert_false (oc_secret_name_is_valid (oc_str_from (too_long)));
}

static void
test_refused_names (Folders *folders, gconstpointer data)
{
  g_autofree char *too_long = g_strnfill (OC_SECRET_NAME_MAX + 1, 'x');
  const char *const names[] = { "Upper", "-dash", ".hidden", "a.b", "backup~", too_long };
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      put (folders->dir, names[i], "value");
      assert_refused (folders, names[i], "names of secrets are");
    }
  put (folders->credentials, OC_SECRET_CREDENTIAL_PREFIX, "value");
  g_assert_null (oc_secrets_load (folders->dir, folders->credentials, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "names of secrets are"));
}

static void
test_refused_files (Folders *folders, gconstpointer data)
{
  static const mode_t modes[] = { 0644, 0640, 0604, 0620, 0602, 0700, 0601 };
  g_autofree char *path = g_build_filename (folders->dir, "bad", NULL);
  g_autofree char *target = g_build_filename (folders->credentials, "target", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      put (folders->dir, "bad", "value");
      g_assert_cmpint (g_chmod (path, modes[i]), ==, 0);
      assert_refused (folders, "bad", "its mode must be 0600");
    }
  put (folders->credentials, "target", "value");
  g_assert_cmpint (symlink (target, path), ==, 0);
  assert_refused (folders, "bad", g_strerror (ELOOP));
  /* It must not wait for somebody who writes. */
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  assert_refused (folders, "bad", "is not a plain file");
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  assert_refused (folders, "bad", "is not a plain file");
  if (geteuid () == 0)
    {
      put (folders->dir, "bad", "value");
      g_assert_cmpint (chown (path, 65534, 65534), ==, 0);
      assert_refused (folders, "bad", "belongs to another user");
    }
}

/* systemd's credentials are 0400. */
static void
test_read_only (Folders *folders, gconstpointer data)
{
  g_autofree char *path
      = g_build_filename (folders->credentials, OC_SECRET_CREDENTIAL_PREFIX "given", NULL);
  g_autoptr (OcSecrets) secrets = NULL;

  put (folders->credentials, OC_SECRET_CREDENTIAL_PREFIX "given", "value");
  g_assert_cmpint (g_chmod (path, 0400), ==, 0);
  secrets = load (folders);
  assert_value (secrets, "given", "value");
}

static const struct
{
  OcStr value;
  const char *message;
} value_cases[] = {
  { OC_STR_INIT (""), "is empty" },
  { OC_STR_INIT ("\n"), "is empty" },
  { OC_STR_INIT ("confidential\n\n"), "has control characters" },
  { OC_STR_INIT ("\nconfidential"), "has control characters" },
  { OC_STR_INIT ("confidential\r\n"), "has control characters" },
  { OC_STR_INIT ("confidential\tx"), "has control characters" },
  { OC_STR_INIT ("confidential\x1b"), "has control characters" },
  { OC_STR_INIT ("confidential\x7f"), "has control characters" },
  { OC_STR_INIT ("confidential\0x"), "has control characters" },
  { OC_STR_INIT ("confidential\0"), "has control characters" },
};

/* The message never has the value. */
static void
test_refused_values (Folders *folders, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (value_cases); i++)
    {
      g_autoptr (GError) error = NULL;

      put_bytes (folders->dir, "bad", value_cases[i].value.data, value_cases[i].value.len);
      g_assert_null (oc_secrets_load (folders->dir, NULL, &error));
      g_assert_nonnull (error);
      g_assert_null (strstr (error->message, "confidential"));
      assert_refused (folders, "bad", value_cases[i].message);
    }
}

static void
test_long_values (Folders *folders, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (OC_SECRET_VALUE_MAX, 'x');
  g_autofree char *with_end = g_strconcat (longest, "\n", NULL);
  g_autofree char *too_long = g_strconcat (longest, "x", NULL);
  g_autofree char *too_long_with_end = g_strconcat (longest, "\n\n", NULL);
  g_autoptr (OcSecrets) secrets = NULL;

  put (folders->dir, "a", longest);
  put (folders->dir, "b", with_end);
  put (folders->dir, "c", "short \xc3\xbc\n");
  secrets = load (folders);
  assert_value (secrets, "a", longest);
  assert_value (secrets, "b", longest);
  assert_value (secrets, "c", "short \xc3\xbc");
  put (folders->dir, "bad", too_long);
  assert_refused (folders, "bad", "is longer than 8192 octets");
  put (folders->dir, "bad", too_long_with_end);
  assert_refused (folders, "bad", "is longer than 8192 octets");
}

/* All of them as long as can be. */
static void
test_many (Folders *folders, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (OC_SECRET_VALUE_MAX + 1, 'x');
  g_autoptr (OcSecrets) secrets = NULL;
  g_autoptr (GError) error = NULL;

  longest[OC_SECRET_VALUE_MAX] = '\n';
  for (guint i = 0; i < 256; i++)
    {
      char name[16];

      g_snprintf (name, sizeof name, "n%03u", i);
      memcpy (longest, name, strlen (name));
      put (folders->dir, name, longest);
    }
  secrets = load (folders);
  g_assert_cmpuint (oc_secrets_get_n (secrets), ==, 256);
  for (guint i = 0; i < 256; i++)
    {
      const char *name = oc_secrets_get_names (secrets)[i];
      OcStr value = OC_STR_EMPTY;

      g_assert_true (oc_secrets_lookup (secrets, oc_str_from (name), &value));
      g_assert_cmpuint (value.len, ==, OC_SECRET_VALUE_MAX);
      g_assert_true (oc_str_has_prefix (value, oc_str_from (name)));
      g_assert_true (oc_str_has_suffix (value, OC_STR ("xxxx")));
    }
  /* What the folder has already does not count again. */
  put (folders->credentials, OC_SECRET_CREDENTIAL_PREFIX "n000", "value");
  oc_secrets_unref (load (folders));
  put (folders->credentials, OC_SECRET_CREDENTIAL_PREFIX "more", "value");
  g_assert_null (oc_secrets_load (folders->dir, folders->credentials, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "more than 256 secrets"));
}

/* --- Placeholders ------------------------------------------------------------------ */

static const struct
{
  OcStr text;
  const char *name;
} placeholder_cases[] = {
  { { NULL, 0 }, "" },
  { OC_STR_INIT ("Bearer nothing"), "" },
  { OC_STR_INIT ("outcall-secret-key"), "key" },
  { OC_STR_INIT ("Bearer outcall-secret-key"), "key" },
  { OC_STR_INIT ("x=outcall-secret-key;y"), "key" },
  { OC_STR_INIT ("outcall-secret-a-b_9Z"), "a-b_9" },
  { OC_STR_INIT ("outcall-secret-a.b"), "a" },
  { OC_STR_INIT ("outcall-secret-no-such-name here"), "no-such-name" },
  { OC_STR_INIT ("outcall-secret-one outcall-secret-two"), "one" },
  { OC_STR_INIT ("outcall-secret-outcall-secret-two"), "outcall-secret-two" },
  { OC_STR_INIT ("outcall-outcall-secret-two"), "two" },
  { OC_STR_INIT ("outcall-secret-"), "" },
  { OC_STR_INIT ("outcall-secret- x"), "" },
  { OC_STR_INIT ("outcall-secret-Key"), "" },
  { OC_STR_INIT ("outcall-secret- outcall-secret-two"), "two" },
  { OC_STR_INIT ("outcall-secret-Key outcall-secret-two"), "two" },
  { OC_STR_INIT ("outcall-secret"), "" },
  { OC_STR_INIT ("outcall-secre"), "" },
  { OC_STR_INIT ("Outcall-Secret-key"), "" },
  { OC_STR_INIT ("\0outcall-secret-key\0more"), "key" },
};

static void
test_find_placeholder (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (placeholder_cases); i++)
    {
      OcStr found = oc_secrets_find_placeholder (placeholder_cases[i].text);

      g_test_message ("%" G_GSIZE_FORMAT, i);
      g_assert_cmpmem (found.data, found.len, placeholder_cases[i].name,
                       strlen (placeholder_cases[i].name));
    }
}

/* The text is on the heap, where a sanitizer sees a look behind its end. */
static void
test_cut_placeholder (void)
{
  static const char text[] = "x outcall-secret-key";
  const gsize begin = strlen ("x " OC_SECRET_PLACEHOLDER_PREFIX);

  for (gsize len = 0; len < sizeof text; len++)
    {
      g_autofree char *copy = g_memdup2 (text, len);
      OcStr found = oc_secrets_find_placeholder (oc_str (copy, len));

      g_assert_cmpuint (found.len, ==, len > begin ? len - begin : 0);
      if (found.len > 0)
        g_assert_true (found.data == copy + begin);
    }
}

/* --- Redaction ---------------------------------------------------------------------- */

static const struct
{
  const char *text, *expected;
} redact_cases[] = {
  { "", "" },
  { "nothing of theirs", "nothing of theirs" },
  { "alphabet-1", "**********" },
  { "a alphabet-1 b alphabet-1", "a ********** b **********" },
  { "alphabet-1alphabet-1", "********************" },
  { "alphabet-", "alphabet-" },
  { "ALPHABET-1", "ALPHABET-1" },
  { "alphabet-1 and second88", "********** and ********" },
  /* Shorter than eight octets. */
  { "seven77", "seven77" },
  { "seven77 second88", "seven77 ********" },
  /* One begins in the other. */
  { "<alphabet-1234567>", "<****************>" },
  /* One is inside the other. */
  { "<in inner-secret out>", "<*******************>" },
  { "<out inner-secret in>", "<out ************ in>" },
  /* One overlaps itself. */
  { "<aba-aba-aba-aba>", "<***************>" },
};

static void
put_redacted (const Folders *folders)
{
  put (folders->dir, "a", "alphabet-1");
  put (folders->dir, "b", "second88");
  put (folders->dir, "c", "seven77");
  put (folders->dir, "d", "bet-1234567");
  put (folders->dir, "e", "inner-secret");
  put (folders->dir, "f", "in inner-secret out");
  put (folders->dir, "g", "aba-aba-aba");
}

static void
test_redact (Folders *folders, gconstpointer data)
{
  g_autoptr (OcSecrets) secrets = NULL;

  put_redacted (folders);
  secrets = load (folders);
  for (gsize i = 0; i < G_N_ELEMENTS (redact_cases); i++)
    {
      const char *text = redact_cases[i].text;
      gsize len = strlen (text);
      g_autofree char *copy = g_memdup2 (text, len);
      gboolean found = oc_secrets_redact (secrets, copy, len);

      g_test_message ("%s", text);
      g_assert_cmpmem (copy, len, redact_cases[i].expected, len);
      g_assert_cmpint (found, ==, strcmp (text, redact_cases[i].expected) != 0);
    }
}

static void
test_redact_bytes (Folders *folders, gconstpointer data)
{
  char text[] = "\0\xff" "alphabet-1\0second88";
  g_autoptr (OcSecrets) secrets = NULL;

  put_redacted (folders);
  secrets = load (folders);
  g_assert_true (oc_secrets_redact (secrets, text, sizeof text - 2));
  g_assert_cmpmem (text, sizeof text, "\0\xff" "**********\0second88", sizeof text);
  g_assert_true (oc_secrets_redact (secrets, text, sizeof text - 1));
  g_assert_cmpmem (text, sizeof text, "\0\xff" "**********\0********", sizeof text);
}

static void
test_null (void)
{
  char text[] = "alphabet-1";
  OcStr value = OC_STR ("untouched");

  g_assert_cmpuint (oc_secrets_get_n (NULL), ==, 0);
  g_assert_null (oc_secrets_get_names (NULL)[0]);
  g_assert_false (oc_secrets_lookup (NULL, OC_STR ("a"), &value));
  g_assert_true (oc_str_equal (value, OC_STR ("untouched")));
  g_assert_false (oc_secrets_redact (NULL, text, strlen (text)));
  g_assert_cmpstr (text, ==, "alphabet-1");
}

static void
add (const char *path, void (*test) (Folders *folders, gconstpointer data))
{
  g_test_add (path, Folders, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/secrets/load", test_load);
  add ("/secrets/reference", test_reference);
  add ("/secrets/missing-folders", test_missing_folders);
  add ("/secrets/not-a-folder", test_not_a_folder);
  g_test_add_func ("/secrets/names", test_names);
  add ("/secrets/refused-names", test_refused_names);
  add ("/secrets/refused-files", test_refused_files);
  add ("/secrets/read-only", test_read_only);
  add ("/secrets/refused-values", test_refused_values);
  add ("/secrets/long-values", test_long_values);
  add ("/secrets/many", test_many);
  g_test_add_func ("/secrets/find-placeholder", test_find_placeholder);
  g_test_add_func ("/secrets/cut-placeholder", test_cut_placeholder);
  add ("/secrets/redact", test_redact);
  add ("/secrets/redact-bytes", test_redact_bytes);
  g_test_add_func ("/secrets/null", test_null);
  return g_test_run ();
}
