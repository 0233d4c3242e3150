/* SPDX-License-Identifier: Apache-2.0 */
/* Host and worker do not trust each other: whatever a worker answers, the host says what was wrong
 * and lives on; whatever a host asks, the worker answers, or ends in good order. */
#include "world.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include "base/child_private.h"
#include "base/json.h"
#include "plugin/runtime.h"
#include "plugin/worker_client.h"

const char *__asan_default_options (void);
const char *__tsan_default_options (void);

const char *
__asan_default_options (void)
{
  return "allocator_may_return_null=1";
}

const char *
__tsan_default_options (void)
{
  return "allocator_may_return_null=1";
}

/* A world with a plugin that is known to be sound, so that nobody needs to probe it. */
static int
make_known (void **state)
{
  if (make_world (state) != 0)
    return -1;
  world *w = *state;
  free (build (w, "pliant", "pliant", ""));
  reopen (w, NULL);
  must (adze_component_load (w->runtime, "pliant"));
  return 0;
}

/* ---- A worker gone bad. */

static const char *
peer_path (void)
{
  static char path[512];
  snprintf (path, sizeof path, "%s/tests/unit/worker-peer",
            environment_or ("TOP_BUILDDIR", "../.."));
  return path;
}

static void
set_peer (const char *verb, const char *reply, const char *data, const char *then)
{
  setenv ("PEER_VERB", verb, 1);
  setenv ("PEER_REPLY", reply, 1);
  setenv ("PEER_DATA", data, 1);
  setenv ("PEER_THEN", then, 1);
}

static void
open_bad (world *w, const char *cache)
{
  const char *const folders[] = { w->folder, NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  adze_runtime_close (w->runtime);
  w->runtime = NULL;
  options.plugin_path = folders;
  options.cache = in_world (w, cache);
  options.worker = peer_path ();
  must (adze_runtime_open (&options, &w->runtime));
}

/* How many numbers it is fed. */
static size_t numbers_size = 2;

/* Opens and applies, twice, since the second must not be worse. */
static adze_error *
apply_bad (world *w)
{
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  ADZE_AUTO_FREE float *numbers = calloc (numbers_size, sizeof *numbers);
  int64_t shape[] = { (int64_t)numbers_size };
  assert_non_null (numbers);
  adze_tensor input = { .struct_size = sizeof input, .name = "w" };
  input.view = (adze_view){ .data = numbers,
                            .device = { ADZE_DEVICE_CPU, 0 },
                            .rank = 1,
                            .dtype = { ADZE_FLOAT, 32, 1 },
                            .shape = shape };
  options.isolate = 1;
  options.time_limit_ms = 700;
  ADZE_TRY (adze_harness_open (w->runtime, "pliant", &options, &harness));
  adze_error *error = adze_harness_apply (harness, &input, &output);
  if (error) {
    assert_null (output);
    adze_error_free (adze_harness_apply (harness, &input, &output));
  }
  adze_harness_close (harness);
  return error;
}

typedef struct bad_reply {
  const char *reply;
  const char *data;
  const char *then;
  adze_status status;
  const char *part;
} bad_reply;

static void
meet_bad (world *w, const char *verb, const bad_reply *bad)
{
  set_peer (verb, bad->reply, bad->data, bad->then);
  adze_error *error = apply_bad (w);
  if (!error)
    fail_msg ("%s: %s, %s is taken", verb, bad->reply, bad->then);
  must_fail (error, bad->status, bad->part, NULL);
}

#define FACTS(rest) "{\"ok\": {\"facts\": {\"effect\": 1, " rest "}}}"
#define WORDS "\"accumulate\": 0, \"preserves\": [], \"breaks\": [], \"keeps\": []"
#define GROUPS(rest) \
  "{\"ok\": {\"answer\": {\"metadata\": [], \"traits\": [], \"codecs\": [], \"groups\": [" rest "]}}}"
#define LIKE(rest) \
  "{\"inputs\": [0, 0], \"outputs\": [{\"name\": \"w\", \"code\": 2, \"bits\": 32, " rest "}]}"

static void
bad_answers (void **state)
{
  static const bad_reply replies[] = {
    { "", "", "", ADZE_E_FORMAT, "<worker>" },
    { "}{", "", "", ADZE_E_FORMAT, "<worker>" },
    { "[]", "", "", ADZE_E_FORMAT, "not asked" },
    { "{\"hello\": 1}", "", "", ADZE_E_FORMAT, "not asked" },
    { "{\"progress\": 7}", "", "", ADZE_E_FORMAT, "not asked" },
    { "{\"event\": 7}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"event\": {\"id\": \"x\", \"fields\": []}}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"error\": 3}", "", "", ADZE_E_FORMAT, "as an error is none" },
    { "{\"error\": []}", "", "", ADZE_E_FORMAT, "as an error is none" },
    { "{\"error\": [{\"status\": 99, \"message\": 5}]}", "", "", ADZE_E_INTERNAL, "no text" },
    { "{\"error\": [7]}", "", "", ADZE_E_INTERNAL, "no text" },
    { "{\"ok\": {}}", "", "half", ADZE_E_CRASHED, "exited with code 7" },
    { "{\"ok\": {}}", "", "huge", ADZE_E_FORMAT, "protocol" },
    { "{\"ok\": {}}", "", "unknown", ADZE_E_FORMAT, "protocol" },
    { "{\"ok\": {}}", "", "silent", ADZE_E_TIMEOUT, "700 ms" },
    { "{\"progress\": \"on and on\"}", "", "forever", ADZE_E_TIMEOUT, "700 ms" },
  };
  world *w = *state;
  open_bad (w, "cache");
  for (size_t i = 0; i < ADZE_COUNT_OF (replies); i++) {
    meet_bad (w, "open", &replies[i]);
    meet_bad (w, "apply", &replies[i]);
  }
  /* A slot that was never filled is released. */
  const bad_reply slot = { "", "", "slot", ADZE_E_FORMAT, "protocol" };
  meet_bad (w, "open", &slot);
}

/* What a worker says of its technique, of its outlines, of its outputs. */
static void
bad_facts (void **state)
{
  static const bad_reply replies[] = {
    { "{\"ok\": {}}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"ok\": {\"facts\": 5}}", "", "", ADZE_E_FORMAT, "damaged" },
    { FACTS (WORDS), "", "", ADZE_E_FORMAT, "damaged" },
    { FACTS ("\"grain\": 3, " WORDS), "", "", ADZE_E_FORMAT, "damaged" },
    { FACTS ("\"grain\": -1, " WORDS), "", "", ADZE_E_FORMAT, "damaged" },
    { FACTS ("\"grain\": 0, \"accumulate\": 9, \"preserves\": [], \"breaks\": [], \"keeps\": []"), "", "",
      ADZE_E_FORMAT, "damaged" },
    { FACTS ("\"grain\": 0, \"accumulate\": 0, \"preserves\": [5], \"breaks\": [], \"keeps\": []"), "", "",
      ADZE_E_FORMAT, "damaged" },
    { FACTS ("\"grain\": 0, \"accumulate\": 0, \"preserves\": [\"x\"], \"breaks\": 7, \"keeps\": []"), "", "",
      ADZE_E_FORMAT, "damaged" },
    { FACTS ("\"grain\": 0, \"accumulate\": 0, \"preserves\": [], \"breaks\": [], \"keeps\": [\"x\"]"), "", "",
      ADZE_E_FORMAT, "damaged" },
  };
  world *w = *state;
  open_bad (w, "cache");
  for (size_t i = 0; i < ADZE_COUNT_OF (replies); i++)
    meet_bad (w, "open", &replies[i]);
}

static void
bad_outlines (void **state)
{
  static const bad_reply replies[] = {
    { "{\"ok\": {}}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"ok\": {\"answer\": {\"groups\": 5}}}", "", "", ADZE_E_FORMAT, "damaged" },
    { GROUPS ("5"), "", "", ADZE_E_FORMAT, "damaged" },
    { GROUPS ("{\"inputs\": [0], \"outputs\": []}"), "", "", ADZE_E_FORMAT, "damaged" },
    { GROUPS ("{\"inputs\": [0, -1], \"outputs\": []}"), "", "", ADZE_E_FORMAT, "damaged" },
    { GROUPS ("{\"inputs\": [], \"outputs\": []}"), "", "", ADZE_E_CONTRACT, "no inputs" },
    { GROUPS ("{\"inputs\": [0, 1], \"outputs\": []}"), "", "", ADZE_E_CONTRACT, "not there" },
    { GROUPS ("{\"inputs\": [0, 0], \"outputs\": []}, {\"inputs\": [0, 0], \"outputs\": []}"), "",
      "", ADZE_E_CONTRACT, "in two groups" },
    { GROUPS (LIKE ("\"lanes\": 1")), "", "", ADZE_E_FORMAT, "damaged" },
    { GROUPS (LIKE ("\"lanes\": 1, \"shape\": 3")), "", "", ADZE_E_FORMAT, "damaged" },
    { GROUPS (LIKE ("\"lanes\": 1, \"shape\": [\"2\"]")), "", "", ADZE_E_FORMAT, "damaged" },
    { GROUPS (LIKE ("\"lanes\": 1, \"shape\": [-2]")), "", "", ADZE_E_FORMAT, "-2" },
    { GROUPS (LIKE ("\"lanes\": 0, \"shape\": [2]")), "", "", ADZE_E_FORMAT, "0 lanes" },
    { GROUPS (LIKE ("\"lanes\": 70000, \"shape\": [2]")), "", "", ADZE_E_FORMAT, "damaged" },
    { GROUPS (LIKE ("\"lanes\": 1, \"shape\": [4294967296, 4294967296, 64]")), "", "",
      ADZE_E_FORMAT, "too large" },
    { GROUPS (LIKE ("\"lanes\": 1, \"shape\": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
                    "1,1,1,1,1,1,1]")),
      "", "", ADZE_E_FORMAT, "damaged" },
    /* Two to the 58 bytes nobody has. */
    { GROUPS (LIKE ("\"lanes\": 1, \"shape\": [72057594037927936]")), "", "", ADZE_E_MEMORY,
      "memory" },
  };
  world *w = *state;
  open_bad (w, "cache");
  for (size_t i = 0; i < ADZE_COUNT_OF (replies); i++)
    meet_bad (w, "describe", &replies[i]);
}

static void
bad_outputs (void **state)
{
  static const bad_reply replies[] = {
    { "{\"ok\": {}}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"ok\": {\"given\": 5}}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"ok\": {\"given\": []}}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"ok\": {\"given\": [true, true]}}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"ok\": {\"given\": [1]}}", "", "", ADZE_E_FORMAT, "damaged" },
    { "{\"ask\": {\"what\": \"input\"}}", "", "", ADZE_E_FORMAT, "no questions" },
  };
  world *w = *state;
  open_bad (w, "cache");
  for (size_t i = 0; i < ADZE_COUNT_OF (replies); i++)
    meet_bad (w, "apply", &replies[i]);
  /* What does not fit into the area comes behind the answer. */
  static const bad_reply large[] = {
    { "{\"ok\": {\"given\": [true]}}", "", "hang", ADZE_E_TIMEOUT, "700" },
    { "{\"ok\": {\"given\": [true]}}", "", "exit", ADZE_E_CRASHED, "7" },
    { "{\"ok\": {\"given\": [true]}}", "4", "", ADZE_E_FORMAT, "protocol" },
    { "{\"ok\": {\"given\": [true]}}", "20000000", "", ADZE_E_FORMAT, "protocol" },
  };
  numbers_size = (5 << 18) + 1;
  for (size_t i = 0; i < ADZE_COUNT_OF (large); i++)
    meet_bad (w, "apply", &large[i]);
  numbers_size = 2;
  /* And the same plugin in a good worker. */
  reopen (w, NULL);
  must (apply_bad (w));
}

/* Much that is only claimed takes no memory: a host that touched it would be ended by the system. */
static void
a_claim_takes_no_memory (void **state)
{
  static const char claim[] = GROUPS (LIKE ("\"lanes\": 1, \"shape\": [1073741824]"));
  world *w = *state;
  /* Who watches every byte touches every byte. */
  if (sanitized () || strstr (environment_or ("LD_PRELOAD", ""), "vgpreload"))
    return;
  struct rusage before, after;
  open_bad (w, "cache");
  set_peer ("describe", claim, "", "");
  assert_int_equal (getrusage (RUSAGE_SELF, &before), 0);
  adze_error *error = apply_bad (w);
  assert_int_equal (getrusage (RUSAGE_SELF, &after), 0);
  assert_true (after.ru_maxrss - before.ru_maxrss < 256 << 10);
  /* A system that promises no more than it has refuses at once. */
  adze_status status = adze_error_status (error);
  adze_error_free (error);
  assert_true (status == ADZE_E_FORMAT || status == ADZE_E_MEMORY);
}

/* A file that nobody knows: what its probe says is not believed either. */
static void
bad_probes (void **state)
{
  static const bad_reply replies[] = {
    { "{\"ok\": 7}", "", "", ADZE_E_FORMAT, "pliant" },
    { "{\"ok\": {}}", "", "", ADZE_E_FORMAT, "pliant" },
    { "{\"ok\": {\"id\": 5, \"component\": 7}}", "", "", ADZE_E_FORMAT, "pliant" },
    { "", "", "silent", ADZE_E_TIMEOUT, "2000 ms" },
    { "{\"progress\": \"entry\"}", "", "exit", ADZE_E_CRASHED, "its entry" },
    { "{\"progress\": \"no such step\"}", "", "exit", ADZE_E_CRASHED, "exited with code 7" },
  };
  world *w = *state;
  for (size_t i = 0; i < ADZE_COUNT_OF (replies); i++) {
    open_bad (w, "no-cache");
    set_peer ("probe", replies[i].reply, replies[i].data, replies[i].then);
    adze_error *error = adze_component_load (w->runtime, "pliant");
    if (!error || !strstr (adze_error_message (error), "pliant"))
      fail_msg ("%s: %s", replies[i].reply, error ? adze_error_message (error) : "taken");
    adze_error_free (error);
    run_command ("rm -rf '%s'", in_world (w, "no-cache"));
  }
}

/* ---- A host gone bad. */

static adze_worker *
start_real (world *w)
{
  adze_worker *worker = NULL;
  must (adze_worker_start (w->runtime->places.worker, NULL, true, &worker));
  adze_child_deadline (adze_worker_child (worker), 20000);
  return worker;
}

/* Sends TEXT and waits for an answer, good or bad; progress is passed over. */
static adze_error *
ask_raw (adze_worker *worker, const char *text, size_t size)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  ADZE_TRY (adze_child_send (adze_worker_child (worker), text, size));
  return adze_worker_receive (worker, &reply);
}

/* It must answer, with an error of ours and not with its end. */
static void
ask_badly (adze_worker *worker, const char *text)
{
  adze_error *error = ask_raw (worker, text, strlen (text));
  if (!error)
    fail_msg ("'%s' is taken", text);
  if (!adze_worker_answered (worker))
    fail_msg ("at '%.100s' the worker ended: %s", text, adze_error_message (error));
  adze_error_free (error);
}

static void
bad_requests (void **state)
{
  static const char *const requests[] = {
    "", "x", "7", "[]", "{}", "{\"do\": 7}", "{\"do\": \"dance\"}", "{\"do\": \"probe\"}",
    "{\"do\": \"probe\", \"path\": 7}", "{\"do\": \"probe\", \"path\": \"\"}",
    "{\"do\": \"probe\", \"path\": \"relative.so\"}", "{\"do\": \"probe\", \"path\": \"/etc\"}",
    "{\"do\": \"probe\", \"path\": \"/dev/zero\"}", "{\"do\": \"self-test\", \"path\": \"/none\"}",
    "{\"do\": \"self-test\", \"path\": \"/etc/passwd\"}", "{\"do\": \"apply\"}",
    "{\"do\": \"apply\", \"work\": {}}", "{\"do\": \"describe\"}", "{\"do\": \"accumulator\"}",
    "{\"do\": \"observe\"}", "{\"do\": \"merge\"}", "{\"do\": \"decide\"}", "{\"do\": \"event\"}",
    "{\"do\": \"event\", \"id\": 7}", "{\"do\": \"case\"}",
    "{\"do\": \"case\", \"case\": \"none\", \"path\": \"x\", \"worker\": \"x\", \"folder\": \"/\"}",
    ("{\"do\": \"case\", \"case\": \"it loads in the host\", \"path\": \"x\", \"worker\": \"x\", "
     "\"folder\": \"/nowhere\"}"),
    "{\"do\": \"open\"}", "{\"do\": \"open\", \"path\": \"/none\"}",
  };
  world *w = *state;
  adze_worker *worker = start_real (w);
  for (size_t i = 0; i < ADZE_COUNT_OF (requests); i++)
    ask_badly (worker, requests[i]);
  /* A megabyte of brackets, and one of text. */
  size_t size = 1 << 20;
  char *large = malloc (size + 1);
  assert_non_null (large);
  memset (large, '[', size);
  large[size] = '\0';
  ask_badly (worker, large);
  memset (large, 'x', size);
  memcpy (large, "{\"do\": \"", 8);
  memcpy (large + size - 2, "\"}", 2);
  ask_badly (worker, large);
  free (large);
  must (ask_raw (worker, "{\"do\": \"close\"}", 15));
  adze_worker_stop (worker);
}

static void
bad_openings (void **state)
{
  static const char *const rest[] = {
    "\"component\": \"nobody\"",
    "\"component\": 5",
    "\"component\": \"pliant\", \"settings\": 5",
    "\"component\": \"pliant\", \"settings\": [1]",
    "\"component\": \"pliant\", \"settings\": {\"do\": 5}",
    "\"component\": \"pliant\", \"settings\": {\"do\": \"dance\"}",
    "\"component\": \"pliant\", \"settings\": {\"\": {}}",
    "\"component\": \"pliant-watcher\"",
    "\"component\": \"pliant\", \"builtin\": true",
  };
  world *w = *state;
  for (size_t i = 0; i < ADZE_COUNT_OF (rest); i++) {
    char text[512];
    adze_worker *worker = start_real (w);
    snprintf (text, sizeof text, "{\"do\": \"open\", \"path\": \"%s\", %s}",
              in_world (w, "pliant.so"), rest[i]);
    ask_badly (worker, text);
    ask_badly (worker, text); /* there is half an instance now */
    ask_badly (worker, "{\"do\": \"apply\"}");
    must (ask_raw (worker, "{\"do\": \"close\"}", 15));
    adze_worker_stop (worker);
  }
}

static void
bad_tensors (void **state)
{
  static const char *const rest[] = {
    "\"x\": 1",
    "\"code\": 2, \"bits\": 32, \"lanes\": 1, \"shape\": [2]",
    "\"code\": 2, \"bits\": 32, \"lanes\": 1, \"shape\": [-2], \"bytes\": 0",
    "\"code\": 3, \"bits\": 8, \"lanes\": 1, \"shape\": [-2], \"bytes\": 0, \"codec\": \"x\"",
    "\"code\": 3, \"bits\": 8, \"lanes\": 1, \"shape\": [2], \"bytes\": 0, \"codec\": 5",
    "\"code\": 3, \"bits\": 8, \"lanes\": 1, \"shape\": [2], \"bytes\": 0, \"codec\": \"x\", "
    "\"block\": 5",
    "\"code\": 3, \"bits\": 8, \"lanes\": 1, \"shape\": [2], \"bytes\": 0, \"codec\": \"x\", "
    "\"block\": [0]",
    "\"code\": 3, \"bits\": 8, \"lanes\": 1, \"shape\": [2], \"bytes\": 0, \"codec\": \"x\", "
    "\"block\": {\"a\": \"b\"}",
  };
  world *w = *state;
  char text[512];
  adze_worker *worker = start_real (w);
  snprintf (text, sizeof text,
            "{\"do\": \"open\", \"path\": \"%s\", \"component\": \"pliant\"}",
            in_world (w, "pliant.so"));
  must (ask_raw (worker, text, strlen (text)));
  for (size_t i = 0; i < ADZE_COUNT_OF (rest); i++) {
    snprintf (text, sizeof text,
              "{\"do\": \"apply\", \"work\": {\"rooms\": [], \"inputs\": [{\"name\": \"w\", %s}]}}",
              rest[i]);
    ask_badly (worker, text);
  }
  static const char *const places[]
      = { "\"at\": -1", "\"at\": 8388608", "\"at\": 8388601", "\"at\": []" };
  for (size_t i = 0; i < ADZE_COUNT_OF (places); i++) {
    snprintf (text, sizeof text,
              "{\"do\": \"apply\", \"work\": {\"rooms\": [], \"inputs\": [{\"name\": \"w\", "
              "\"code\": 2, \"bits\": 32, \"lanes\": 1, \"shape\": [2], \"bytes\": 8, "
              "\"data\": true, %s}]}}",
              places[i]);
    ask_badly (worker, text);
  }
  ask_badly (worker, "{\"do\": \"event\", \"id\": \"x\"}");
  adze_worker_stop (worker);
}

static void
bad_events (void **state)
{
  world *w = *state;
  char text[512];
  adze_worker *worker = start_real (w);
  snprintf (text, sizeof text,
            "{\"do\": \"open\", \"path\": \"%s\", \"component\": \"pliant-watcher\", "
            "\"settings\": {\"path\": \"%s\"}}",
            in_world (w, "pliant.so"), in_world (w, "seen"));
  must (ask_raw (worker, text, strlen (text)));
  ask_badly (worker, "{\"do\": \"event\"}");
  ask_badly (worker, "{\"do\": \"event\", \"id\": 5}");
  ask_badly (worker, "{\"do\": \"event\", \"id\": \"x\", \"fields\": 5}");
  const char *odd = "{\"do\": \"event\", \"id\": \"x\", \"source\": 5, \"time\": \"now\", "
                    "\"sequence\": [], \"fields\": {\"a\": [], \"b\": {}, \"\": 1.5}}";
  must (ask_raw (worker, odd, strlen (odd)));
  adze_worker_stop (worker);
}

/* Bytes that are no frames: there is nothing to answer, and nothing to die of. */
static void
no_frames_at_all (void **state)
{
  static const char *const bytes[] = {
    "GET / HTTP/1.0\r\n\r\n", "\xff\xff\xff\xff\xff\xff\xff\xff",
    "\x02\x00\x00\x00\x04\x00\x00\x00", "\x03\x00\x00\x00\x04\x00\x00\x00",
  };
  static const size_t sizes[] = { 18, 8, 8, 8 };
  world *w = *state;
  for (size_t i = 0; i < ADZE_COUNT_OF (bytes); i++) {
    adze_worker *worker = start_real (w);
    adze_child *child = adze_worker_child (worker);
    ADZE_AUTO (adze_buffer) answer = { 0 };
    assert_int_equal (send (child->socket, bytes[i], sizes[i], MSG_NOSIGNAL), sizes[i]);
    adze_error *error = adze_child_receive (child, &answer);
    assert_non_null (error);
    assert_string_equal (adze_error_fact (error, "exit-code"), "0");
    adze_error_free (error);
    adze_worker_stop (worker);
  }
}

#define WITH_KNOWN(test) cmocka_unit_test_setup_teardown (test, make_known, end_world)

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_KNOWN (bad_answers),  WITH_KNOWN (bad_facts),    WITH_KNOWN (bad_outlines),
    WITH_KNOWN (bad_outputs),  WITH_KNOWN (a_claim_takes_no_memory),
    WITH_KNOWN (bad_probes),   WITH_KNOWN (bad_requests), WITH_KNOWN (bad_openings),
    WITH_KNOWN (bad_tensors),  WITH_KNOWN (bad_events),   WITH_KNOWN (no_frames_at_all),
  };
  return cmocka_run_group_tests_name ("worker", tests, NULL, NULL);
}
