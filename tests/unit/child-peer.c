/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of test-child.c: a child process that does well or badly, as its first argument
 * says. */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/child.h"

/* What the test never expects: shown on standard error, and an exit code that it knows nothing
 * of. */
static void
need (adze_error *error)
{
  if (!error)
    return;
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  fprintf (stderr, "child-peer: %s", text ? text : "out of memory\n");
  exit (99);
}

static adze_child *
attach (void)
{
  adze_child *parent = NULL;
  need (adze_child_attach (&parent));
  return parent;
}

static void
say (adze_child *parent, const char *text)
{
  need (adze_child_send (parent, text, strlen (text)));
}

/* Also the way of waiting to be killed. */
static void
hang (void)
{
  for (;;)
    pause ();
}

static void
receive_one (adze_child *parent)
{
  ADZE_AUTO (adze_buffer) message = { 0 };
  need (adze_child_receive (parent, &message));
}

/* Bytes as they are: what no honest peer would send. */
static void
send_raw (const void *bytes, size_t size)
{
  if (send (3, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
    exit (98);
}

static void
send_raw_frame (uint32_t type, uint32_t size)
{
  const uint32_t frame[2] = { type, size };
  send_raw (frame, sizeof frame);
}

/* ---- The modes. */

static void
echo_on (adze_child *parent)
{
  for (;;) {
    ADZE_AUTO (adze_buffer) message = { 0 };
    need (adze_child_receive (parent, &message));
    need (adze_child_send (parent, message.data, message.size));
  }
}

static void
echo (const char *self)
{
  (void)self;
  echo_on (attach ());
}

/* A message says how many bytes follow; they come back with each bit turned. */
static void
turn_bits (const char *self)
{
  (void)self;
  adze_child *parent = attach ();
  for (;;) {
    ADZE_AUTO (adze_buffer) message = { 0 };
    need (adze_child_receive (parent, &message));
    uint64_t size;
    if (message.size != sizeof size)
      exit (97);
    memcpy (&size, message.data, sizeof size);
    ADZE_AUTO_FREE unsigned char *data = malloc (size + 1);
    if (!data)
      exit (96);
    need (adze_child_take (parent, data, size));
    for (uint64_t i = 0; i < size; i++)
      data[i] = (unsigned char)~data[i];
    need (adze_child_put (parent, data, size));
    say (parent, "done");
  }
}

static void
exit_early (const char *self)
{
  (void)self;
  _exit (3);
}

static void
exit_after_message (const char *self)
{
  (void)self;
  receive_one (attach ());
  _exit (3);
}

static void
exit_while_taking (const char *self)
{
  (void)self;
  adze_child *parent = attach ();
  static unsigned char data[2u << 20];
  need (adze_child_take (parent, data, sizeof data));
  _exit (3);
}

static void
answer_and_exit (const char *self)
{
  (void)self;
  adze_child *parent = attach ();
  say (parent, "last words");
  _exit (3);
}

static void
crash_by_segv (const char *self)
{
  (void)self;
  receive_one (attach ());
  /* A sanitizer would otherwise make an exit code of it. */
  signal (SIGSEGV, SIG_DFL);
  raise (SIGSEGV);
}

static void
crash_by_abort (const char *self)
{
  (void)self;
  receive_one (attach ());
  abort ();
}

static void
hang_attached (const char *self)
{
  (void)self;
  (void)attach ();
  hang ();
}

static void
answer_and_hang (const char *self)
{
  (void)self;
  say (attach (), "here");
  hang ();
}

/* Always one more byte: each arrives in time, the message never does. */
static void
trickle (const char *self)
{
  (void)self;
  (void)attach ();
  send_raw_frame (1, 64u << 20);
  for (;;) {
    send_raw ("", 1);
    usleep (1000);
  }
}

static void
send_unknown_type (const char *self)
{
  (void)self;
  (void)attach ();
  send_raw ("Hello, world! This is no frame.", 31);
  hang ();
}

static void
send_huge_message (const char *self)
{
  (void)self;
  (void)attach ();
  send_raw_frame (1, UINT32_MAX);
  hang ();
}

static void
send_huge_slot (const char *self)
{
  (void)self;
  (void)attach ();
  send_raw_frame (2, (1u << 20) + 1);
  hang ();
}

static void
send_short_slot (const char *self)
{
  (void)self;
  (void)attach ();
  send_raw_frame (2, 5);
  hang ();
}

static void
release_what_is_free (const char *self)
{
  (void)self;
  (void)attach ();
  send_raw_frame (3, 0);
  hang ();
}

static void
send_message_for_data (const char *self)
{
  (void)self;
  say (attach (), "not data");
  hang ();
}

static void
close_socket (const char *self)
{
  (void)self;
  close (3);
  hang ();
}

/* A process that does nothing until it is killed; the parent is told its number. */
static void
start_one (adze_child *parent)
{
  pid_t another = fork ();
  if (another == 0)
    hang ();
  need (adze_child_send (parent, &another, sizeof another));
}

static void
start_another (const char *self)
{
  (void)self;
  start_one (attach ());
  hang ();
}

static void
leave_a_process_behind (const char *self)
{
  (void)self;
  start_one (attach ());
  _exit (3);
}

/* As seen before anything of ours was opened. */
static void
list_descriptors (const char *self)
{
  (void)self;
  char list[512] = "";
  DIR *folder = opendir ("/proc/self/fd");
  if (!folder)
    exit (95);
  bool open[64] = { false };
  for (struct dirent *entry; (entry = readdir (folder));) {
    int fd = atoi (entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd (folder) && fd < 64)
      open[fd] = true;
    if (fd >= 64 && fd != dirfd (folder))
      strcat (list, "high ");
  }
  closedir (folder);
  for (int fd = 0; fd < 64; fd++)
    if (open[fd])
      sprintf (list + strlen (list), "%d ", fd);
  say (attach (), list);
  hang ();
}

static void
list_signals (const char *self)
{
  (void)self;
  char list[512] = "";
  sigset_t blocked;
  sigprocmask (SIG_SETMASK, NULL, &blocked);
  for (int number = 1; number < 32; number++) {
    struct sigaction action;
    if (sigismember (&blocked, number) == 1)
      sprintf (list + strlen (list), "blocked %d ", number);
    if (sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
      sprintf (list + strlen (list), "ignored %d ", number);
  }
  say (attach (), list);
  hang ();
}

static void
print_and_read (const char *self)
{
  (void)self;
  char byte;
  bool empty = read (0, &byte, 1) == 0;
  dprintf (1, "to output ");
  dprintf (2, "to error ");
  adze_child *parent = attach ();
  say (parent, empty ? "standard input is empty" : "standard input is not empty");
  echo_on (parent);
}

/* The parent would die of a SIGBUS at its next access. */
static void
shrink_ring (const char *self)
{
  (void)self;
  bool shrunk = ftruncate (4, 0) == 0;
  say (attach (), shrunk ? "shrunk" : "refused");
  hang ();
}

/* For when the library does not talk any more: the socket itself still carries an answer. */
static void
say_raw (const char *text)
{
  send_raw_frame (1, (uint32_t)strlen (text));
  send_raw (text, strlen (text));
}

static void
lose_ring (const char *self)
{
  (void)self;
  int other = open ("/dev/null", O_RDWR);
  if (other < 0 || dup2 (other, 4) != 4)
    exit (93);
  adze_child *parent = NULL;
  ADZE_AUTO_ERROR error = adze_child_attach (&parent);
  say_raw (error && adze_error_status (error) == ADZE_E_CONTRACT ? "refused" : "attached");
  hang ();
}

static void
lose_parent (const char *self)
{
  (void)self;
  adze_child *parent = attach ();
  shutdown (3, SHUT_RD);
  ADZE_AUTO (adze_buffer) message = { 0 };
  ADZE_AUTO_ERROR error = adze_child_receive (parent, &message);
  say_raw (error && adze_error_status (error) == ADZE_E_IO ? adze_error_message (error)
                                                           : "no such error");
  hang ();
}

static void
be_a_parent (const char *self)
{
  adze_child *parent = attach ();
  const char *const argv[] = { self, "answer-and-hang", NULL };
  adze_child_options options = { .program = self, .argv = argv };
  adze_child *child = NULL;
  need (adze_child_spawn (&options, &child));
  /* It has asked to die with us before it answered. */
  receive_one (child);
  pid_t pid = adze_child_pid (child);
  need (adze_child_send (parent, &pid, sizeof pid));
  hang ();
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*act) (const char *self);
  } modes[] = {
    { "echo", echo },
    { "turn-bits", turn_bits },
    { "exit-early", exit_early },
    { "exit-after-message", exit_after_message },
    { "exit-while-taking", exit_while_taking },
    { "answer-and-exit", answer_and_exit },
    { "crash-by-segv", crash_by_segv },
    { "crash-by-abort", crash_by_abort },
    { "hang", hang_attached },
    { "answer-and-hang", answer_and_hang },
    { "trickle", trickle },
    { "send-unknown-type", send_unknown_type },
    { "send-huge-message", send_huge_message },
    { "send-huge-slot", send_huge_slot },
    { "send-short-slot", send_short_slot },
    { "release-what-is-free", release_what_is_free },
    { "send-message-for-data", send_message_for_data },
    { "close-socket", close_socket },
    { "start-another", start_another },
    { "leave-a-process-behind", leave_a_process_behind },
    { "list-descriptors", list_descriptors },
    { "list-signals", list_signals },
    { "print-and-read", print_and_read },
    { "shrink-ring", shrink_ring },
    { "lose-ring", lose_ring },
    { "lose-parent", lose_parent },
    { "be-a-parent", be_a_parent },
  };
  for (size_t i = 0; argc == 2 && i < ADZE_COUNT_OF (modes); i++)
    if (strcmp (argv[1], modes[i].name) == 0)
      modes[i].act (argv[0]);
  fprintf (stderr, "child-peer: what is asked of it is unknown; it is started by test-child\n");
  return 94;
}
