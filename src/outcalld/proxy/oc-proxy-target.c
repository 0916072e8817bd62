/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Request targets, RFC 9112 3.2. One reading only: no userinfo, no dot
 * segments in any spelling (a rule on a path prefix would judge another
 * resource than the server serves), no backslash.
 */
#include "config.h"

#include "proxy/oc-proxy-conn.h"

static int
hex_value (char c)
{
  return g_ascii_xdigit_value (c);
}

/* One byte of @path with %2e, %2f and %5c decoded and "\" read as "/". */
static char
read_byte (OcStr path, gsize *pos)
{
  char c = path.data[(*pos)++];

  if (c == '%' && *pos + 1 < path.len && hex_value (path.data[*pos]) >= 0
      && hex_value (path.data[*pos + 1]) >= 0)
    {
      char decoded = (char) (hex_value (path.data[*pos]) * 16 + hex_value (path.data[*pos + 1]));

      if (decoded == '.' || decoded == '/' || decoded == '\\')
        {
          c = decoded;
          *pos += 2;
        }
    }
  return c == '\\' ? '/' : c;
}

bool
oc_target_path_is_plain (OcStr path)
{
  gsize dots = 0;
  bool other = true; /* the segment so far has more than dots */

  for (gsize pos = 0; pos < path.len;)
    {
      gsize before = pos;
      char c = read_byte (path, &pos);

      /* %00 ends a path for some, controls split a line for others. */
      if (path.data[before] == '%' && c == '%'
          && (pos + 1 >= path.len || hex_value (path.data[pos]) < 0
              || hex_value (path.data[pos + 1]) < 0
              || hex_value (path.data[pos]) * 16 + hex_value (path.data[pos + 1]) < 0x20))
        return false;
      if (path.data[before] == '\\')
        return false;
      if (c == '/' || c == ';')
        {
          if (!other && (dots == 1 || dots == 2))
            return false;
          other = c == ';';
          dots = 0;
        }
      else if (c == '.')
        dots++;
      else
        other = true;
    }
  return other || (dots != 1 && dots != 2);
}

/* Whether a segment that is "." begins at @pos, behind a slash. */
static bool
is_dot_segment (OcStr path, gsize pos)
{
  return pos > 0 && path.data[pos - 1] == '/' && path.data[pos] == '.'
         && (pos + 1 == path.len || path.data[pos + 1] == '/');
}

/* "/a/./b" is "/a/b" (RFC 3986 5.2.4). apt asks in this way, and the path that
 * goes upstream is the one that was judged; what climbs up is refused instead. */
static void
remove_dot_segments (OcTarget *out)
{
  OcStr path = out->path;
  gsize len = 0;

  if (memmem (path.data, path.len, "/.", 2) == NULL || path.len > sizeof out->clean)
    return;
  for (gsize pos = 0; pos < path.len; pos++)
    if (!is_dot_segment (path, pos))
      out->clean[len++] = path.data[pos];
    else
      pos++; /* the slash behind it */
  out->path = oc_str (out->clean, len);
}

static const char *
split_path (OcStr rest, OcTarget *out)
{
  const char *query = rest.len > 0 ? memchr (rest.data, '?', rest.len) : NULL;

  out->path = query != NULL ? oc_str (rest.data, (gsize) (query - rest.data)) : rest;
  out->query = query != NULL ? oc_str (query, rest.len - out->path.len) : OC_STR_EMPTY;
  if (out->path.len == 0)
    out->path = OC_STR ("/");
  remove_dot_segments (out);
  if (!oc_target_path_is_plain (out->path))
    return "the path holds dot segments, backslashes or malformed escapes";
  return NULL;
}

const char *
oc_target_parse_origin (OcStr target, OcTarget *out)
{
  if (target.len == 0 || target.data[0] != '/')
    return "the request target must be a path";
  return split_path (target, out);
}

const char *
oc_target_parse_absolute (OcStr target, OcTarget *out)
{
  OcStr scheme = OC_STR ("http://");
  gsize end;

  if (target.len < scheme.len || !oc_str_equal_nocase (oc_str (target.data, scheme.len), scheme))
    return "the request target must be an http:// URI; https needs CONNECT";
  target = oc_str (target.data + scheme.len, target.len - scheme.len);
  for (end = 0; end < target.len && target.data[end] != '/' && target.data[end] != '?'; end++)
    ;
  if (memchr (target.data, '@', end) != NULL)
    return "user information in a URI is refused";
  if (!oc_host_parse_authority (oc_str (target.data, end), 80, &out->host, &out->port))
    return "malformed host or port in the request target";
  return split_path (oc_str (target.data + end, target.len - end), out);
}
