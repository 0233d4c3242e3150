/* SPDX-License-Identifier: Apache-2.0 */
/* How a child process and what it has started come to their end, and how the child learns that its
 * parent has. */
#include "child-tests.h"

/* ---- What it has started. */

/* How PROCESS ended, which has become ours since we are a subreaper; one that does not end is
 * killed, and the test has failed. */
static int
status_of (pid_t process)
{
  int status = 0;
  pid_t ended = 0;
  for (int waited = 0; waited < PATIENCE_MS && ended == 0; waited += 10) {
    ended = waitpid (process, &status, WNOHANG);
    usleep (ended == 0 ? 10000 : 0);
  }
  if (ended == 0) {
    kill (process, SIGKILL);
    waitpid (process, &status, 0);
  }
  assert_int_equal (ended, process);
  return status;
}

static void
assert_was_killed (pid_t process)
{
  int status = status_of (process);
  assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
}

static pid_t
receive_pid (adze_child *child)
{
  ADZE_AUTO (adze_buffer) answer = { 0 };
  pid_t pid;
  assert_null (adze_child_receive (child, &answer));
  assert_int_equal (answer.size, sizeof pid);
  memcpy (&pid, answer.data, sizeof pid);
  return pid;
}

static void
what_it_started_is_closed_with_it (void **state)
{
  (void)state;
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  adze_child *child = spawn ("start-another");
  pid_t another = receive_pid (child);
  assert_int_equal (getpgid (another), adze_child_pid (child));
  assert_int_not_equal (getpgid (another), getpgrp ());
  adze_child_close (child);
  assert_was_killed (another);
  prctl (PR_SET_CHILD_SUBREAPER, 0);
}

/* A process that stays behind when the child ends by itself keeps the socket open. It neither hides
 * how the child ended, nor lives on. */
static void
a_process_left_behind_hides_nothing (void **state)
{
  (void)state;
  int pidfd = pidfd_open (getpid (), 0);
  if (pidfd < 0)
    skip ();
  close (pidfd);
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  adze_child *child = spawn ("leave-a-process-behind");
  pid_t another = receive_pid (child);
  ADZE_AUTO (adze_buffer) answer = { 0 };
  assert_death (adze_child_receive (child, &answer),
                "child-peer exited with code 3 before it answered", "exit-code", "3");
  assert_was_killed (another);
  adze_child_close (child);
  prctl (PR_SET_CHILD_SUBREAPER, 0);
}

/* ---- Its own end. */

static void
it_hears_that_the_parent_has_gone (void **state)
{
  (void)state;
  adze_child *child = spawn ("lose-parent");
  assert_answer (child, "the parent process has gone");
  adze_child_close (child);
}

/* A grandchild falls to us when its parent is killed, so that we can see it end. */
static void
it_dies_with_its_parent (void **state)
{
  (void)state;
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  adze_child *child = spawn ("be-a-parent");
  pid_t grandchild = receive_pid (child);
  adze_child_close (child);
  assert_was_killed (grandchild);
  prctl (PR_SET_CHILD_SUBREAPER, 0);
}

static void
started_by_hand (void **state)
{
  (void)state;
  size_t before = count_descriptors ();
  adze_child *parent = NULL;
  assert_error (adze_child_attach (&parent), ADZE_E_CONTRACT,
                "descriptors 3 and 4 are not the socket and the ring that adze leaves there; this "
                "program is started by adze, not by hand");
  assert_null (parent);
  assert_int_equal (count_descriptors (), before);
  adze_child *child = spawn ("lose-ring");
  assert_answer (child, "refused");
  adze_child_close (child);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (what_it_started_is_closed_with_it),
    TEST (a_process_left_behind_hides_nothing),
    TEST (it_hears_that_the_parent_has_gone),
    TEST (it_dies_with_its_parent),
    TEST (started_by_hand),
  };
  return cmocka_run_group_tests_name ("child's end", tests, find_peer, forget_peer);
}
