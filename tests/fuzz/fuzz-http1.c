/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Heads of both kinds and chunked bodies: whole and cut must agree. What is
 * taken as a target must read the same once more, and climb nowhere.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_target (OcStr text)
{
  OcTarget target;
  OcTarget again;

  if (oc_target_parse_absolute (text, &target) != NULL
      && oc_target_parse_origin (text, &target) != NULL)
    return;
  if (target.path.len == 0 || target.path.data[0] != '/'
      || memmem (target.path.data, target.path.len, "/../", 4) != NULL
      || memmem (target.path.data, target.path.len, "/./", 3) != NULL
      || memchr (target.path.data, '\\', target.path.len) != NULL)
    abort ();
  if (oc_target_parse_origin (target.path, &again) != NULL
      || !oc_str_equal (again.path, target.path))
    abort ();
}

static void
check_head (const char *text, size_t len, bool request)
{
  OcHttpHead whole;
  OcHttpHead cut;
  size_t consumed = 0;
  size_t cut_consumed = 0;
  OcHttpResult result, cut_result;

  result = request ? oc_http_parse_request (text, len, NULL, &whole, &consumed, NULL)
                   : oc_http_parse_response (text, len, NULL, false, false, &whole, &consumed, NULL);
  if (result == OC_HTTP_OK)
    {
      if (consumed > len || whole.n_headers > OC_HTTP_HEADERS_MAX)
        abort ();
      for (size_t i = 0; i < whole.n_headers; i++)
        (void) oc_http_is_hop_by_hop (&whole, &whole.headers[i]);
      if (request)
        check_target (whole.target);
      len = consumed;
    }
  if (len == 0)
    return;
  cut_result
      = request ? oc_http_parse_request (text, len - 1, NULL, &cut, &cut_consumed, NULL)
                : oc_http_parse_response (text, len - 1, NULL, false, false, &cut, &cut_consumed, NULL);
  if (result == OC_HTTP_OK && cut_result != OC_HTTP_MORE)
    abort ();
  if (cut_result != OC_HTTP_MORE && cut_result != result)
    abort ();
}

/* Payload and outcome by @step bytes at a time. */
static OcHttpResult
decode (const char *text, size_t len, size_t step, uint64_t *out_hash)
{
  OcHttpChunked chunked;
  OcHttpResult result = OC_HTTP_MORE;
  size_t pos = 0;

  oc_http_chunked_init (&chunked);
  *out_hash = 0;
  while (result == OC_HTTP_MORE && pos < len)
    {
      size_t run = step < len - pos ? step : len - pos;
      size_t consumed;
      OcStr payload;

      result = oc_http_chunked_feed (&chunked, text + pos, run, &consumed, &payload);
      if (consumed == 0 || consumed > run)
        abort ();
      for (size_t i = 0; i < payload.len; i++)
        *out_hash = *out_hash * 1099511628211u + (uint8_t) payload.data[i] + 1;
      pos += consumed;
    }
  return result;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *) data;
  uint64_t whole, pieces;

  if (size > 65536)
    return 0;
  check_head (text, size, true);
  check_head (text, size, false);
  if (decode (text, size, size, &whole) != decode (text, size, 1, &pieces) || whole != pieces)
    abort ();
  return 0;
}
