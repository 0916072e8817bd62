/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * RFC 8446 4.1.2 and 5.1, RFC 6066 3. A message that a server could read
 * differently (two server_name extensions, two names, bytes left over) is BAD.
 */
#include "config.h"

#include "proxy/oc-proxy-hello.h"

#define RECORD_HEADER 5
#define RECORD_MAX 16384
#define HANDSHAKE_HEADER 4
#define EXT_SERVER_NAME 0x0000
#define EXT_ECH 0xfe0d
#define EXT_ESNI 0xffce

typedef struct
{
  const uint8_t *data;
  size_t len;
} Bytes;

/* Takes @n bytes from the front. */
static bool
take (Bytes *in, size_t n, Bytes *out)
{
  if (in->len < n)
    return false;
  *out = (Bytes) { in->data, n };
  in->data += n;
  in->len -= n;
  return true;
}

static bool
take_number (Bytes *in, size_t n, size_t *out)
{
  Bytes raw;

  if (!take (in, n, &raw))
    return false;
  *out = 0;
  for (size_t i = 0; i < n; i++)
    *out = *out << 8 | raw.data[i];
  return true;
}

/* A vector with a length of @n bytes in front. */
static bool
take_vector (Bytes *in, size_t n, Bytes *out)
{
  size_t len;

  return take_number (in, n, &len) && take (in, len, out);
}

static bool
parse_server_name (Bytes ext, OcHello *out)
{
  Bytes list, name;
  size_t type;

  if (out->sni.len > 0 || !take_vector (&ext, 2, &list) || ext.len > 0)
    return false;
  if (!take_number (&list, 1, &type) || type != 0 || !take_vector (&list, 2, &name) || list.len > 0)
    return false;
  out->sni = oc_str ((const char *) name.data, name.len);
  return name.len > 0;
}

static bool
parse_extensions (Bytes extensions, OcHello *out)
{
  while (extensions.len > 0)
    {
      size_t type;
      Bytes body;

      if (!take_number (&extensions, 2, &type) || !take_vector (&extensions, 2, &body))
        return false;
      if (type == EXT_SERVER_NAME && !parse_server_name (body, out))
        return false;
      if (type == EXT_ECH || type == EXT_ESNI)
        out->ech = true;
    }
  return true;
}

static bool
parse_message (Bytes message, OcHello *out)
{
  Bytes skipped, extensions;

  if (!take (&message, 2 + 32, &skipped)              /* version, random */
      || !take_vector (&message, 1, &skipped)         /* session id */
      || skipped.len > 32
      || !take_vector (&message, 2, &skipped)         /* cipher suites */
      || skipped.len < 2 || skipped.len % 2 != 0
      || !take_vector (&message, 1, &skipped)         /* compression methods */
      || skipped.len < 1)
    return false;
  if (message.len == 0)
    return true;
  return take_vector (&message, 2, &extensions) && message.len == 0
         && parse_extensions (extensions, out);
}

/* The length of the whole handshake message once its header is there. */
static OcHelloResult
check_handshake (const uint8_t *scratch, size_t have, size_t *out_need)
{
  *out_need = SIZE_MAX;
  if (have >= 1 && scratch[0] != 1)
    return OC_HELLO_BAD;
  if (have < HANDSHAKE_HEADER)
    return OC_HELLO_MORE;
  *out_need = ((size_t) scratch[1] << 16 | (size_t) scratch[2] << 8 | scratch[3])
              + HANDSHAKE_HEADER;
  return *out_need > OC_HELLO_MAX ? OC_HELLO_BAD : OC_HELLO_MORE;
}

static OcHelloResult
check_record_header (const uint8_t *data, size_t len, bool first)
{
  OcHelloResult wrong = first ? OC_HELLO_NOT_TLS : OC_HELLO_BAD;

  if (len >= 1 && data[0] != 22)
    return wrong;
  if (len >= 2 && data[1] != 3)
    return wrong;
  if (len >= 3 && data[2] > 4)
    return wrong;
  return OC_HELLO_MORE;
}

OcHelloResult
oc_hello_parse (const uint8_t *data, size_t len, uint8_t *scratch, OcHello *out)
{
  Bytes in = { data, len };
  size_t have = 0;

  *out = (OcHello) { 0 };
  for (;;)
    {
      OcHelloResult result = check_record_header (in.data, in.len, in.data == data);
      size_t need, record_len, run;

      if (result != OC_HELLO_MORE || in.len < RECORD_HEADER)
        return result;
      record_len = (size_t) in.data[3] << 8 | in.data[4];
      if (record_len == 0 || record_len > RECORD_MAX || have + record_len > OC_HELLO_MAX)
        return OC_HELLO_BAD;
      in = (Bytes) { in.data + RECORD_HEADER, in.len - RECORD_HEADER };
      run = in.len < record_len ? in.len : record_len;
      memcpy (scratch + have, in.data, run);
      have += run;
      result = check_handshake (scratch, have, &need);
      /* Bytes behind the hello in its own record belong to no client. */
      if (result != OC_HELLO_MORE || (need != SIZE_MAX && have - run + record_len > need))
        return OC_HELLO_BAD;
      if (have == need)
        return parse_message ((Bytes) { scratch + HANDSHAKE_HEADER, need - HANDSHAKE_HEADER }, out)
                   ? OC_HELLO_OK
                   : OC_HELLO_BAD;
      if (run < record_len)
        return OC_HELLO_MORE;
      in = (Bytes) { in.data + run, in.len - run };
    }
}
