/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * RFC 9112 7.1, one state per byte position. Extensions and trailers are
 * checked and dropped. White space after the size is refused although the
 * grammar allows it before ";": readers differ on it.
 *
 *   SIZE_FIRST -> SIZE -> [EXT] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE_FIRST
 *                                     | size 0
 *                                     v
 *            TRAILER_FIRST -> TRAILER_NAME -> TRAILER_VALUE -> TRAILER_LF -> TRAILER_FIRST
 *                  | CR
 *                  v
 *               END_LF -> END
 */
#include "config.h"

#include "http1/oc-http1.h"

/* Fifteen digits keep the size below 2^60 without an overflow check. */
#define SIZE_DIGITS_MAX 15
#define TRAILERS_MAX 8192

enum
{
  SIZE_FIRST,
  SIZE,
  EXT,
  SIZE_LF,
  DATA,
  DATA_CR,
  DATA_LF,
  TRAILER_FIRST,
  TRAILER_NAME,
  TRAILER_VALUE,
  TRAILER_LF,
  END_LF,
  END,
};

void
oc_http_chunked_init (OcHttpChunked *chunked)
{
  *chunked = (OcHttpChunked) { .state = SIZE_FIRST };
}

static int
hex_value (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_field_byte (char c)
{
  unsigned char u = (unsigned char) c;

  return u >= 0x20 ? u != 0x7f : u == '\t';
}

static bool
is_name_byte (char c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

/* In SIZE ext_len counts digits; from EXT on, extension bytes. */
static OcHttpResult
feed_size (OcHttpChunked *chunked, char c)
{
  int value = hex_value (c);

  if (value >= 0)
    {
      if (++chunked->ext_len > SIZE_DIGITS_MAX)
        return OC_HTTP_BAD;
      chunked->left = chunked->left * 16 + (uint64_t) value;
      chunked->state = SIZE;
      return OC_HTTP_MORE;
    }
  if (chunked->state == SIZE_FIRST || (c != ';' && c != '\r'))
    return OC_HTTP_BAD;
  chunked->ext_len = 0;
  chunked->state = c == ';' ? EXT : SIZE_LF;
  return OC_HTTP_MORE;
}

static OcHttpResult
feed_ext (OcHttpChunked *chunked, char c)
{
  if (c == '\r')
    chunked->state = SIZE_LF;
  else if (!is_field_byte (c))
    return OC_HTTP_BAD;
  else if (++chunked->ext_len >= OC_HTTP_CHUNK_EXT_MAX)
    return OC_HTTP_TOO_LONG;
  return OC_HTTP_MORE;
}

static OcHttpResult
feed_size_lf (OcHttpChunked *chunked, char c)
{
  if (c != '\n')
    return OC_HTTP_BAD;
  chunked->ext_len = 0;
  chunked->state = chunked->left > 0 ? DATA : TRAILER_FIRST;
  return OC_HTTP_MORE;
}

static OcHttpResult
feed_trailer (OcHttpChunked *chunked, char c)
{
  if (++chunked->trailer_len > TRAILERS_MAX)
    return OC_HTTP_TOO_LONG;
  switch (chunked->state)
    {
    case TRAILER_FIRST:
      if (c == '\r')
        {
          chunked->state = END_LF;
          return OC_HTTP_MORE;
        }
      chunked->state = TRAILER_NAME;
      return is_name_byte (c) ? OC_HTTP_MORE : OC_HTTP_BAD;
    case TRAILER_NAME:
      if (c == ':')
        chunked->state = TRAILER_VALUE;
      else if (!is_name_byte (c))
        return OC_HTTP_BAD;
      return OC_HTTP_MORE;
    case TRAILER_VALUE:
      if (c == '\r')
        chunked->state = TRAILER_LF;
      else if (!is_field_byte (c))
        return OC_HTTP_BAD;
      return OC_HTTP_MORE;
    default:
      chunked->state = TRAILER_FIRST;
      return c == '\n' ? OC_HTTP_MORE : OC_HTTP_BAD;
    }
}

static OcHttpResult
expect_byte (OcHttpChunked *chunked, char c, char expected, uint8_t next)
{
  chunked->state = next;
  return c == expected ? OC_HTTP_MORE : OC_HTTP_BAD;
}

static OcHttpResult
feed_byte (OcHttpChunked *chunked, char c)
{
  switch (chunked->state)
    {
    case SIZE_FIRST:
    case SIZE:
      return feed_size (chunked, c);
    case EXT:
      return feed_ext (chunked, c);
    case SIZE_LF:
      return feed_size_lf (chunked, c);
    case DATA_CR:
      return expect_byte (chunked, c, '\r', DATA_LF);
    case DATA_LF:
      return expect_byte (chunked, c, '\n', SIZE_FIRST);
    case END_LF:
      return expect_byte (chunked, c, '\n', END) == OC_HTTP_MORE ? OC_HTTP_OK : OC_HTTP_BAD;
    default:
      return feed_trailer (chunked, c);
    }
}

OcHttpResult
oc_http_chunked_feed (OcHttpChunked *chunked, const char *data, size_t len, size_t *out_consumed,
                      OcStr *out_payload)
{
  *out_payload = OC_STR_EMPTY;
  *out_consumed = 0;
  if (chunked->state == END)
    return OC_HTTP_OK;
  for (size_t i = 0; i < len; i++)
    {
      OcHttpResult result;

      if (chunked->state == DATA)
        {
          size_t run = chunked->left < len - i ? (size_t) chunked->left : len - i;

          *out_payload = oc_str (data + i, run);
          *out_consumed = i + run;
          chunked->left -= run;
          if (chunked->left == 0)
            chunked->state = DATA_CR;
          return OC_HTTP_MORE;
        }
      result = feed_byte (chunked, data[i]);
      *out_consumed = i + 1;
      if (result != OC_HTTP_MORE)
        return result;
    }
  return OC_HTTP_MORE;
}
