/* SPDX-License-Identifier: Apache-2.0 */
/* base/child.c: the life of a child process: started, attached, ended, reaped. What is said
 * between the two: base/child_ring.c. */
#define _GNU_SOURCE 1
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/child_private.h"
#include "base/file.h"

enum { CHILD_SOCKET = 3, CHILD_RING = 4, CHILD_FIRST_CLOSED = 5 };

/* A process closes its socket shortly before it can be reaped. One that has closed it and does
 * not end within this time never will. */
#define END_WAIT_MS 1000

extern char **environ;

int64_t
adze_child_clock_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- Both ends. */

static adze_error *
child_new (const char *name, adze_child **child)
{
  ADZE_AUTO_CHILD made = calloc (1, sizeof *made);
  if (!made)
    return adze_error_memory ();
  made->socket = -1;
  made->pidfd = -1;
  made->deadline_ns = ADZE_CHILD_NEVER;
  made->name = strdup (name);
  if (!made->name)
    return adze_error_memory ();
  *child = adze_take (&made);
  return NULL;
}

static adze_error *
map_ring (adze_child *child, int fd)
{
  void *ring = mmap (NULL, ADZE_RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED)
    return adze_error_errno ("cannot map the ring shared with %s", child->name);
  child->ring = ring;
  return NULL;
}

pid_t
adze_child_pid (const adze_child *child)
{
  return child->pid;
}

void *
adze_child_area (const adze_child *child, size_t *size)
{
  *size = ADZE_AREA_SIZE;
  return child->ring;
}

void
adze_child_deadline (adze_child *child, int64_t milliseconds)
{
  int64_t now = adze_child_clock_ns ();
  child->deadline_ms = milliseconds;
  if (milliseconds < 0 || milliseconds > (ADZE_CHILD_NEVER - now) / 1000000)
    child->deadline_ns = ADZE_CHILD_NEVER;
  else
    child->deadline_ns = now + milliseconds * 1000000;
}

/* ---- Starting. */

/* The seals are what makes it safe to touch the ring: without them the child could shorten the
 * file, and our next access would be a SIGBUS. */
static adze_error *
make_ring (int *fd)
{
  ADZE_AUTO_FD int made = memfd_create ("adze-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (made < 0 || ftruncate (made, (off_t)ADZE_RING_SIZE) != 0
      || fcntl (made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return adze_error_errno ("cannot make a ring of %zu bytes for a child process",
                             ADZE_RING_SIZE);
  *fd = made;
  made = -1;
  return NULL;
}

/* Moves a descriptor out of the range that the child's own are put in, where filling one place
 * could overwrite what the next is to be filled from. And in a host without a standard error our
 * end of the socket could be descriptor 2, which the child inherits. */
static adze_error *
lift (int *fd)
{
  int lifted = fcntl (*fd, F_DUPFD_CLOEXEC, CHILD_FIRST_CLOSED);
  if (lifted < 0)
    return adze_error_errno ("cannot duplicate a descriptor for a child process");
  close (*fd);
  *fd = lifted;
  return NULL;
}

static bool
plan_descriptors (posix_spawn_file_actions_t *actions, int socket, int ring, bool quiet)
{
  if (posix_spawn_file_actions_addopen (actions, 0, "/dev/null", O_RDONLY, 0) != 0)
    return false;
  if (quiet && posix_spawn_file_actions_addopen (actions, 2, "/dev/null", O_WRONLY, 0) != 0)
    return false;
  return posix_spawn_file_actions_adddup2 (actions, 2, 1) == 0
         && posix_spawn_file_actions_adddup2 (actions, 2, 2) == 0
         && posix_spawn_file_actions_adddup2 (actions, socket, CHILD_SOCKET) == 0
         && posix_spawn_file_actions_adddup2 (actions, ring, CHILD_RING) == 0
         && posix_spawn_file_actions_addclosefrom_np (actions, CHILD_FIRST_CLOSED) == 0;
}

/* What we block and ignore is our own affair: a child that inherited it would not die of a
 * SIGTERM, or not notice a broken pipe. */
static bool
plan_signals (posix_spawnattr_t *attributes)
{
  sigset_t none, all;
  sigemptyset (&none);
  sigfillset (&all);
  return posix_spawnattr_setsigmask (attributes, &none) == 0
         && posix_spawnattr_setsigdefault (attributes, &all) == 0;
}

/* A process group of its own, so that what the child starts can be ended together with it. */
static bool
plan_attributes (posix_spawnattr_t *attributes)
{
  const short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
  return plan_signals (attributes) && posix_spawnattr_setpgroup (attributes, 0) == 0
         && posix_spawnattr_setflags (attributes, flags) == 0;
}

static adze_error *
start (const adze_child_options *options, int socket, int ring, pid_t *pid)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  /* On Linux neither takes memory. */
  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  /* Without a standard error there is nothing to hand on, and dup2 would fail. */
  bool quiet = options->quiet || fcntl (2, F_GETFD) < 0;
  int failure = ENOMEM;
  if (plan_descriptors (&actions, socket, ring, quiet) && plan_attributes (&attributes))
    failure = posix_spawn (pid, options->program, &actions, &attributes,
                           (char *const *)options->argv, environ);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  if (!failure)
    return NULL;
  errno = failure;
  return adze_error_errno ("cannot start %s", options->program);
}

adze_error *
adze_child_spawn (const adze_child_options *options, adze_child **child)
{
  ADZE_AUTO_CHILD made = NULL;
  ADZE_AUTO_FD int theirs = -1;
  ADZE_AUTO_FD int ring = -1;
  ADZE_TRY (child_new (adze_path_base (options->argv[0]), &made));
  int pair[2];
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return adze_error_errno ("cannot make a socket to talk to %s", options->program);
  made->socket = pair[0];
  theirs = pair[1];
  ADZE_TRY (make_ring (&ring));
  ADZE_TRY (map_ring (made, ring));
  ADZE_TRY (lift (&made->socket));
  ADZE_TRY (lift (&theirs));
  ADZE_TRY (lift (&ring));
  ADZE_TRY (start (options, theirs, ring, &made->pid));
  /* Where it is refused, the closing of the socket alone tells that the child has ended. */
  made->pidfd = pidfd_open (made->pid, 0);
  *child = adze_take (&made);
  return NULL;
}

/* ---- Attaching. */

static bool
is_our_socket (int fd)
{
  int domain = 0, type = 0;
  socklen_t size = sizeof domain;
  if (getsockopt (fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX)
    return false;
  size = sizeof type;
  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static bool
is_our_ring (int fd)
{
  struct stat status;
  return fstat (fd, &status) == 0 && S_ISREG (status.st_mode)
         && status.st_size == (off_t)ADZE_RING_SIZE;
}

/* Asking for the signal is too late when the parent ended before. Then its end of the socket is
 * closed already: a process that ends closes its descriptors first and signals its children
 * after. So one of the two always tells. */
static adze_error *
die_with_parent (int socket)
{
  if (prctl (PR_SET_PDEATHSIG, SIGKILL) != 0)
    return adze_error_errno ("cannot ask to be ended together with the parent process");
  struct pollfd end = { .fd = socket };
  if (poll (&end, 1, 0) > 0 && (end.revents & POLLHUP))
    return adze_error_new (ADZE_E_IO, "the parent process has gone");
  return NULL;
}

adze_error *
adze_child_attach (adze_child **parent)
{
  if (!is_our_socket (CHILD_SOCKET) || !is_our_ring (CHILD_RING))
    return adze_error_new (ADZE_E_CONTRACT,
                           "descriptors %d and %d are not the socket and the ring that adze leaves "
                           "there; this program is started by adze, not by hand",
                           CHILD_SOCKET, CHILD_RING);
  ADZE_AUTO_CHILD made = NULL;
  ADZE_TRY (child_new ("the parent process", &made));
  ADZE_TRY (die_with_parent (CHILD_SOCKET));
  ADZE_TRY (map_ring (made, CHILD_RING));
  /* Programs that a plugin starts must not hold our end open, nor the ring. */
  if (fcntl (CHILD_SOCKET, F_SETFD, FD_CLOEXEC) != 0)
    return adze_error_errno ("cannot keep the socket to the parent process from other programs");
  close (CHILD_RING);
  /* Outside the terminal's foreground group: where the terminal is set to stop such writers
   * (stty tostop), a line on standard error would otherwise never return. */
  signal (SIGTTOU, SIG_IGN);
  made->socket = CHILD_SOCKET;
  *parent = adze_take (&made);
  return NULL;
}

/* ---- Ending. */

/* What the child has started goes with it. Only before it is reaped: until then its number, which is
 * the group's, cannot be given to anybody else. */
static void
end_group (const adze_child *child)
{
  kill (-child->pid, SIGKILL);
}

static void
reap (adze_child *child, int flags)
{
  siginfo_t end = { .si_pid = 0 };
  pid_t reaped = -1;
  int failure;
  do
    failure = waitid (P_PID, (id_t)child->pid, &end, WEXITED | WNOWAIT | flags);
  while (failure && errno == EINTR);
  if (!failure && end.si_pid == 0)
    return;
  if (!failure) {
    end_group (child);
    reaped = waitpid (child->pid, &child->wait_status, 0);
  }
  /* A host that ignores SIGCHLD, or waits for any child, leaves nothing to reap. */
  child->ended = true;
  child->end_known = reaped > 0;
}

/* Waits for an end that the child comes to by itself. */
static void
await_end (adze_child *child, int64_t milliseconds)
{
  int64_t until = adze_child_clock_ns () + milliseconds * 1000000;
  for (;;) {
    reap (child, WNOHANG);
    if (child->ended || adze_child_clock_ns () >= until)
      return;
    /* Without a pidfd this only sleeps. */
    struct pollfd end = { .fd = child->pidfd, .events = POLLIN };
    (void)poll (&end, 1, 10);
  }
}

static void
make_end (adze_child *child)
{
  /* Asking first: the pid of a child that somebody else has reaped may be anybody's. */
  if (!child->ended)
    reap (child, WNOHANG);
  if (child->ended)
    return;
  end_group (child);
  /* It may have left its group. */
  kill (child->pid, SIGKILL);
  reap (child, 0);
}

static adze_error *
killed_by (const adze_child *child, int number)
{
  const char *description = sigdescr_np (number);
  adze_error *error = adze_error_new (ADZE_E_CRASHED, "%s was killed by signal %d (%s)",
                                      child->name, number,
                                      description ? description : "one without a name");
  adze_error_setf (error, "signal", "%d", number);
  return error;
}

static adze_error *
exited_with (const adze_child *child, int code)
{
  adze_error *error = adze_error_new (ADZE_E_CRASHED, "%s exited with code %d before it answered",
                                      child->name, code);
  adze_error_setf (error, "exit-code", "%d", code);
  return error;
}

adze_error *
adze_child_gone (adze_child *child)
{
  if (child->pid == 0)
    return adze_error_new (ADZE_E_IO, "%s has gone", child->name);
  await_end (child, END_WAIT_MS);
  if (!child->ended) {
    make_end (child);
    return adze_error_new (ADZE_E_CRASHED,
                           "%s closed the connection before it answered, did not exit, and was "
                           "killed", child->name);
  }
  if (!child->end_known)
    return adze_error_new (ADZE_E_CRASHED,
                           "%s ended before it answered; how is not known, since this program "
                           "ignores SIGCHLD or waits for any child", child->name);
  if (WIFSIGNALED (child->wait_status))
    return killed_by (child, WTERMSIG (child->wait_status));
  return exited_with (child, WEXITSTATUS (child->wait_status));
}

void
adze_child_close (adze_child *child)
{
  if (!child)
    return;
  if (child->pid > 0)
    make_end (child);
  if (child->pidfd >= 0)
    close (child->pidfd);
  if (child->socket >= 0)
    close (child->socket);
  if (child->ring)
    munmap (child->ring, ADZE_RING_SIZE);
  adze_error_free (child->over);
  free (child->name);
  free (child);
}
