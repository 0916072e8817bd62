/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "selftest.h"

#include "common/oc-error.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 16
/* Beyond what is planted; in the helper a tag is the run's digits and three more. */
#define FILE_MAX_BYTES 65536

/* A repository and a project's files, as somebody would have them. */
static const char *const folders[]
    = { ".git/hooks", ".git/objects", ".git/refs", ".husky", ".vscode", ".zed", NULL };
static const struct
{
  const char *path, *text;
} files[] = {
  { ".git/HEAD", "ref: refs/heads/main\n" },
  { ".git/config", "[core]\n\trepositoryformatversion = 0\n" },
  { ".bashrc", "" },
  { ".vimrc", "" },
  { ".vscode/tasks.json", "{}\n" },
};

static gboolean
make_file (const char *dir, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);

  return g_file_set_contents (path, text, -1, error);
}

gboolean
oc_selftest_make_place (OcSelftest *test, GError **error)
{
  test->dir = g_dir_make_tmp ("outcall-selftest-XXXXXX", error);
  if (test->dir == NULL)
    return FALSE;
  test->project = g_build_filename (test->dir, "project", NULL);
  test->secret = g_build_filename (test->dir, "secret", NULL);
  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (test->project, folders[i], NULL);

      if (g_mkdir_with_parents (path, 0755) < 0)
        return oc_throw_errno (error, "%s", path);
    }
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    if (!make_file (test->project, files[i].path, files[i].text, error))
      return FALSE;
  return make_file (test->dir, "secret", test->run, error);
}

static int
remove_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void) st;
  (void) type;
  (void) ftw;
  (void) remove (path);
  return 0;
}

void
oc_selftest_remove_place (OcSelftest *test)
{
  if (test->dir != NULL)
    (void) nftw (test->dir, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
}

/* --- What was planted --------------------------------------------------------------- */

static void
look_at_file (OcSelftest *test, const char *path)
{
  gsize run_len = strlen (test->run);
  g_autofree char *text = NULL;
  const char *at;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  for (at = strstr (text, test->run); at != NULL; at = strstr (at + run_len, test->run))
    {
      g_autofree char *digits = g_strndup (at + run_len, 3);
      guint64 number;
      OcWay *way = g_ascii_string_to_unsigned (digits, 10, 1, 999, &number, NULL)
                       ? oc_selftest_get_way (test, number)
                       : NULL;

      if (way != NULL)
        oc_way_set (way, OC_WAY_ESCAPED, OC_WAY_PLANTED, path + strlen (test->project) + 1);
    }
}

/* No link is followed: what is behind one is not in the project. */
static void
look_in_folder (OcSelftest *test, const char *path, guint depth)
{
  g_autoptr (GDir) dir = depth < DEPTH_MAX ? g_dir_open (path, 0, NULL) : NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      struct stat st;

      if (lstat (child, &st) < 0)
        continue;
      if (S_ISDIR (st.st_mode))
        look_in_folder (test, child, depth + 1);
      else if (S_ISREG (st.st_mode) && st.st_size <= FILE_MAX_BYTES)
        look_at_file (test, child);
    }
}

void
oc_selftest_look_for_planted (OcSelftest *test)
{
  look_in_folder (test, test->project, 0);
}

/* --- Addresses ------------------------------------------------------------------------ */

static gboolean
is_of_others (const OcSelftest *test, const struct ifaddrs *ifa)
{
  return ifa->ifa_addr != NULL && (ifa->ifa_flags & IFF_UP) && !(ifa->ifa_flags & IFF_LOOPBACK)
         && !g_str_equal (ifa->ifa_name, test->network->bridge);
}

void
oc_selftest_find_addresses (OcSelftest *test)
{
  char host[INET_ADDRSTRLEN] = "";
  char host6[INET6_ADDRSTRLEN] = "";
  struct ifaddrs *list = NULL;

  if (getifaddrs (&list) < 0)
    list = NULL;
  for (const struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next)
    {
      const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) (const void *) ifa->ifa_addr;
      const struct sockaddr_in *in = (const struct sockaddr_in *) (const void *) ifa->ifa_addr;

      if (!is_of_others (test, ifa))
        continue;
      if (ifa->ifa_addr->sa_family == AF_INET && *host == '\0')
        (void) inet_ntop (AF_INET, &in->sin_addr, host, sizeof host);
      if (ifa->ifa_addr->sa_family == AF_INET6 && *host6 == '\0'
          && !IN6_IS_ADDR_LINKLOCAL (&in6->sin6_addr))
        (void) inet_ntop (AF_INET6, &in6->sin6_addr, host6, sizeof host6);
    }
  freeifaddrs (list);
  test->host = g_strdup (host);
  test->host6 = g_strdup (host6);
}
