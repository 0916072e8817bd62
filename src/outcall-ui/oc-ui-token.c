/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "oc-ui-private.h"

#include "common/oc-error.h"

#include <string.h>
#include <sys/random.h>

#define TOKEN_BYTES 32

gboolean
oc_ui_token_make (char token[OC_UI_TOKEN_LEN + 1], GError **error)
{
  guint8 bytes[TOKEN_BYTES];
  g_autofree char *text = NULL;

  /* Up to 256 bytes come whole or not at all. */
  if (getrandom (bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes)
    return oc_throw_errno (error, "get random bytes for the token");
  text = g_base64_encode (bytes, sizeof bytes);
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  /* The 44th letter is padding. */
  memcpy (token, text, OC_UI_TOKEN_LEN);
  token[OC_UI_TOKEN_LEN] = '\0';
  explicit_bzero (bytes, sizeof bytes);
  explicit_bzero (text, strlen (text));
  return TRUE;
}

gboolean
oc_ui_token_equal (const char token[OC_UI_TOKEN_LEN + 1], OcStr given)
{
  volatile guchar difference = 0;

  if (given.len != OC_UI_TOKEN_LEN)
    return FALSE;
  for (gsize i = 0; i < OC_UI_TOKEN_LEN; i++)
    difference |= (guchar) (token[i] ^ given.data[i]);
  return difference == 0;
}
