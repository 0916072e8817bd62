/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Questions about the header fields of a parsed head, and status texts.
 */
#include "config.h"

#include "http1/oc-http1.h"

const OcHttpHeader *
oc_http_head_get (const OcHttpHead *head, OcStr name)
{
  for (size_t i = 0; i < head->n_headers; i++)
    if (oc_str_equal_nocase (head->headers[i].name, name))
      return &head->headers[i];
  return NULL;
}

static OcStr
trim_blanks (OcStr s)
{
  while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
    s = oc_str (s.data + 1, s.len - 1);
  while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
    s.len--;
  return s;
}

static bool
list_has_token (OcStr list, OcStr token)
{
  while (list.len > 0)
    {
      const char *comma = memchr (list.data, ',', list.len);
      size_t len = comma != NULL ? (size_t) (comma - list.data) : list.len;
      size_t step = comma != NULL ? len + 1 : len;

      if (oc_str_equal_nocase (trim_blanks (oc_str (list.data, len)), token))
        return true;
      list = oc_str (list.data + step, list.len - step);
    }
  return false;
}

bool
oc_http_head_has_token (const OcHttpHead *head, OcStr name, OcStr token)
{
  for (size_t i = 0; i < head->n_headers; i++)
    if (oc_str_equal_nocase (head->headers[i].name, name)
        && list_has_token (head->headers[i].value, token))
      return true;
  return false;
}

bool
oc_http_is_hop_by_hop (const OcHttpHead *head, const OcHttpHeader *header)
{
  static const OcStr names[] = {
    OC_STR_INIT ("connection"),
    OC_STR_INIT ("keep-alive"),
    OC_STR_INIT ("proxy-authenticate"),
    OC_STR_INIT ("proxy-authentication-info"),
    OC_STR_INIT ("proxy-authorization"),
    OC_STR_INIT ("proxy-connection"),
    OC_STR_INIT ("te"),
    OC_STR_INIT ("trailer"),
    OC_STR_INIT ("transfer-encoding"),
    OC_STR_INIT ("upgrade"),
  };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (oc_str_equal_nocase (header->name, names[i]))
      return true;
  return oc_http_head_has_token (head, names[0], header->name);
}

unsigned
oc_http_result_status (OcHttpResult result)
{
  switch (result)
    {
    case OC_HTTP_TOO_LONG:
      return 431;
    case OC_HTTP_VERSION:
      return 505;
    case OC_HTTP_UNSUPPORTED:
      return 501;
    case OC_HTTP_OK:
    case OC_HTTP_MORE:
    case OC_HTTP_BAD:
      break;
    }
  return 400;
}

const char *
oc_http_status_phrase (unsigned status)
{
  static const struct
  {
    unsigned status;
    const char *phrase;
  } table[] = {
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
  };

  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].status == status)
      return table[i].phrase;
  return "Unknown";
}
