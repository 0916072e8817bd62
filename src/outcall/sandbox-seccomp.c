/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * The few system calls that reach around namespaces:
 *
 * - ioctl TIOCSTI and TIOCLINUX put input into the terminal, which the shell
 *   outside would then run. bubblewrap's --new-session stops that too, but takes
 *   job control and Ctrl-C away.
 * - keyctl and friends: kernel keyrings belong to the user, not to a namespace.
 * - socket families beyond the allowed: AF_VSOCK talks to the hypervisor,
 *   AF_BLUETOOTH and others have no network namespace at all.
 * - io_uring opens sockets without socket(2).
 * - other system call tables of the processor (32 bit, x32), where all of the
 *   above would have other numbers.
 *
 * Everything else is the namespaces' and the kernel's own business.
 */
#include "config.h"

#include "sandbox.h"

#include "common/oc-error.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#else
#error "add this processor's AUDIT_ARCH_ constant"
#endif

/* Bit 30 of the number selects the x32 table on x86-64; unused elsewhere. */
#define X32_BIT 0x40000000u

#define LOAD(field) BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, field))
/* The low half of argument @n. The kernel ignores the high half of a command,
 * a family or a number, so it is not compared either. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOAD_ARG(n)                                                                               \
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args) + 8 * (n))
#else
#define LOAD_ARG(n)                                                                               \
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args) + 8 * (n) + 4)
#endif
#define RETURN(what) BPF_STMT (BPF_RET | BPF_K, (what))
#define FAIL(err) RETURN (SECCOMP_RET_ERRNO | (err))
/* Skips @n instructions unless the loaded value is @k. */
#define UNLESS(k, n) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (k), 0, (n))
#define ALLOW_IF(k) UNLESS ((k), 1), RETURN (SECCOMP_RET_ALLOW)
#define FAIL_IF(k, err) UNLESS ((k), 1), FAIL (err)

static const struct sock_filter filter[] = {
  LOAD (arch),
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
  RETURN (SECCOMP_RET_KILL_PROCESS),
  LOAD (nr),
  BPF_JUMP (BPF_JMP | BPF_JSET | BPF_K, X32_BIT, 0, 1),
  FAIL (ENOSYS),
  FAIL_IF (__NR_keyctl, ENOSYS),
  FAIL_IF (__NR_add_key, ENOSYS),
  FAIL_IF (__NR_request_key, ENOSYS),
  FAIL_IF (__NR_io_uring_setup, ENOSYS),
  FAIL_IF (__NR_io_uring_enter, ENOSYS),
  FAIL_IF (__NR_io_uring_register, ENOSYS),
  /* ioctl (fd, command, …) */
  UNLESS (__NR_ioctl, 6),
  LOAD_ARG (1),
  FAIL_IF (TIOCSTI, EPERM),
  FAIL_IF (TIOCLINUX, EPERM),
  RETURN (SECCOMP_RET_ALLOW),
  /* socket (family, …) and socketpair: the accumulator still holds the number */
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 1, 0),
  UNLESS (__NR_socketpair, 10),
  LOAD_ARG (0),
  ALLOW_IF (AF_UNIX),
  ALLOW_IF (AF_INET),
  ALLOW_IF (AF_INET6),
  ALLOW_IF (AF_NETLINK),
  FAIL (EAFNOSUPPORT),
  RETURN (SECCOMP_RET_ALLOW),
};

gboolean
oc_sandbox_add_seccomp (OcSandboxArgs *args, GError **error)
{
  const char *fd = oc_sandbox_args_add_data (args, "seccomp", filter, sizeof filter, error);

  if (fd == NULL)
    return FALSE;
  oc_sandbox_args_add (args, "--seccomp", fd, NULL);
  return TRUE;
}
