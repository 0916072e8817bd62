/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-host.h"

static bool
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

static bool
is_host_byte (char c)
{
  return (c >= 'a' && c <= 'z') || is_digit (c) || c == '-' || c == '_';
}

/* Checks one label of lower-case text and moves on behind it. */
static OcHostError
check_label (const char *label, size_t len)
{
  if (len == 0)
    return OC_HOST_BAD_LABEL;
  if (len > 63)
    return OC_HOST_TOO_LONG;
  for (size_t i = 0; i < len; i++)
    if (!is_host_byte (label[i]))
      return OC_HOST_BAD_BYTE;
  return label[0] == '-' || label[len - 1] == '-' ? OC_HOST_BAD_LABEL : OC_HOST_OK;
}

/* The WHATWG rule: a host whose last label is a number is an IPv4 address or
 * nothing. "0x7f.1", "017700000001" and "1.2.3" are addresses to inet_aton(). */
static bool
ends_in_number (OcStr name)
{
  size_t start = name.len;

  while (start > 0 && name.data[start - 1] != '.')
    start--;
  if (name.len - start >= 2 && name.data[start] == '0' && name.data[start + 1] == 'x')
    {
      for (size_t i = start + 2; i < name.len; i++)
        if (!is_digit (name.data[i]) && !(name.data[i] >= 'a' && name.data[i] <= 'f'))
          return false;
      return true;
    }
  for (size_t i = start; i < name.len; i++)
    if (!is_digit (name.data[i]))
      return false;
  return true;
}

static OcHostError
parse_v6 (OcStr text, OcHost *out)
{
  if (text.len < 4 || text.data[text.len - 1] != ']')
    return OC_HOST_BAD_ADDRESS;
  if (!oc_address_parse (oc_str (text.data + 1, text.len - 2), &out->address)
      || out->address.family != 6)
    return OC_HOST_BAD_ADDRESS;
  (void) oc_address_format (&out->address, out->name, sizeof out->name);
  out->len = strlen (out->name);
  return OC_HOST_OK;
}

static OcHostError
check_labels (const char *name, size_t len)
{
  size_t start = 0;

  for (size_t i = 0; i <= len; i++)
    if (i == len || name[i] == '.')
      {
        OcHostError bad = check_label (name + start, i - start);

        if (bad != OC_HOST_OK)
          return bad;
        start = i + 1;
      }
  return OC_HOST_OK;
}

OcHostError
oc_host_parse (OcStr text, OcHost *out)
{
  OcHostError bad;

  memset (&out->address, 0, sizeof out->address);
  out->len = 0;
  out->name[0] = '\0';
  if (text.len == 0)
    return OC_HOST_EMPTY;
  if (text.data[0] == '[')
    return parse_v6 (text, out);
  if (text.data[text.len - 1] == '.')
    text.len--;
  if (text.len == 0)
    return OC_HOST_EMPTY;
  if (text.len > OC_HOST_MAX)
    return OC_HOST_TOO_LONG;
  for (size_t i = 0; i < text.len; i++)
    {
      char c = text.data[i];

      out->name[i] = c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
    }
  bad = check_labels (out->name, text.len);
  if (bad == OC_HOST_OK && ends_in_number (oc_str (out->name, text.len))
      && !oc_address_parse (oc_str (out->name, text.len), &out->address))
    bad = OC_HOST_BAD_ADDRESS;
  out->name[bad == OC_HOST_OK ? text.len : 0] = '\0';
  out->len = bad == OC_HOST_OK ? text.len : 0;
  return bad;
}

bool
oc_port_parse (OcStr text, uint16_t *out)
{
  unsigned port = 0;

  if (text.len == 0 || text.len > 5 || text.data[0] == '0')
    return false;
  for (size_t i = 0; i < text.len; i++)
    {
      if (!is_digit (text.data[i]))
        return false;
      port = port * 10 + (unsigned) (text.data[i] - '0');
    }
  if (port > 65535)
    return false;
  *out = (uint16_t) port;
  return true;
}

bool
oc_host_parse_authority (OcStr text, uint16_t default_port, OcHost *out, uint16_t *out_port)
{
  size_t colon = text.len;

  for (size_t i = text.len; i > 0 && text.data[i - 1] != ']'; i--)
    if (text.data[i - 1] == ':')
      colon = i - 1;
  *out_port = default_port;
  if (colon < text.len
      && !oc_port_parse (oc_str (text.data + colon + 1, text.len - colon - 1), out_port))
    return false;
  return oc_host_parse (oc_str (text.data, colon), out) == OC_HOST_OK;
}

const char *
oc_host_error_text (OcHostError error)
{
  static const char *const texts[] = {
    [OC_HOST_OK] = "ok",
    [OC_HOST_EMPTY] = "host name is empty",
    [OC_HOST_TOO_LONG] = "host name or one of its labels is too long",
    [OC_HOST_BAD_BYTE] = "host name holds a byte that no host name has",
    [OC_HOST_BAD_LABEL] = "host name has an empty label or one with a hyphen at its end",
    [OC_HOST_BAD_ADDRESS] = "host looks like an address but is not in its plain form",
  };

  return (size_t) error < sizeof texts / sizeof *texts ? texts[error] : "bad host name";
}

bool
oc_host_in_domain (OcStr host, OcStr domain)
{
  if (domain.len == 0 || host.len < domain.len)
    return false;
  if (!oc_str_equal_nocase (oc_str (host.data + (host.len - domain.len), domain.len), domain))
    return false;
  return host.len == domain.len || host.data[host.len - domain.len - 1] == '.';
}
