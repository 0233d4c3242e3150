/* SPDX-License-Identifier: Apache-2.0 */
/* base/filter.c: one socket is the program's input and its output, so that one loop writes, reads and watches the
 * time. */
#define _GNU_SOURCE /* posix_spawn_file_actions_addclosefrom_np, SOCK_CLOEXEC */
#include "base/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

extern char **environ;

/* Descriptors from here on are not the program's. */
enum { FIRST_CLOSED = 3 };

typedef struct filter {
  const adze_filter_options *options;
  int socket;
  pid_t pid;
  int64_t ends; /* on the clock, in milliseconds */
} filter;

static int64_t
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* ---- Its beginning. */

static bool
plan_descriptors (posix_spawn_file_actions_t *actions, int socket)
{
  return posix_spawn_file_actions_adddup2 (actions, socket, 0) == 0
         && posix_spawn_file_actions_adddup2 (actions, socket, 1) == 0
         && posix_spawn_file_actions_addopen (actions, 2, "/dev/null", O_WRONLY, 0) == 0
         && posix_spawn_file_actions_addclosefrom_np (actions, FIRST_CLOSED) == 0;
}

/* Signals as in a new shell, and a group of its own, which can be killed together. */
static bool
plan_attributes (posix_spawnattr_t *attributes)
{
  sigset_t none, all;
  sigemptyset (&none);
  sigfillset (&all);
  return posix_spawnattr_setsigmask (attributes, &none) == 0 && posix_spawnattr_setsigdefault (attributes, &all) == 0
         && posix_spawnattr_setpgroup (attributes, 0) == 0
         && posix_spawnattr_setflags (attributes,
                                      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)
                == 0;
}

static adze_error *
start (filter *f, int theirs)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  const char *program = f->options->argv[0];
  int failure = ENOMEM;
  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  if (plan_descriptors (&actions, theirs) && plan_attributes (&attributes))
    failure = posix_spawnp (&f->pid, program, &actions, &attributes, (char *const *)f->options->argv, environ);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  if (!failure)
    return NULL;
  if (failure == ENOENT)
    return adze_error_new (ADZE_E_NOT_FOUND, "there is no program '%s' in PATH", program);
  errno = failure;
  return adze_error_errno ("cannot start %s", program);
}

/* ---- Its end. */

static adze_error *
reap (filter *f)
{
  int status = 0;
  pid_t gone;
  do
    gone = waitpid (f->pid, &status, 0);
  while (gone < 0 && errno == EINTR);
  f->pid = 0;
  if (gone >= 0 && WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return NULL;
  if (WIFSIGNALED (status))
    return adze_error_new (ADZE_E_CRASHED, "%s was killed by signal %d (%s)", f->options->argv[0], WTERMSIG (status),
                           strsignal (WTERMSIG (status)));
  return adze_error_new (ADZE_E_CRASHED, "%s exited with code %d", f->options->argv[0], WEXITSTATUS (status));
}

static void
filter_cleanup (filter *f)
{
  if (f->socket >= 0)
    close (f->socket);
  if (f->pid == 0)
    return;
  kill (-f->pid, SIGKILL);
  adze_error_free (reap (f));
}

/* ---- In between. */

static adze_error *
wait_for (const filter *f, short events, short *seen)
{
  struct pollfd fd = { .fd = f->socket, .events = events };
  int64_t left = f->ends - now ();
  int count = left > 0 ? poll (&fd, 1, (int)left) : 0;
  *seen = fd.revents;
  if (count > 0 || (count < 0 && errno == EINTR))
    return NULL;
  if (count < 0)
    return adze_error_errno ("cannot wait for %s", f->options->argv[0]);
  return adze_error_new (ADZE_E_TIMEOUT, "%s had not answered after %lld ms, and was killed", f->options->argv[0],
                         (long long)f->options->limit_ms);
}

static bool
is_passing (int failure)
{
  return failure == EAGAIN || failure == EWOULDBLOCK || failure == EINTR;
}

/* A program that does not want all of its input may say so by closing it. */
static adze_error *
write_some (filter *f, const char **at, size_t *left)
{
  ssize_t size = send (f->socket, *at, *left, MSG_NOSIGNAL);
  if (size < 0 && is_passing (errno))
    return NULL;
  if (size < 0 && errno != EPIPE && errno != ECONNRESET)
    return adze_error_errno ("cannot write to %s", f->options->argv[0]);
  size_t done = size < 0 ? *left : (size_t)size;
  *at += done;
  *left -= done;
  if (*left == 0)
    shutdown (f->socket, SHUT_WR);
  return NULL;
}

static adze_error *
read_some (filter *f, adze_buffer *output, bool *end)
{
  char bytes[16384];
  ssize_t size = recv (f->socket, bytes, sizeof bytes, 0);
  if (size < 0 && is_passing (errno))
    return NULL;
  *end = size == 0 || (size < 0 && errno == ECONNRESET);
  if (size < 0 && !*end)
    return adze_error_errno ("cannot read from %s", f->options->argv[0]);
  if (size <= 0)
    return NULL;
  if ((size_t)size > f->options->most - output->size)
    return adze_error_new (ADZE_E_LIMIT, "%s answers with more than %zu bytes", f->options->argv[0],
                           f->options->most);
  adze_buffer_add (output, bytes, (size_t)size);
  return output->failed ? adze_error_memory () : NULL;
}

static adze_error *
talk (filter *f, const char *input, size_t left, adze_buffer *output)
{
  for (bool end = false; !end;) {
    short seen = 0;
    ADZE_TRY (wait_for (f, (short)(left > 0 ? POLLIN | POLLOUT : POLLIN), &seen));
    if (left > 0 && seen & (POLLOUT | POLLERR))
      ADZE_TRY (write_some (f, &input, &left));
    if (seen & (POLLIN | POLLHUP))
      ADZE_TRY (read_some (f, output, &end));
  }
  return reap (f);
}

adze_error *
adze_filter_run (const adze_filter_options *options, const void *input, size_t size, adze_buffer *output)
{
  ADZE_AUTO (filter) f = { .options = options, .socket = -1, .ends = now () + options->limit_ms };
  ADZE_AUTO_FD int theirs = -1;
  int pair[2];
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return adze_error_errno ("cannot make a socket to talk to %s", options->argv[0]);
  f.socket = pair[0];
  theirs = pair[1];
  ADZE_TRY (start (&f, theirs));
  close (theirs);
  theirs = -1;
  if (fcntl (f.socket, F_SETFL, O_NONBLOCK) != 0)
    return adze_error_errno ("cannot talk to %s", options->argv[0]);
  if (size == 0)
    shutdown (f.socket, SHUT_WR);
  return talk (&f, input, size, output);
}
