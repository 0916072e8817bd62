/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "cel/oc-cel-env.h"
#include "cel/oc-cel-eval.h"
#include "cel/oc-cel-number.h"

#include <stdio.h>

/* Addresses and address blocks. IPv4-mapped IPv6 in its dotted form is refused, as
 * are zones, since the same address would have two texts.
 */

#define CIDR_TEXT_MAX (OC_ADDRESS_TEXT_MAX + 4)

static OcStr
str (OcCelValue v)
{
  return oc_cel_value_get_str (v);
}

static OcCelValue
bad_address (void)
{
  return oc_cel_error (OC_CEL_ERROR_ARGUMENT, "text is no IP address");
}

static OcCelValue
make_net (OcCelScratch *e, OcCelKind kind, const OcAddress *address, guint8 prefix)
{
  OcCelNet *net = oc_cel_alloc (e, sizeof *net);

  if (!net)
    return oc_cel_stopped (e);
  *net = (OcCelNet) { .address = *address, .prefix = prefix };
  return (OcCelValue) { .kind = kind, .net = net };
}

static gboolean
parse_ip (OcStr text, OcAddress *out)
{
  if (text.len > 0 && memchr (text.data, ':', text.len) && memchr (text.data, '.', text.len))
    return FALSE;
  return oc_address_parse (text, out);
}

/* --- IP ------------------------------------------------------------------ */

static void
ip (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcAddress address;

  *out = parse_ip (str (args[0]), &address) ? make_net (e, OC_CEL_IP, &address, 0) : bad_address ();
}

static void
is_ip (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcAddress address;

  *out = oc_cel_bool (parse_ip (str (args[0]), &address));
}

static void
is_canonical (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcAddress address;
  char buf[OC_ADDRESS_TEXT_MAX];

  if (!parse_ip (str (args[0]), &address))
    *out = bad_address ();
  else
    *out = oc_cel_bool (oc_str_equal (
        str (args[0]), oc_str_from (oc_address_format (&address, buf, sizeof buf))));
}

static void
string_of_ip (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  char buf[OC_ADDRESS_TEXT_MAX];
  const char *text = oc_address_format (&args[0].net->address, buf, sizeof buf);

  *out = oc_cel_make_string (e, text, strlen (text));
}

static void
family (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_int (args[0].net->address.family);
}

/* --- What an address is for; the names and meanings are Go's net/netip ---- */

static gboolean
is_unspecified (const OcAddress *a)
{
  static const guint8 zero[16];

  return memcmp (a->bytes, zero, a->family == 4 ? 4 : 16) == 0;
}

static gboolean
is_loopback (const OcAddress *a)
{
  static const guint8 one[16] = { [15] = 1 };

  return a->family == 4 ? a->bytes[0] == 127 : memcmp (a->bytes, one, 16) == 0;
}

static gboolean
is_multicast (const OcAddress *a)
{
  return a->family == 4 ? (a->bytes[0] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

static gboolean
is_link_local_multicast (const OcAddress *a)
{
  if (a->family == 4)
    return a->bytes[0] == 224 && a->bytes[1] == 0 && a->bytes[2] == 0;
  return a->bytes[0] == 0xff && (a->bytes[1] & 0x0f) == 0x02;
}

static gboolean
is_link_local_unicast (const OcAddress *a)
{
  if (a->family == 4)
    return a->bytes[0] == 169 && a->bytes[1] == 254;
  return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static gboolean
is_global_unicast (const OcAddress *a)
{
  static const guint8 broadcast[4] = { 255, 255, 255, 255 };

  return !is_unspecified (a) && !is_loopback (a) && !is_multicast (a) && !is_link_local_unicast (a)
         && !(a->family == 4 && memcmp (a->bytes, broadcast, 4) == 0);
}

#define DEFINE_IS(name, test)                                                                      \
  static void name (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)                      \
  {                                                                                                \
    *out = oc_cel_bool (test (&args[0].net->address));                                             \
  }
DEFINE_IS (ip_is_unspecified, is_unspecified)
DEFINE_IS (ip_is_loopback, is_loopback)
DEFINE_IS (ip_is_global_unicast, is_global_unicast)
DEFINE_IS (ip_is_link_local_multicast, is_link_local_multicast)
DEFINE_IS (ip_is_link_local_unicast, is_link_local_unicast)

/* --- CIDR ---------------------------------------------------------------- */

static gboolean
parse_cidr (OcStr text, OcCelNet *out)
{
  const char *slash = text.len > 0 ? memchr (text.data, '/', text.len) : NULL;
  gsize at = slash ? (gsize) (slash - text.data) : 0;
  OcStr digits = oc_str (text.data + at + 1, text.len - at - 1);
  guint64 prefix;

  if (!slash || digits.len > 3 || (digits.len > 1 && digits.data[0] == '0')
      || !oc_cel_number_parse_uint (digits, FALSE, &prefix)
      || !parse_ip (oc_str (text.data, at), &out->address))
    return FALSE;
  out->prefix = (guint8) prefix;
  return prefix <= (out->address.family == 4 ? 32 : 128);
}

static OcAddress
mask (OcAddress a, guint prefix)
{
  for (guint i = 0; i < sizeof a.bytes; i++, prefix -= MIN (prefix, 8))
    if (prefix < 8)
      a.bytes[i] &= (guint8) (0xff00 >> prefix);
  return a;
}

static void
cidr (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcCelNet net;

  *out = parse_cidr (str (args[0]), &net)
             ? make_net (e, OC_CEL_CIDR, &net.address, net.prefix)
             : oc_cel_error (OC_CEL_ERROR_ARGUMENT, "text is no address block such as 10.0.0.0/8");
}

static void
is_cidr (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcCelNet net;

  *out = oc_cel_bool (parse_cidr (str (args[0]), &net));
}

static gboolean
covers (const OcCelNet *block, const OcAddress *address)
{
  OcAddress a = mask (block->address, block->prefix), b = mask (*address, block->prefix);

  return oc_address_equal (&a, &b);
}

static void
contains_ip (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_bool (covers (args[0].net, &args[1].net->address));
}

static void
contains_ip_text (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcAddress address;

  *out = parse_ip (str (args[1]), &address) ? oc_cel_bool (covers (args[0].net, &address))
                                            : bad_address ();
}

static OcCelValue
contains_block (const OcCelNet *block, const OcCelNet *other)
{
  return oc_cel_bool (block->prefix <= other->prefix && covers (block, &other->address));
}

static void
contains_cidr (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = contains_block (args[0].net, args[1].net);
}

static void
contains_cidr_text (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcCelNet net;

  *out = parse_cidr (str (args[1]), &net) ? contains_block (args[0].net, &net) : bad_address ();
}

static void
cidr_ip (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = make_net (e, OC_CEL_IP, &args[0].net->address, 0);
}

static void
masked (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  OcAddress address = mask (args[0].net->address, args[0].net->prefix);

  *out = make_net (e, OC_CEL_CIDR, &address, args[0].net->prefix);
}

static void
prefix_length (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  *out = oc_cel_int (args[0].net->prefix);
}

static void
string_of_cidr (OcCelScratch *e, const OcCelValue *args, OcCelValue *out)
{
  char address[OC_ADDRESS_TEXT_MAX], buf[CIDR_TEXT_MAX + 1];

  (void) oc_address_format (&args[0].net->address, address, sizeof address);
  *out = oc_cel_make_string (
      e, buf, (gsize) snprintf (buf, sizeof buf, "%s/%u", address, args[0].net->prefix));
}

const OcCelDecl oc_cel_lib_net[] = {
  { "ip", "(string) -> net.IP", ip },
  { "isIP", "(string) -> bool", is_ip },
  { "ip.isCanonical", "(string) -> bool", is_canonical },
  { "string", "(net.IP) -> string", string_of_ip },
  { "family", "net.IP.() -> int", family },
  { "isUnspecified", "net.IP.() -> bool", ip_is_unspecified },
  { "isLoopback", "net.IP.() -> bool", ip_is_loopback },
  { "isGlobalUnicast", "net.IP.() -> bool", ip_is_global_unicast },
  { "isLinkLocalMulticast", "net.IP.() -> bool", ip_is_link_local_multicast },
  { "isLinkLocalUnicast", "net.IP.() -> bool", ip_is_link_local_unicast },
  { "cidr", "(string) -> net.CIDR", cidr },
  { "isCIDR", "(string) -> bool", is_cidr },
  { "string", "(net.CIDR) -> string", string_of_cidr },
  { "containsIP", "net.CIDR.(net.IP) -> bool", contains_ip },
  { "containsIP", "net.CIDR.(string) -> bool", contains_ip_text },
  { "containsCIDR", "net.CIDR.(net.CIDR) -> bool", contains_cidr },
  { "containsCIDR", "net.CIDR.(string) -> bool", contains_cidr_text },
  { "ip", "net.CIDR.() -> net.IP", cidr_ip },
  { "masked", "net.CIDR.() -> net.CIDR", masked },
  { "prefixLength", "net.CIDR.() -> int", prefix_length },
  { NULL, NULL, NULL },
};
