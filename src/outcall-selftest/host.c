/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * Services, processes and files of the host itself; and the sockets of container engines, each
 * of which is root by another name.
 */
#include "config.h"

#include "selftest.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/oc-fd.h"
#include "outcall-api/constants.h"

/* --- Ports ------------------------------------------------------------------------------- */

static struct in_addr
get_target (const Place *place, const Probe *probe)
{
  const char *where = probe->data;

  if (strcmp (where, "gateway") == 0)
    return place->gateway;
  if (strcmp (where, "host") == 0)
    return place->host;
  return (struct in_addr){ htonl (INADDR_LOOPBACK) };
}

static Result
try_tcp_port (const Place *place, const Probe *probe, unsigned n)
{
  struct in_addr to = get_target (place, probe);

  if (to.s_addr == 0)
    return result (OUTCOME_UNFIT, "the host has no other address");
  return try_tcp (place, n, to, probe->len != 0 ? (uint16_t) probe->len : place->port);
}

static Result
try_udp_port (const Place *place, const Probe *probe, unsigned n)
{
  struct in_addr to = get_target (place, probe);

  if (to.s_addr == 0)
    return result (OUTCOME_UNFIT, "the host has no other address");
  return try_udp (place, n, to, place->port);
}

/* Whether the host itself has something to connect to there. */
static bool
has_tcp_port (const Probe *probe)
{
  struct sockaddr_in to
      = make_addr ((struct in_addr){ htonl (INADDR_LOOPBACK) }, (uint16_t) probe->len);
  oc_autofd int fd = connect_tcp ((struct sockaddr *) &to, sizeof to);

  return fd >= 0;
}

/* Loopback addresses of the host, from the wire. */
static Result
try_martian (const Place *place, const Probe *probe, unsigned n)
{
  struct in_addr loopback = { htonl (INADDR_LOOPBACK) };
  Frame frame;
  size_t ip;

  (void) probe;
  frame_begin (&frame, place->gateway_mac, place->own_mac, ETHERTYPE_IP);
  ip = frame_add_ip (&frame, place->own, loopback, IPPROTO_UDP);
  frame_add_udp (&frame, place, n, 40000, place->port);
  frame_end_ip (&frame, ip);
  return send_frame (place, &frame, loopback);
}

/* --- Sockets of the file system ------------------------------------------------------------ */

/* The path in the detail; UID stands for the user's number, which is the same inside. */
static void
get_path (const Probe *probe, char *path, size_t size)
{
  const char *uid = strstr (probe->detail, "UID");

  if (uid == NULL)
    (void) snprintf (path, size, "%s", probe->detail);
  else
    (void) snprintf (path, size, "%.*s%u%s", (int) (uid - probe->detail), probe->detail,
                     (unsigned) getuid (), uid + 3);
}

static Result
try_path (const Place *place, const Probe *probe, unsigned n)
{
  char path[108];

  (void) place;
  (void) n;
  get_path (probe, path, sizeof path);
  return try_unix (path, false);
}

static bool
has_path (const Probe *probe)
{
  char path[108];
  struct stat st;

  get_path (probe, path, sizeof path);
  return stat (path, &st) == 0 && S_ISSOCK (st.st_mode);
}

static Result
try_abstract (const Place *place, const Probe *probe, unsigned n)
{
  char name[64];

  (void) probe;
  (void) n;
  /* The null byte that makes it abstract is put before it; the length goes without one after. */
  (void) snprintf (name, sizeof name, "outcall-selftest-%s", place->run);
  return try_unix (name, true);
}

/* A route of the host's API, asked of the agents' socket. The data is the request. */
static Result
try_agent_socket (const Place *place, const Probe *probe, unsigned n)
{
  struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = OUTCALL_DEFAULT_AGENT_SOCKET };
  oc_autofd int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char answer[256];
  ssize_t len;

  (void) place;
  (void) n;
  if (fd < 0 || connect (fd, (struct sockaddr *) &to, sizeof to) < 0)
    return result (OUTCOME_IMPOSSIBLE, "%s", strerror (errno));
  len = exchange (fd, probe->data, probe->len, answer, sizeof answer);
  return len < 0 ? result_errno (errno) : judge_http (answer, (size_t) len);
}

/* The same of the proxy, which listens where everybody is heard. */
static Result
try_proxy_api (const Place *place, const Probe *probe, unsigned n)
{
  struct sockaddr_in to = make_addr (place->gateway, place->proxy_port);
  oc_autofd int fd = -1;
  char answer[256];
  ssize_t len;

  (void) n;
  if (place->proxy_port == 0)
    return result (OUTCOME_UNFIT, "no proxy");
  fd = connect_tcp ((struct sockaddr *) &to, sizeof to);
  if (fd < 0)
    return result_errno (errno);
  len = exchange (fd, probe->data, probe->len, answer, sizeof answer);
  return len < 0 ? result_errno (errno) : judge_http (answer, (size_t) len);
}

/* --- Processes and secrets -------------------------------------------------------------------- */

static Result
try_memory (const Place *place, const Probe *probe, unsigned n)
{
  (void) probe;
  (void) n;
  return shmget (get_shm_key (place->run), 0, 0) >= 0
             ? result (OUTCOME_ANSWERED, "shared memory")
             : result (OUTCOME_IMPOSSIBLE, "%s", strerror (errno));
}

static Result
try_keyring (const Place *place, const Probe *probe, unsigned n)
{
  (void) place;
  (void) probe;
  (void) n;
  /* KEYCTL_GET_KEYRING_ID of the user's own. */
  return syscall (SYS_keyctl, 0, -4, 1) >= 0 ? result (OUTCOME_ANSWERED, "keyring")
                                             : result (OUTCOME_IMPOSSIBLE, "%s", strerror (errno));
}

static bool
has_keyring (const Probe *probe)
{
  (void) probe;
  return syscall (SYS_keyctl, 0, -4, 1) >= 0;
}

/* A process that is none of the sandbox's: all of those have a parent there. */
static Result
try_processes (const Place *place, const Probe *probe, unsigned n)
{
  DIR *dir = opendir ("/proc");
  const struct dirent *entry;
  unsigned count = 0;

  (void) place;
  (void) probe;
  (void) n;
  while (dir != NULL && (entry = readdir (dir)) != NULL)
    {
      char path[300];
      char text[32] = "";
      oc_autofd int fd = -1;

      if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
        continue;
      (void) snprintf (path, sizeof path, "/proc/%s/comm", entry->d_name);
      fd = open (path, O_RDONLY | O_CLOEXEC);
      if (fd >= 0 && read (fd, text, sizeof text - 1) > 0 && strncmp (text, "outcall\n", 8) == 0)
        count++;
    }
  if (dir != NULL)
    (void) closedir (dir);
  return count > 0 ? result (OUTCOME_ANSWERED, "%u processes", count)
                   : result (OUTCOME_IMPOSSIBLE, "%s", strerror (ENOENT));
}

/* Puts input into the terminal of a child of its own: the call itself is what must fail. */
static Result
try_terminal (const Place *place, const Probe *probe, unsigned n)
{
  oc_autofd int master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  oc_autofd int slave = -1;
  int status = 0;
  pid_t pid;

  (void) place;
  (void) probe;
  (void) n;
  if (master < 0 || grantpt (master) < 0 || unlockpt (master) < 0)
    return result (OUTCOME_UNFIT, "no terminals");
  slave = open (ptsname (master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  pid = fork ();
  if (pid == 0)
    {
      (void) setsid ();
      (void) ioctl (slave, TIOCSCTTY, 0);
      _exit (ioctl (slave, TIOCSTI, "\n") == 0 ? 0 : errno);
    }
  if (waitpid (pid, &status, 0) != pid || !WIFEXITED (status))
    return result (OUTCOME_UNFIT, "no terminals");
  return WEXITSTATUS (status) == 0
             ? result (OUTCOME_ANSWERED, "TIOCSTI")
             : result (OUTCOME_IMPOSSIBLE, "%s", strerror (WEXITSTATUS (status)));
}

static Result
try_environment (const Place *place, const Probe *probe, unsigned n)
{
  (void) place;
  (void) probe;
  (void) n;
  return getenv ("OUTCALL_SELFTEST_SECRET") != NULL ? result (OUTCOME_ANSWERED, "variable")
                                                    : result (OUTCOME_IMPOSSIBLE, "not set");
}

static Result
try_outside_file (const Place *place, const Probe *probe, unsigned n)
{
  oc_autofd int fd = open (place->outside, O_RDONLY | O_CLOEXEC);

  (void) probe;
  (void) n;
  return fd >= 0 ? result (OUTCOME_ANSWERED, "file") : result_errno (errno);
}

#define TCP(id, text, where, port)                                                                \
  { id, text, NULL, STAGE_SANDBOX, WITNESS_HOST, try_tcp_port, where, port }
#define AT_PORT(id, detail, port)                                                                 \
  { id, N_("TCP to port %s of the gateway"), detail, STAGE_SANDBOX, WITNESS_NONE, try_tcp_port,   \
    "gateway", port, has_tcp_port }
#define ROUTE(request) " /api/v1/" request " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
#define API(id, text, detail, run, request)                                                       \
  { id, text, detail, STAGE_SANDBOX, WITNESS_NONE, run, request, sizeof request - 1 }
#define SERVICE(id, path)                                                                         \
  { id, N_("Connect to %s"), path, STAGE_SANDBOX, WITNESS_NONE, try_path, .applies = has_path }

const Probe host_probes[] = {
  TCP ("host-tcp-gateway", N_("TCP to a port of the gateway"), "gateway", 0),
  { "host-udp-gateway", N_("UDP to a port of the gateway"), NULL, STAGE_SANDBOX, WITNESS_HOST,
    try_udp_port, "gateway" },
  TCP ("host-tcp", N_("TCP to another address of the host"), "host", 0),
  { "host-udp", N_("UDP to another address of the host"), NULL, STAGE_SANDBOX, WITNESS_HOST,
    try_udp_port, "host" },
  TCP ("host-loopback", N_("TCP to the loopback of the host"), "loopback", 0),
  { "host-martian", N_("A datagram to the host's loopback from the wire"), NULL, STAGE_BARE,
    WITNESS_HOST, try_martian, NULL },
  AT_PORT ("host-ssh", "22", 22),
  AT_PORT ("host-rpc", "111", 111),
  { "host-http", N_("The transparent proxy's own port %s"), "8081", STAGE_SANDBOX, WITNESS_NONE,
    try_tcp_port, "gateway", 8081 },
  { "host-tls", N_("The transparent proxy's own port %s"), "8443", STAGE_SANDBOX, WITNESS_NONE,
    try_tcp_port, "gateway", 8443 },
  { "host-abstract", N_("An abstract socket of the host"), NULL, STAGE_SANDBOX, WITNESS_NONE,
    try_abstract, NULL },
  SERVICE ("host-api", OUTCALL_DEFAULT_HOST_SOCKET),
  SERVICE ("host-dbus", "/run/dbus/system_bus_socket"),
  SERVICE ("host-systemd", "/run/systemd/private"),
  SERVICE ("host-journal", "/run/systemd/journal/stdout"),
  SERVICE ("host-resolved", "/run/systemd/resolve/io.systemd.Resolve"),
  SERVICE ("host-nscd", "/run/nscd/socket"),
  API ("host-agent-status", N_("The host's API on the agents' socket: %s"), "GET status",
       try_agent_socket, "GET" ROUTE ("status")),
  API ("host-agent-reload", N_("The host's API on the agents' socket: %s"), "POST rules/reload",
       try_agent_socket, "POST" ROUTE ("rules/reload")),
  API ("host-proxy-status", N_("The host's API on the proxy's port: %s"), "GET status",
       try_proxy_api, "GET" ROUTE ("status")),
  { "host-memory", N_("Shared memory of the host"), NULL, STAGE_SANDBOX, WITNESS_NONE, try_memory,
    NULL },
  { "host-keyring", N_("The user's kernel keyring"), NULL, STAGE_SANDBOX, WITNESS_NONE,
    try_keyring, .applies = has_keyring },
  { "host-processes", N_("Processes of the host"), NULL, STAGE_SANDBOX, WITNESS_NONE,
    try_processes, NULL },
  { "host-terminal", N_("Input for the terminal of the host"), NULL, STAGE_SANDBOX, WITNESS_NONE,
    try_terminal, NULL },
  { "host-environment", N_("Secrets in the environment"), NULL, STAGE_SANDBOX, WITNESS_NONE,
    try_environment, NULL },
  { "host-file", N_("A file of the host beyond the project"), NULL, STAGE_SANDBOX, WITNESS_NONE,
    try_outside_file, NULL },
  { NULL },
};

const Probe engine_probes[] = {
  SERVICE ("engine-docker", "/run/docker.sock"),
  SERVICE ("engine-docker-var", "/var/run/docker.sock"),
  SERVICE ("engine-docker-user", "/run/user/UID/docker.sock"),
  SERVICE ("engine-podman", "/run/podman/podman.sock"),
  SERVICE ("engine-podman-user", "/run/user/UID/podman/podman.sock"),
  SERVICE ("engine-containerd", "/run/containerd/containerd.sock"),
  SERVICE ("engine-crio", "/run/crio/crio.sock"),
  SERVICE ("engine-buildkit", "/run/buildkit/buildkitd.sock"),
  SERVICE ("engine-lxd", "/var/snap/lxd/common/lxd/unix.socket"),
  AT_PORT ("engine-tcp", "2375", 2375),
  AT_PORT ("engine-tls", "2376", 2376),
  { NULL },
};
