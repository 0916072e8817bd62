/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Heads, RFC 9112 sections 2 to 6. A head is read line by line; the verdict on
 * each byte depends only on the bytes before it, so a head that comes in pieces
 * is judged like one that comes whole. What each rule is for:
 *
 *   - a line ends with CR LF only: a peer that also takes LF, or CR, would see
 *     other lines than we do;
 *   - no folding, no space before the colon: the two classic ways to have one
 *     reader see a Content-Length that another does not;
 *   - Content-Length once, plain decimal, never beside Transfer-Encoding, which
 *     is "chunked" and nothing else: one reading of where the body ends;
 *   - Host once: one reading of whom the request is for.
 */
#include "config.h"

#include "http1/oc-http1.h"

typedef struct
{
  const char *data;
  size_t len; /* never beyond the limit of the head */
  size_t pos;
  const char **why;
} Reader;

static OcHttpResult
refuse (Reader *reader, OcHttpResult result, const char *why)
{
  if (reader->why != NULL)
    *reader->why = why;
  return result;
}

/* RFC 9110 5.6.2 tchar. */
static bool
is_token_byte (char c)
{
  static const uint32_t bits[8] = { 0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff, 0, 0, 0, 0 };
  unsigned char u = (unsigned char) c;

  return (bits[u >> 5] >> (u & 31)) & 1;
}

static bool
is_token (OcStr s)
{
  for (size_t i = 0; i < s.len; i++)
    if (!is_token_byte (s.data[i]))
      return false;
  return s.len > 0;
}

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t';
}

/* Visible ASCII, blank, or a byte over 127. */
static bool
is_text_byte (char c)
{
  unsigned char u = (unsigned char) c;

  return u >= 0x20 ? u != 0x7f : u == '\t';
}

/* Takes one line without its CR LF. @max: bytes of it */
static OcHttpResult
read_line (Reader *reader, size_t max, OcStr *out)
{
  size_t start = reader->pos;

  for (size_t i = start; i < reader->len; i++)
    {
      char c = reader->data[i];

      if (c == '\r')
        {
          if (i + 1 == reader->len)
            return OC_HTTP_MORE;
          if (reader->data[i + 1] != '\n')
            return refuse (reader, OC_HTTP_BAD, "CR without LF");
          *out = oc_str (reader->data + start, i - start);
          reader->pos = i + 2;
          return OC_HTTP_OK;
        }
      if (c == '\n')
        return refuse (reader, OC_HTTP_BAD, "LF without CR");
      if (!is_text_byte (c))
        return refuse (reader, OC_HTTP_BAD, "control byte in the head");
      if (i - start >= max)
        return refuse (reader, OC_HTTP_TOO_LONG, "line too long");
    }
  return OC_HTTP_MORE;
}

/* "HTTP/1.0" or "HTTP/1.1". */
static OcHttpResult
parse_version (Reader *reader, OcStr text, OcHttpHead *out)
{
  if (text.len != 8 || memcmp (text.data, "HTTP/", 5) != 0 || !is_digit (text.data[5])
      || text.data[6] != '.' || !is_digit (text.data[7]))
    return refuse (reader, OC_HTTP_BAD, "malformed protocol version");
  if (text.data[5] != '1' || text.data[7] > '1')
    return refuse (reader, OC_HTTP_VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  out->minor = (uint8_t) (text.data[7] - '0');
  return OC_HTTP_OK;
}

/* Visible ASCII without "#": a fragment never goes over the wire. */
static bool
is_target (OcStr target)
{
  for (size_t i = 0; i < target.len; i++)
    if (target.data[i] <= 0x20 || target.data[i] >= 0x7f || target.data[i] == '#')
      return false;
  return target.len > 0;
}

static OcHttpResult
parse_request_line (Reader *reader, OcStr line, OcHttpHead *out)
{
  const char *first = line.len > 0 ? memchr (line.data, ' ', line.len) : NULL;
  const char *end = line.data + line.len;
  const char *second = first != NULL ? memchr (first + 1, ' ', (size_t) (end - first - 1)) : NULL;

  if (second == NULL)
    return refuse (reader, OC_HTTP_BAD, "malformed request line");
  out->method = oc_str (line.data, (size_t) (first - line.data));
  out->target = oc_str (first + 1, (size_t) (second - first - 1));
  if (!is_token (out->method))
    return refuse (reader, OC_HTTP_BAD, "malformed method");
  if (!is_target (out->target))
    return refuse (reader, OC_HTTP_BAD, "malformed request target");
  return parse_version (reader, oc_str (second + 1, (size_t) (end - second - 1)), out);
}

static OcHttpResult
parse_status_line (Reader *reader, OcStr line, OcHttpHead *out)
{
  OcHttpResult result;

  if (line.len < 12 || line.data[8] != ' ' || (line.len > 12 && line.data[12] != ' '))
    return refuse (reader, OC_HTTP_BAD, "malformed status line");
  result = parse_version (reader, oc_str (line.data, 8), out);
  if (result != OC_HTTP_OK)
    return result;
  for (size_t i = 9; i < 12; i++)
    {
      if (!is_digit (line.data[i]))
        return refuse (reader, OC_HTTP_BAD, "malformed status");
      out->status = (uint16_t) (out->status * 10 + (line.data[i] - '0'));
    }
  if (out->status < 100)
    return refuse (reader, OC_HTTP_BAD, "malformed status");
  if (line.len > 13)
    out->phrase = oc_str (line.data + 13, line.len - 13);
  return OC_HTTP_OK;
}

static OcStr
trim (OcStr s)
{
  while (s.len > 0 && is_blank (s.data[0]))
    s = oc_str (s.data + 1, s.len - 1);
  while (s.len > 0 && is_blank (s.data[s.len - 1]))
    s.len--;
  return s;
}

static OcHttpResult
parse_header (Reader *reader, OcStr line, OcHttpHead *out)
{
  const char *colon = memchr (line.data, ':', line.len);
  OcHttpHeader *header = &out->headers[out->n_headers];

  if (is_blank (line.data[0]))
    return refuse (reader, OC_HTTP_BAD, "folded header line");
  if (colon == NULL)
    return refuse (reader, OC_HTTP_BAD, "header line without a colon");
  header->name = oc_str (line.data, (size_t) (colon - line.data));
  if (!is_token (header->name))
    return refuse (reader, OC_HTTP_BAD, "malformed header name");
  header->value = trim (oc_str (colon + 1, line.len - header->name.len - 1));
  out->n_headers++;
  return OC_HTTP_OK;
}

static OcHttpResult
parse_headers (Reader *reader, OcHttpHead *out)
{
  for (;;)
    {
      OcStr line;
      OcHttpResult result = read_line (reader, SIZE_MAX, &line);

      if (result != OC_HTTP_OK || line.len == 0)
        return result;
      if (out->n_headers == OC_HTTP_HEADERS_MAX)
        return refuse (reader, OC_HTTP_TOO_LONG, "too many header lines");
      result = parse_header (reader, line, out);
      if (result != OC_HTTP_OK)
        return result;
    }
}

/* --- What the headers mean together ---------------------------------------- */

/* How many headers are called @name; the last in @out. */
static size_t
count_headers (const OcHttpHead *head, OcStr name, OcStr *out)
{
  size_t n = 0;

  for (size_t i = 0; i < head->n_headers; i++)
    if (oc_str_equal_nocase (head->headers[i].name, name))
      {
        *out = head->headers[i].value;
        n++;
      }
  return n;
}

/* Up to 18 digits, so that it fits a signed 64 bit number for everyone; no
 * leading zero, which somebody might take for octal. */
static bool
parse_length (OcStr text, uint64_t *out)
{
  uint64_t length = 0;

  if (text.len == 0 || text.len > 18 || (text.data[0] == '0' && text.len > 1))
    return false;
  for (size_t i = 0; i < text.len; i++)
    {
      if (!is_digit (text.data[i]))
        return false;
      length = length * 10 + (uint64_t) (text.data[i] - '0');
    }
  *out = length;
  return true;
}

static OcHttpResult
derive_body (Reader *reader, OcHttpHead *head)
{
  OcStr coding = OC_STR_EMPTY;
  OcStr length = OC_STR_EMPTY;
  size_t n_codings = count_headers (head, OC_STR ("transfer-encoding"), &coding);
  size_t n_lengths = count_headers (head, OC_STR ("content-length"), &length);

  if (n_codings > 0 && n_lengths > 0)
    return refuse (reader, OC_HTTP_BAD, "both Content-Length and Transfer-Encoding");
  if (n_lengths > 1 || n_codings > 1)
    return refuse (reader, OC_HTTP_BAD, "repeated Content-Length or Transfer-Encoding");
  if (n_lengths == 1)
    {
      if (!parse_length (length, &head->content_length))
        return refuse (reader, OC_HTTP_BAD, "malformed Content-Length");
      head->body = OC_HTTP_BODY_LENGTH;
    }
  if (n_codings == 0)
    return OC_HTTP_OK;
  if (head->minor == 0)
    return refuse (reader, OC_HTTP_BAD, "Transfer-Encoding in HTTP/1.0");
  if (!oc_str_equal (coding, OC_STR ("chunked")))
    return refuse (reader, OC_HTTP_UNSUPPORTED, "only the coding \"chunked\" is spoken here");
  head->body = OC_HTTP_BODY_CHUNKED;
  return OC_HTTP_OK;
}

static void
derive_connection (OcHttpHead *head)
{
  OcStr connection = OC_STR ("connection");
  bool close = oc_http_head_has_token (head, connection, OC_STR ("close"));

  if (head->minor == 0)
    {
      head->keep_alive = !close && oc_http_head_has_token (head, connection, OC_STR ("keep-alive"));
      return;
    }
  head->keep_alive = !close;
  head->upgrade = oc_http_head_has_token (head, connection, OC_STR ("upgrade"))
                  && oc_http_head_get (head, OC_STR ("upgrade")) != NULL;
}

/* What no host and port has; the name itself is judged by oc_host_parse(). */
static bool
is_host_value (OcStr host)
{
  for (size_t i = 0; i < host.len; i++)
    if (host.data[i] <= 0x20 || host.data[i] >= 0x7f || strchr ("/\\?#@,;\"<>{}|^`", host.data[i]))
      return false;
  return host.len > 0;
}

static OcHttpResult
derive_host (Reader *reader, OcHttpHead *head)
{
  size_t n = count_headers (head, OC_STR ("host"), &head->host);

  if (n > 1)
    return refuse (reader, OC_HTTP_BAD, "more than one Host");
  if (n == 0 && head->minor == 1)
    return refuse (reader, OC_HTTP_BAD, "no Host");
  if (n == 1 && !is_host_value (head->host))
    return refuse (reader, OC_HTTP_BAD, "malformed Host");
  return OC_HTTP_OK;
}

/* --- Both kinds of head ------------------------------------------------------ */

typedef OcHttpResult (*LineFunc) (Reader *reader, OcStr line, OcHttpHead *out);

static OcHttpResult
parse_head (Reader *reader, const OcHttpLimits *limits, LineFunc parse_first, OcHttpHead *out)
{
  size_t line_max
      = limits && limits->request_line_max ? limits->request_line_max : OC_HTTP_REQUEST_LINE_MAX;
  size_t head_max = limits && limits->head_max ? limits->head_max : OC_HTTP_HEAD_MAX;
  bool full = reader->len >= head_max;
  OcHttpResult result;
  OcStr line;

  /* Headers are filled one by one; the table is not worth clearing each time. */
  out->minor = 0;
  out->method = out->target = out->phrase = out->host = OC_STR_EMPTY;
  out->status = 0;
  out->n_headers = 0;
  out->body = OC_HTTP_BODY_NONE;
  out->content_length = 0;
  out->keep_alive = out->expect_continue = out->upgrade = false;
  if (full)
    reader->len = head_max;
  result = read_line (reader, line_max, &line);
  if (result == OC_HTTP_OK)
    result = parse_first (reader, line, out);
  if (result == OC_HTTP_OK)
    result = parse_headers (reader, out);
  if (result == OC_HTTP_MORE && full)
    return refuse (reader, OC_HTTP_TOO_LONG, "head too long");
  return result;
}

OcHttpResult
oc_http_parse_request (const char *data, size_t len, const OcHttpLimits *limits, OcHttpHead *out,
                       size_t *out_consumed, const char **out_why)
{
  Reader reader = { data, len, 0, out_why };
  OcHttpResult result = parse_head (&reader, limits, parse_request_line, out);
  const OcHttpHeader *expect;

  if (result == OC_HTTP_OK)
    result = derive_host (&reader, out);
  if (result == OC_HTTP_OK)
    result = derive_body (&reader, out);
  if (result != OC_HTTP_OK)
    return result;
  derive_connection (out);
  expect = oc_http_head_get (out, OC_STR ("expect"));
  out->expect_continue = expect != NULL && out->minor == 1
                         && oc_str_equal_nocase (expect->value, OC_STR ("100-continue"));
  *out_consumed = reader.pos;
  return OC_HTTP_OK;
}

OcHttpResult
oc_http_parse_response (const char *data, size_t len, const OcHttpLimits *limits, bool to_head,
                        bool to_connect, OcHttpHead *out, size_t *out_consumed,
                        const char **out_why)
{
  Reader reader = { data, len, 0, out_why };
  OcHttpResult result = parse_head (&reader, limits, parse_status_line, out);
  bool bodyless;

  if (result == OC_HTTP_OK)
    result = derive_body (&reader, out);
  if (result != OC_HTTP_OK)
    return result;
  derive_connection (out);
  bodyless = out->status < 200 || out->status == 204;
  /* RFC 9112 6.1, RFC 9110 8.6: neither may be there; one who sends it
   * believes that a body follows. */
  if (bodyless && (out->body == OC_HTTP_BODY_CHUNKED || out->content_length > 0))
    return refuse (&reader, OC_HTTP_BAD, "a body announced for a status that has none");
  if (bodyless || to_head || out->status == 304 || (to_connect && out->status < 300))
    out->body = OC_HTTP_BODY_NONE;
  else if (out->body == OC_HTTP_BODY_NONE)
    out->body = OC_HTTP_BODY_UNTIL_CLOSE;
  if (out->body == OC_HTTP_BODY_UNTIL_CLOSE)
    out->keep_alive = false;
  *out_consumed = reader.pos;
  return OC_HTTP_OK;
}
