/* SPDX-License-Identifier: Apache-2.0 */
/* A child process that answers, dies, hangs, lies or hides. The children are child-peer.c; how they
 * and what they have started come to their end is in test-child-end.c. */
#include "child-tests.h"

/* ---- Talking. */

static void
messages_come_back (void **state)
{
  (void)state;
  static const size_t sizes[] = { 0, 1, 1000000, 0, 16384, 16385, 3 };
  adze_child *child = spawn ("echo");
  ADZE_AUTO (adze_buffer) answer = { 0 };
  for (size_t i = 0; i < ADZE_COUNT_OF (sizes); i++) {
    ADZE_AUTO_FREE unsigned char *message = malloc (sizes[i] + 1);
    assert_non_null (message);
    for (size_t j = 0; j < sizes[i]; j++)
      message[j] = (unsigned char)(j * 31 >> 3);
    /* What ANSWER held before is gone: it is not emptied here. */
    assert_null (adze_child_send (child, message, sizes[i]));
    assert_null (adze_child_receive (child, &answer));
    assert_int_equal (answer.size, sizes[i]);
    if (sizes[i] > 0)
      assert_memory_equal (answer.data, message, sizes[i]);
  }
  adze_child_close (child);
  adze_child_close (NULL);
}

static void
the_longest_message (void **state)
{
  (void)state;
  adze_child *child = spawn ("echo");
  ADZE_AUTO_FREE char *message = calloc (1, (size_t)ADZE_MESSAGE_MAX + 1);
  assert_non_null (message);
  assert_error (adze_child_send (child, message, (size_t)ADZE_MESSAGE_MAX + 1), ADZE_E_LIMIT,
                "a message of 67108865 bytes is too long to be sent to child-peer; at most "
                "67108864 bytes are possible");
  /* That harmed nothing. */
  message[ADZE_MESSAGE_MAX - 1] = 'z';
  ADZE_AUTO (adze_buffer) answer = { 0 };
  assert_null (adze_child_send (child, message, ADZE_MESSAGE_MAX));
  assert_null (adze_child_receive (child, &answer));
  assert_int_equal (answer.size, ADZE_MESSAGE_MAX);
  assert_int_equal (answer.data[ADZE_MESSAGE_MAX - 1], 'z');
  adze_child_close (child);
}

static void
turn_one (adze_child *child, uint64_t size)
{
  ADZE_AUTO_FREE unsigned char *data = malloc (size + 1);
  ADZE_AUTO_FREE unsigned char *turned = calloc (1, size + 1);
  assert_true (data && turned);
  for (uint64_t i = 0; i < size; i++)
    data[i] = (unsigned char)(i * 2654435761u >> 13);
  turned[size] = 0x5a;
  assert_null (adze_child_send (child, &size, sizeof size));
  assert_null (adze_child_put (child, data, size));
  assert_null (adze_child_take (child, turned, size));
  assert_answer (child, "done");
  for (uint64_t i = 0; i < size; i++)
    if ((data[i] ^ turned[i]) != 0xff)
      fail_msg ("byte %llu of %llu is wrong", (unsigned long long)i, (unsigned long long)size);
  assert_int_equal (turned[size], 0x5a);
}

static void
data_goes_both_ways (void **state)
{
  (void)state;
  static const uint64_t sizes[]
      = { 0, 1, 1 << 20, (1 << 20) + 1, 4 << 20, (9 << 20) - 1, 1, 100000000, 0, 77 };
  adze_child *child = spawn ("turn-bits");
  for (size_t i = 0; i < ADZE_COUNT_OF (sizes); i++)
    turn_one (child, sizes[i]);
  adze_child_close (child);
}

static void
two_children_at_once (void **state)
{
  (void)state;
  adze_child *first = spawn ("echo");
  adze_child *second = spawn ("echo");
  assert_null (adze_child_send (first, "1", 1));
  assert_null (adze_child_send (second, "2", 1));
  assert_answer (second, "2");
  adze_child_close (second);
  assert_answer (first, "1");
  adze_child_close (first);
}

/* ---- Dying. */

static void
it_exits (void **state)
{
  (void)state;
  static const char message[] = "child-peer exited with code 3 before it answered";
  adze_child *child = spawn ("exit-after-message");
  ADZE_AUTO (adze_buffer) answer = { 0 };
  assert_null (adze_child_send (child, "x", 1));
  assert_death (adze_child_receive (child, &answer), message, "exit-code", "3");
  /* And so it stays. */
  assert_death (adze_child_receive (child, &answer), message, "exit-code", "3");
  assert_death (adze_child_send (child, "x", 1), message, "exit-code", "3");
  assert_death (adze_child_put (child, "x", 1), message, "exit-code", "3");
  adze_child_close (child);
}

/* What cannot be delivered must not end this program with a SIGPIPE. */
static void
it_exits_without_reading (void **state)
{
  (void)state;
  adze_child *child = spawn ("exit-early");
  ADZE_AUTO_FREE char *message = calloc (1, 1 << 20);
  assert_non_null (message);
  adze_error *error = NULL;
  for (int i = 0; i < 100 && !error; i++)
    error = adze_child_send (child, message, 1 << 20);
  assert_death (error, "child-peer exited with code 3 before it answered", "exit-code", "3");
  adze_child_close (child);
}

static void
it_exits_while_taking (void **state)
{
  (void)state;
  adze_child *child = spawn ("exit-while-taking");
  ADZE_AUTO_FREE char *data = calloc (1, 20 << 20);
  assert_non_null (data);
  assert_death (adze_child_put (child, data, 20 << 20),
                "child-peer exited with code 3 before it answered", "exit-code", "3");
  adze_child_close (child);
}

static void
last_words_are_heard (void **state)
{
  (void)state;
  adze_child *child = spawn ("answer-and-exit");
  ADZE_AUTO (adze_buffer) answer = { 0 };
  assert_answer (child, "last words");
  assert_death (adze_child_receive (child, &answer),
                "child-peer exited with code 3 before it answered", "exit-code", "3");
  adze_child_close (child);
}

static void
it_crashes (void **state)
{
  (void)state;
  ADZE_AUTO (adze_buffer) answer = { 0 };
  adze_child *child = spawn_with ("crash-by-segv", true);
  assert_null (adze_child_send (child, "x", 1));
  assert_death (adze_child_receive (child, &answer),
                "child-peer was killed by signal 11 (Segmentation fault)", "signal", "11");
  adze_child_close (child);
  child = spawn_with ("crash-by-abort", true);
  assert_null (adze_child_send (child, "x", 1));
  assert_death (adze_child_receive (child, &answer), "child-peer was killed by signal 6 (Aborted)",
                "signal", "6");
  adze_child_close (child);
}

static void
it_closes_only_the_socket (void **state)
{
  (void)state;
  adze_child *child = spawn ("close-socket");
  ADZE_AUTO (adze_buffer) answer = { 0 };
  assert_error (adze_child_receive (child, &answer), ADZE_E_CRASHED,
                "child-peer closed the connection before it answered, did not exit, and was "
                "killed");
  adze_child_close (child);
}

/* A host that ignores SIGCHLD has its children reaped behind our back. */
static void
nothing_to_reap (void **state)
{
  (void)state;
  void (*before) (int) = signal (SIGCHLD, SIG_IGN);
  adze_child *child = spawn ("exit-early");
  ADZE_AUTO (adze_buffer) answer = { 0 };
  assert_error (adze_child_receive (child, &answer), ADZE_E_CRASHED,
                "child-peer ended before it answered; how is not known, since this program "
                "ignores SIGCHLD or waits for any child");
  adze_child_close (child);
  child = spawn ("hang");
  adze_child_close (child);
  signal (SIGCHLD, before);
}

/* ---- Hanging. */

static void
it_hangs (void **state)
{
  (void)state;
  static const char message[] = "child-peer gave no answer within 200 ms";
  ADZE_AUTO (adze_buffer) answer = { 0 };
  adze_child *child = spawn ("hang");
  adze_child_deadline (child, 200);
  assert_error (adze_child_receive (child, &answer), ADZE_E_TIMEOUT, message);
  adze_child_deadline (child, -1);
  assert_error (adze_child_receive (child, &answer), ADZE_E_TIMEOUT, message);
  adze_child_close (child);

  ADZE_AUTO_FREE char *data = calloc (1, 20 << 20);
  assert_non_null (data);
  child = spawn ("hang");
  adze_child_deadline (child, 200);
  assert_error (adze_child_put (child, data, 20 << 20), ADZE_E_TIMEOUT, message);
  adze_child_close (child);

  child = spawn ("hang");
  adze_child_deadline (child, 200);
  assert_error (adze_child_send (child, data, 20 << 20), ADZE_E_TIMEOUT, message);
  adze_child_close (child);
}

static void
it_is_late_byte_by_byte (void **state)
{
  (void)state;
  ADZE_AUTO (adze_buffer) answer = { 0 };
  adze_child *child = spawn ("trickle");
  adze_child_deadline (child, 200);
  assert_error (adze_child_receive (child, &answer), ADZE_E_TIMEOUT,
                "child-peer gave no answer within 200 ms");
  assert_int_equal (answer.size, 0);
  adze_child_close (child);
}

static void
deadlines_without_an_end (void **state)
{
  (void)state;
  static const int64_t never[] = { -1, INT64_MIN, INT64_MAX, INT64_MAX / 1000000 };
  adze_child *child = spawn ("echo");
  for (size_t i = 0; i < ADZE_COUNT_OF (never); i++) {
    adze_child_deadline (child, never[i]);
    assert_null (adze_child_send (child, "x", 1));
    assert_answer (child, "x");
  }
  adze_child_close (child);
}

/* ---- Lying. */

static void
assert_liar (const char *mode, bool taking, const char *found, const char *needed)
{
  adze_child *child = spawn (mode);
  ADZE_AUTO (adze_buffer) answer = { 0 };
  unsigned char data[16];
  ADZE_AUTO_ERROR error = taking ? adze_child_take (child, data, sizeof data)
                                 : adze_child_receive (child, &answer);
  assert_non_null (error);
  assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
  assert_non_null (strstr (adze_error_message (error), "child-peer does not keep to the protocol"));
  assert_string_equal (adze_error_fact (error, "found"), found);
  assert_string_equal (adze_error_fact (error, "needed"), needed);
  adze_child_close (child);
}

static void
it_sends_garbage (void **state)
{
  (void)state;
  assert_liar ("send-unknown-type", false, "type 1819043144, size 1998597231", "a message");
  assert_liar ("send-unknown-type", true, "type 1819043144, size 1998597231", "data");
  assert_liar ("send-huge-message", false, "type 1, size 4294967295",
               "a message of at most 64 MiB");
  assert_liar ("send-huge-slot", true, "type 2, size 1048577", "as much data as was agreed");
  assert_liar ("send-huge-slot", false, "type 2, size 1048577", "a message");
  assert_liar ("send-short-slot", true, "type 2, size 5", "as much data as was agreed");
  assert_liar ("release-what-is-free", false, "type 3, size 0", "a message");
  assert_liar ("send-message-for-data", true, "type 1, size 8", "data");
}

static void
it_answers_instead_of_taking (void **state)
{
  (void)state;
  adze_child *child = spawn ("send-message-for-data");
  ADZE_AUTO_FREE char *data = calloc (1, 20 << 20);
  assert_non_null (data);
  ADZE_AUTO_ERROR error = adze_child_put (child, data, 20 << 20);
  assert_int_equal (adze_error_status (error), ADZE_E_FORMAT);
  assert_string_equal (adze_error_fact (error, "needed"), "the release of a slot");
  adze_child_close (child);
}

static void
it_cannot_take_the_ring_away (void **state)
{
  (void)state;
  adze_child *child = spawn ("shrink-ring");
  assert_answer (child, "refused");
  adze_child_close (child);
}

/* ---- What a child starts with. */

static void
it_sees_five_descriptors (void **state)
{
  (void)state;
  /* Inheritable, as a careless host leaves them. */
  int low = dup (2);
  int high = fcntl (2, F_DUPFD, 70);
  assert_true (low >= 0 && high >= 70);
  adze_child *child = spawn ("list-descriptors");
  assert_answer (child, "0 1 2 3 4 ");
  adze_child_close (child);
  close (low);
  close (high);
}

/* A conversation with a child that prints, while descriptors FIRST to 2 are closed here. */
static void
talk_without_streams (int first)
{
  int saved[3];
  for (int fd = first; fd < 3; fd++) {
    saved[fd] = fcntl (fd, F_DUPFD_CLOEXEC, 20);
    close (fd);
  }
  const char *const argv[] = { peer, "print-and-read", NULL };
  adze_child_options options = { .program = peer, .argv = argv };
  adze_child *child = NULL;
  ADZE_AUTO (adze_buffer) answer = { 0 };
  ADZE_AUTO_ERROR error = adze_child_spawn (&options, &child);
  if (!error)
    error = adze_child_receive (child, &answer);
  if (!error)
    error = adze_child_send (child, "still here", 10);
  if (!error)
    error = adze_child_receive (child, &answer);
  adze_child_close (child);
  for (int fd = first; fd < 3; fd++) {
    dup2 (saved[fd], fd);
    close (saved[fd]);
  }
  assert_null (error);
  assert_string_equal (answer.data, "still here");
}

/* Then the socket and the ring themselves may get the low numbers, and the child must not print
 * into the conversation. */
static void
a_host_without_standard_streams (void **state)
{
  (void)state;
  fflush (NULL);
  for (int first = 0; first < 3; first++)
    talk_without_streams (first);
}

static void
its_signals_are_its_own (void **state)
{
  (void)state;
  sigset_t blocked, before;
  sigemptyset (&blocked);
  sigaddset (&blocked, SIGTERM);
  sigaddset (&blocked, SIGINT);
  sigprocmask (SIG_BLOCK, &blocked, &before);
  void (*handler) (int) = signal (SIGPIPE, SIG_IGN);
  adze_child *child = spawn ("list-signals");
  signal (SIGPIPE, handler);
  sigprocmask (SIG_SETMASK, &before, NULL);
  assert_answer (child, "");
  adze_child_close (child);
}

/* What a child printed, with our standard error turned into a pipe meanwhile. */
static void
printed_by_child (bool quiet, char *text, size_t size)
{
  int ends[2], saved = fcntl (2, F_DUPFD_CLOEXEC, 20);
  assert_int_equal (pipe2 (ends, O_CLOEXEC), 0);
  dup2 (ends[1], 2);
  adze_child *child = spawn_with ("print-and-read", quiet);
  dup2 (saved, 2);
  close (saved);
  close (ends[1]);
  assert_answer (child, "standard input is empty");
  adze_child_close (child);
  ssize_t got = read (ends[0], text, size - 1);
  close (ends[0]);
  assert_true (got >= 0);
  text[got] = '\0';
}

static void
what_it_prints (void **state)
{
  (void)state;
  char text[100];
  printed_by_child (false, text, sizeof text);
  assert_string_equal (text, "to output to error ");
  printed_by_child (true, text, sizeof text);
  assert_string_equal (text, "");
}

static void
no_such_program (void **state)
{
  (void)state;
  const char *const argv[] = { "/nowhere/adze-worker", NULL };
  adze_child_options options = { .program = argv[0], .argv = argv };
  adze_child *child = NULL;
  adze_error *error = adze_child_spawn (&options, &child);
  if (error) {
    assert_error (error, ADZE_E_NOT_FOUND,
                  "cannot start /nowhere/adze-worker: No such file or directory");
    assert_null (child);
    return;
  }
  /* Where vfork is a mere fork, as under valgrind, it shows one call later. */
  ADZE_AUTO (adze_buffer) answer = { 0 };
  assert_death (adze_child_receive (child, &answer),
                "adze-worker exited with code 127 before it answered", "exit-code", "127");
  adze_child_close (child);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    TEST (messages_come_back),
    TEST (the_longest_message),
    TEST (data_goes_both_ways),
    TEST (two_children_at_once),
    TEST (it_exits),
    TEST (it_exits_without_reading),
    TEST (it_exits_while_taking),
    TEST (last_words_are_heard),
    TEST (it_crashes),
    TEST (it_closes_only_the_socket),
    TEST (nothing_to_reap),
    TEST (it_hangs),
    TEST (it_is_late_byte_by_byte),
    TEST (deadlines_without_an_end),
    TEST (it_sends_garbage),
    TEST (it_answers_instead_of_taking),
    TEST (it_cannot_take_the_ring_away),
    TEST (it_sees_five_descriptors),
    TEST (a_host_without_standard_streams),
    TEST (its_signals_are_its_own),
    TEST (what_it_prints),
    TEST (no_such_program),
  };
  return cmocka_run_group_tests_name ("child", tests, find_peer, forget_peer);
}
