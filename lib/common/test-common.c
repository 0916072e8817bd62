/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "common/oc-error.h"
#include "common/oc-fd.h"
#include "common/oc-host.h"

#include <fcntl.h>
#include <glib.h>

static const struct
{
  const char *text;
  gsize len;
  OcHostError error;
  const char *canonical;
} hosts[] = {
  { "example.com", 11, OC_HOST_OK, "example.com" },
  { "EXAMPLE.Com.", 12, OC_HOST_OK, "example.com" },
  { "example.com..", 13, OC_HOST_BAD_LABEL, NULL },
  { "xn--mnchen-3ya.de", 17, OC_HOST_OK, "xn--mnchen-3ya.de" },
  { "_dmarc.example.com", 18, OC_HOST_OK, "_dmarc.example.com" },
  { "", 0, OC_HOST_EMPTY, NULL },
  { ".", 1, OC_HOST_EMPTY, NULL },
  { ".com", 4, OC_HOST_BAD_LABEL, NULL },
  { "a..b", 4, OC_HOST_BAD_LABEL, NULL },
  { "-a.com", 6, OC_HOST_BAD_LABEL, NULL },
  { "evil.com\0.good.com", 18, OC_HOST_BAD_BYTE, NULL },
  { "good.com\r\nx", 11, OC_HOST_BAD_BYTE, NULL },
  { "a%2eb", 5, OC_HOST_BAD_BYTE, NULL },
  { "m\xc3\xbcnchen.de", 11, OC_HOST_BAD_BYTE, NULL },
  { "user@host", 9, OC_HOST_BAD_BYTE, NULL },
  { "1.2.3.4", 7, OC_HOST_OK, "1.2.3.4" },
  { "1.2.3.4.", 8, OC_HOST_OK, "1.2.3.4" },
  { "01.2.3.4", 8, OC_HOST_BAD_ADDRESS, NULL },
  { "1.2.3", 5, OC_HOST_BAD_ADDRESS, NULL },
  { "2130706433", 10, OC_HOST_BAD_ADDRESS, NULL },
  { "0x7f000001", 10, OC_HOST_BAD_ADDRESS, NULL },
  { "0X7F.1", 6, OC_HOST_BAD_ADDRESS, NULL },
  { "a.0x", 4, OC_HOST_BAD_ADDRESS, NULL },
  { "1.2.3.256", 9, OC_HOST_BAD_ADDRESS, NULL },
  { "[::1]", 5, OC_HOST_OK, "::1" },
  { "[2001:DB8::1]", 13, OC_HOST_OK, "2001:db8::1" },
  { "[::1", 4, OC_HOST_BAD_ADDRESS, NULL },
  { "[fe80::1%eth0]", 14, OC_HOST_BAD_ADDRESS, NULL },
  { "::1", 3, OC_HOST_BAD_BYTE, NULL },
};

static void
test_hosts (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      OcHost host;

      g_test_message ("%s", hosts[i].text);
      g_assert_cmpint (oc_host_parse (oc_str (hosts[i].text, hosts[i].len), &host), ==,
                       hosts[i].error);
      if (hosts[i].canonical != NULL)
        g_assert_cmpstr (host.name, ==, hosts[i].canonical);
      else
        g_assert_cmpuint (host.len, ==, 0);
    }
}

static void
test_host_lengths (void)
{
  g_autoptr (GString) name = g_string_new (NULL);
  OcHost host;

  for (int i = 0; i < 63; i++)
    g_string_append_c (name, 'a');
  g_assert_cmpint (oc_host_parse (oc_str (name->str, name->len), &host), ==, OC_HOST_OK);
  g_string_append_c (name, 'a');
  g_assert_cmpint (oc_host_parse (oc_str (name->str, name->len), &host), ==, OC_HOST_TOO_LONG);
  g_string_truncate (name, 0);
  while (name->len < OC_HOST_MAX - 1)
    g_string_append (name, "a.");
  g_string_append_c (name, 'a');
  g_assert_cmpuint (name->len, ==, OC_HOST_MAX);
  g_assert_cmpint (oc_host_parse (oc_str (name->str, name->len), &host), ==, OC_HOST_OK);
  g_string_append (name, ".");
  g_assert_cmpint (oc_host_parse (oc_str (name->str, name->len), &host), ==, OC_HOST_OK);
  g_string_append (name, "a");
  g_assert_cmpint (oc_host_parse (oc_str (name->str, name->len), &host), ==, OC_HOST_TOO_LONG);
}

static const struct
{
  const char *text;
  gboolean ok;
  const char *host;
  guint16 port;
} authorities[] = {
  { "example.com", TRUE, "example.com", 443 },
  { "example.com:8080", TRUE, "example.com", 8080 },
  { "[::1]:80", TRUE, "::1", 80 },
  { "[::1]", TRUE, "::1", 443 },
  { "example.com:", FALSE, NULL, 0 },
  { "example.com:0", FALSE, NULL, 0 },
  { "example.com:080", FALSE, NULL, 0 },
  { "example.com:65536", FALSE, NULL, 0 },
  { "example.com:+80", FALSE, NULL, 0 },
  { "example.com:80:80", FALSE, NULL, 0 },
  { ":80", FALSE, NULL, 0 },
  { "::1", FALSE, NULL, 0 },
};

static void
test_authorities (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (authorities); i++)
    {
      OcHost host;
      guint16 port;

      g_test_message ("%s", authorities[i].text);
      g_assert_cmpint (
          oc_host_parse_authority (oc_str_from (authorities[i].text), 443, &host, &port), ==,
          authorities[i].ok);
      if (!authorities[i].ok)
        continue;
      g_assert_cmpstr (host.name, ==, authorities[i].host);
      g_assert_cmpuint (port, ==, authorities[i].port);
    }
}

static const struct
{
  const char *text;
  OcAddressClass class;
} addresses[] = {
  { "9.9.9.9", OC_ADDRESS_PUBLIC },
  { "0.0.0.0", OC_ADDRESS_UNSPECIFIED },
  { "10.0.0.1", OC_ADDRESS_PRIVATE },
  { "11.0.0.1", OC_ADDRESS_PUBLIC },
  { "100.63.255.255", OC_ADDRESS_PUBLIC },
  { "100.64.0.0", OC_ADDRESS_CGNAT },
  { "100.127.255.255", OC_ADDRESS_CGNAT },
  { "100.128.0.0", OC_ADDRESS_PUBLIC },
  { "127.0.0.1", OC_ADDRESS_LOOPBACK },
  { "169.254.1.1", OC_ADDRESS_LINK_LOCAL },
  { "169.254.169.254", OC_ADDRESS_METADATA },
  { "168.63.129.16", OC_ADDRESS_METADATA },
  { "172.15.255.255", OC_ADDRESS_PUBLIC },
  { "172.16.0.1", OC_ADDRESS_PRIVATE },
  { "172.32.0.0", OC_ADDRESS_PUBLIC },
  { "192.0.2.1", OC_ADDRESS_DOCUMENTATION },
  { "192.168.1.1", OC_ADDRESS_PRIVATE },
  { "198.19.255.255", OC_ADDRESS_RESERVED },
  { "224.0.0.1", OC_ADDRESS_MULTICAST },
  { "255.255.255.255", OC_ADDRESS_RESERVED },
  { "::", OC_ADDRESS_UNSPECIFIED },
  { "::1", OC_ADDRESS_LOOPBACK },
  { "2620:fe::fe", OC_ADDRESS_PUBLIC },
  { "fd00:ec2::254", OC_ADDRESS_METADATA },
  { "fd12::1", OC_ADDRESS_PRIVATE },
  { "fe80::1", OC_ADDRESS_LINK_LOCAL },
  { "ff02::1", OC_ADDRESS_MULTICAST },
  { "2001:db8::1", OC_ADDRESS_DOCUMENTATION },
  { "::ffff:10.0.0.1", OC_ADDRESS_PRIVATE },
  { "::ffff:9.9.9.9", OC_ADDRESS_PUBLIC },
  { "::127.0.0.1", OC_ADDRESS_LOOPBACK },
  { "64:ff9b::169.254.169.254", OC_ADDRESS_METADATA },
  { "64:ff9b:1::9.9.9.9", OC_ADDRESS_RESERVED },
  { "2002:7f00:1::", OC_ADDRESS_LOOPBACK },
  { "2002:909:909::", OC_ADDRESS_PUBLIC },
  { "2001:0:909:909::1", OC_ADDRESS_RESERVED },
  { "4000::1", OC_ADDRESS_RESERVED },
};

static void
test_addresses (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      OcAddress address;
      char text[OC_ADDRESS_TEXT_MAX];

      g_test_message ("%s", addresses[i].text);
      g_assert_true (oc_address_parse (oc_str_from (addresses[i].text), &address));
      g_assert_cmpstr (oc_address_class_name (oc_address_classify (&address)), ==,
                       oc_address_class_name (addresses[i].class));
      g_assert_cmpstr (oc_address_format (&address, text, sizeof text), !=, "");
    }
}

static void
test_sockaddr (void)
{
  struct sockaddr_storage ss;
  OcAddress in, out;
  guint16 port = 0;

  g_assert_true (oc_address_parse (OC_STR ("::ffff:1.2.3.4"), &in));
  g_assert_cmpuint (oc_address_to_sockaddr (&in, 53, &ss), ==, sizeof (struct sockaddr_in6));
  g_assert_true (oc_address_from_sockaddr ((struct sockaddr *) &ss, &out, &port));
  g_assert_cmpuint (out.family, ==, 4);
  g_assert_cmpuint (port, ==, 53);
  ss.ss_family = AF_UNIX;
  g_assert_false (oc_address_from_sockaddr ((struct sockaddr *) &ss, &out, &port));
}

static void
test_domains (void)
{
  g_assert_true (oc_host_in_domain (OC_STR ("github.com"), OC_STR ("github.com")));
  g_assert_true (oc_host_in_domain (OC_STR ("api.GitHub.com"), OC_STR ("github.com")));
  g_assert_false (oc_host_in_domain (OC_STR ("evilgithub.com"), OC_STR ("github.com")));
  g_assert_false (oc_host_in_domain (OC_STR ("com"), OC_STR ("github.com")));
  g_assert_false (oc_host_in_domain (OC_STR ("github.com"), OC_STR ("")));
}

static void
test_errors (void)
{
  g_autoptr (GError) error = NULL;

  errno = ENOENT;
  g_assert_false (oc_throw_errno (&error, "open %s", "x"));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_false (oc_prefix (&error, "file %d", 1));
  g_assert_cmpstr (error->message, ==, "file 1: open x: No such file or directory");
  g_assert_false (oc_throw (NULL, "nobody listens"));
}

static void
test_fds (void)
{
  int kept;

  {
    oc_autofd int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

    g_assert_cmpint (fd, >=, 0);
    kept = fd;
  }
  g_assert_cmpint (fcntl (kept, F_GETFD), ==, -1);
}

/* What an address hides; the plain ones hide nothing. */
static void
test_embedded (void)
{
  static const struct
  {
    const char *text;
    const char *inner; /* (nullable) */
  } cases[] = {
    { "::ffff:10.0.0.1", "10.0.0.1" },   { "::10.0.0.1", "10.0.0.1" },
    { "64:ff9b::10.0.0.1", "10.0.0.1" }, { "2002:a00:1::1", "10.0.0.1" },
    { "2600::1", NULL },                 { "10.0.0.1", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      OcAddress address;
      OcAddress inner = { 0 };
      char text[OC_ADDRESS_TEXT_MAX];

      g_assert_true (oc_address_parse (oc_str_from (cases[i].text), &address));
      g_assert_cmpint (oc_address_get_embedded (&address, &inner), ==, cases[i].inner != NULL);
      if (cases[i].inner != NULL)
        g_assert_cmpstr (oc_address_format (&inner, text, sizeof text), ==, cases[i].inner);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/common/host/spellings", test_hosts);
  g_test_add_func ("/common/host/lengths", test_host_lengths);
  g_test_add_func ("/common/host/authority", test_authorities);
  g_test_add_func ("/common/host/domain", test_domains);
  g_test_add_func ("/common/address/classes", test_addresses);
  g_test_add_func ("/common/address/sockaddr", test_sockaddr);
  g_test_add_func ("/common/error", test_errors);
  g_test_add_func ("/common/fd", test_fds);
  g_test_add_func ("/common/address/embedded", test_embedded);
  return g_test_run ();
}
