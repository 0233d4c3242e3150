/* SPDX-License-Identifier: Apache-2.0 */
/* Techniques and observers at work: in the host when their folder is trusted, in a worker when it
 * is not, with the same bytes; and whatever one of them does there, the host lives on. */
#include "world.h"

#include <adze/draft/technique.h>

/* A worker under a sanitizer is to give NULL for an absurd size, as it would without. */
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

static int
make_pliant (void **state)
{
  if (make_world (state) != 0)
    return -1;
  free (build (*state, "pliant", "pliant", ""));
  return 0;
}

#define WITH_PLIANT(test) cmocka_unit_test_setup_teardown (test, make_pliant, end_world)

static adze_error *
open_with (world *w, const char *setting, int isolate, adze_harness **harness)
{
  const char *const settings[] = { setting, NULL };
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  options.settings = settings;
  options.isolate = isolate;
  options.time_limit_ms = 20000;
  return adze_harness_open (w->runtime, "pliant", &options, harness);
}

static adze_tensor
tensor_of (void *data, adze_dtype dtype, int32_t rank, int64_t *shape)
{
  adze_tensor tensor = { .struct_size = sizeof tensor, .name = "layer.weight" };
  tensor.view = (adze_view){ .data = data,
                             .device = { ADZE_DEVICE_CPU, 0 },
                             .rank = rank,
                             .dtype = dtype,
                             .shape = shape };
  return tensor;
}

/* One number, for what does not look at its input. */
static float one_number = 1.5f;

static adze_error *
apply_once (world *w, const char *setting, int isolate)
{
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  must (open_with (w, setting, isolate, &harness));
  adze_error *error = adze_harness_apply (harness, &input, &output);
  if (error)
    assert_null (output);
  adze_harness_close (harness);
  return error;
}

/* After anything, another instance does its work. */
static void
assert_works (world *w, int isolate)
{
  must (apply_once (w, "do = copy", isolate));
}

/* ---- Where it runs. */

static int
pid_of (world *w, int isolate, bool expect_isolated)
{
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  must (open_with (w, "do = pid", isolate, &harness));
  assert_int_equal (adze_harness_isolated (harness), expect_isolated);
  must (adze_harness_apply (harness, &input, &output));
  assert_non_null (output);
  int pid = *(const int32_t *)output->view.data;
  adze_harness_close (harness);
  return pid;
}

static void
trust_decides_where (void **state)
{
  world *w = *state;
  reopen (w, NULL);
  assert_int_not_equal (pid_of (w, 0, true), getpid ());
  assert_int_equal (pid_of (w, -1, false), getpid ());
  reopen (w, trusting (w));
  assert_int_equal (pid_of (w, 0, false), getpid ());
  assert_int_not_equal (pid_of (w, 1, true), getpid ());
}

static void
a_kind_that_is_not_fed (void **state)
{
  world *w = *state;
  adze_harness *harness = NULL;
  must_fail (adze_harness_open (reopen (w, NULL), "pliant-watcher", NULL, &harness), ADZE_E_PARAM,
             "'pliant-watcher'", "cannot be fed", NULL);
  assert_null (harness);
}

static void
bad_settings (void **state)
{
  world *w = *state;
  adze_harness *harness = NULL;
  reopen (w, NULL);
  must_fail (open_with (w, "do = dance", 0, &harness), ADZE_E_PARAM, "dance", "copy", NULL);
  must_fail (open_with (w, "doo = copy", 0, &harness), ADZE_E_PARAM, "did you mean 'do'", NULL);
}

/* ---- The same bytes. */

static void
assert_same (adze_harness *here, adze_harness *there, const adze_tensor *input)
{
  const adze_tensor *a = NULL, *b = NULL;
  must (adze_harness_apply (here, input, &a));
  must (adze_harness_apply (there, input, &b));
  assert_non_null (a);
  assert_non_null (b);
  assert_int_equal (a->view.rank, input->view.rank);
  assert_int_equal (b->view.rank, a->view.rank);
  assert_int_equal (a->byte_size, b->byte_size);
  assert_int_equal ((uintptr_t)a->view.data % 64, 0);
  assert_int_equal ((uintptr_t)b->view.data % 64, 0);
  assert_memory_equal (&a->view.dtype, &b->view.dtype, sizeof a->view.dtype);
  assert_true (a->view.dtype.bits == input->view.dtype.bits);
  if (a->view.rank > 0)
    assert_memory_equal (a->view.shape, b->view.shape,
                         (size_t)a->view.rank * sizeof *a->view.shape);
  assert_string_equal (a->name, input->name);
  assert_string_equal (b->name, input->name);
  assert_int_equal (memcmp (a->view.data, b->view.data, a->byte_size), 0);
}

static void
same_here_and_there (void **state)
{
  world *w = *state;
  static const adze_dtype types[] = {
    { ADZE_FLOAT, 32, 1 }, { ADZE_FLOAT, 64, 1 },  { ADZE_FLOAT, 16, 1 }, { ADZE_BFLOAT, 16, 1 },
    { ADZE_INT, 8, 1 },    { ADZE_INT, 64, 1 },    { ADZE_UINT, 16, 1 },  { ADZE_BOOL, 8, 1 },
    { ADZE_FLOAT, 32, 4 }, { ADZE_COMPLEX, 64, 1 },
  };
  int64_t shapes[][4] = { { 0 }, { 7 }, { 3, 5 }, { 0, 4 }, { 1, 1, 1, 9 }, { 2, 3, 4, 5 } };
  const int32_t ranks[] = { 0, 1, 2, 2, 4, 4 };
  unsigned char bytes[2 * 3 * 4 * 5 * 16];
  adze_harness *here = NULL, *there = NULL;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)(i * 37 + 11);
  reopen (w, NULL);
  must (open_with (w, "do = copy", -1, &here));
  must (open_with (w, "do = copy", 1, &there));
  for (size_t t = 0; t < ADZE_COUNT_OF (types); t++)
    for (size_t s = 0; s < ADZE_COUNT_OF (ranks); s++) {
      adze_tensor input = tensor_of (bytes, types[t], ranks[s], shapes[s]);
      assert_same (here, there, &input);
    }
  /* Transposed, reversed, with an offset, one row over and over. */
  int64_t strides[][2] = { { 1, 3 }, { -5, 1 }, { 0, 1 }, { 10, 2 } };
  const uint64_t offsets[] = { 0, 40, 4, 8 };
  int64_t shape[] = { 3, 5 };
  for (size_t i = 0; i < ADZE_COUNT_OF (strides); i++) {
    adze_tensor input = tensor_of (bytes, types[0], 2, shape);
    input.view.strides = strides[i];
    input.view.byte_offset = offsets[i];
    assert_same (here, there, &input);
  }
  adze_harness_close (here);
  adze_harness_close (there);
}

static void
forty_megabytes (void **state)
{
  world *w = *state;
  enum { COUNT = 10 << 20 };
  int64_t shape[] = { 1024, COUNT / 1024 };
  float *data = malloc (COUNT * sizeof *data);
  adze_harness *there = NULL;
  const adze_tensor *output = NULL;
  assert_non_null (data);
  for (size_t i = 0; i < COUNT; i++)
    data[i] = (float)i;
  reopen (w, NULL);
  must (open_with (w, "do = copy", 1, &there));
  adze_tensor input = tensor_of (data, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 2, shape);
  for (int i = 0; i < 2; i++) {
    must (adze_harness_apply (there, &input, &output));
    assert_int_equal (output->byte_size, COUNT * sizeof *data);
    assert_int_equal (memcmp (output->view.data, data, COUNT * sizeof *data), 0);
  }
  adze_harness_close (there);
  free (data);
}

static void
left_as_it_was (void **state)
{
  world *w = *state;
  const adze_tensor *output = NULL;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  reopen (w, NULL);
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    adze_harness *harness = NULL;
    must (open_with (w, "do = keep", isolate, &harness));
    must (adze_harness_apply (harness, &input, &output));
    assert_null (output);
    adze_harness_close (harness);
  }
}

/* A tensor that a codec wrote: its bytes are the caller's word, its shape the logical one. */
static void
blocks_are_passed_on (void **state)
{
  world *w = *state;
  unsigned char bytes[34] = { 1, 2, 3 };
  int64_t shape[] = { 2, 32 }, block[] = { 1, 32 };
  adze_tensor input = tensor_of (bytes, (adze_dtype){ ADZE_OPAQUE, 8, 1 }, 2, shape);
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  input.codec = "blocks";
  input.block_shape = block;
  input.byte_size = sizeof bytes;
  reopen (w, NULL);
  must (open_with (w, "do = keep", 1, &harness));
  must (adze_harness_apply (harness, &input, &output));
  assert_null (output);
  must (adze_harness_apply (harness, &input, &output));
  adze_harness_close (harness);
}

static uint64_t
first_number (world *w, unsigned threads, int isolate, const char *setting, size_t bytes)
{
  const char *const folders[] = { w->folder, NULL };
  adze_runtime_options options = ADZE_RUNTIME_OPTIONS_INIT;
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  adze_runtime_close (w->runtime);
  options.plugin_path = folders;
  options.cache = in_world (w, "cache");
  options.threads = threads;
  options.seed = 42;
  must (adze_runtime_open (&options, &w->runtime));
  must (open_with (w, setting, isolate, &harness));
  must (adze_harness_apply (harness, &input, &output));
  assert_int_equal (output->byte_size, bytes);
  uint64_t mark = 14695981039346656037u;
  for (size_t i = 0; i < bytes; i++)
    mark = (mark ^ ((unsigned char *)output->view.data)[i]) * 1099511628211u;
  adze_harness_close (harness);
  return mark;
}

static void
any_number_of_threads (void **state)
{
  world *w = *state;
  uint64_t random = first_number (w, 1, -1, "do = random", 40000);
  uint64_t sum = first_number (w, 1, -1, "do = reduce", 8);
  for (unsigned threads = 2; threads <= 3; threads++) {
    assert_int_equal (first_number (w, threads, -1, "do = random", 40000), random);
    assert_int_equal (first_number (w, threads, -1, "do = reduce", 8), sum);
  }
  assert_int_equal (first_number (w, 1, 1, "do = random", 40000), random);
  assert_int_equal (first_number (w, 1, 1, "do = reduce", 8), sum);
}

/* ---- What goes wrong. */

static void
reasons_are_the_same (void **state)
{
  world *w = *state;
  reopen (w, NULL);
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    must_fail (apply_once (w, "do = two-reasons", isolate), ADZE_E_IO,
               "apply of 'pliant' failed", "the table was not written", "the disk is full", NULL);
    must_fail (apply_once (w, "do = second", isolate), ADZE_E_CONTRACT, "second output", NULL);
    must_fail (apply_once (w, "do = negative", isolate), ADZE_E_CONTRACT, "is -1", NULL);
    must_fail (apply_once (w, "do = overflow", isolate), ADZE_E_CONTRACT, "cannot be", NULL);
    must_fail (apply_once (w, "do = rank-33", isolate), ADZE_E_CONTRACT, "rank 33", NULL);
    must_fail (apply_once (w, "do = no-type", isolate), ADZE_E_CONTRACT, "0 bits", NULL);
    must_fail (apply_once (w, "do = large", isolate), ADZE_E_CONTRACT,
               "describe announced f32 [] for 'layer.weight', apply gave f32 [144115188075855871]",
               NULL);
  }
}

/* Numbers that a dying process would give, too: the technique answered, and goes on. */
static void
an_answer_is_no_death (void **state)
{
  world *w = *state;
  static const struct {
    const char *setting;
    adze_status status;
    const char *reason;
  } answers[] = { { "do = timeout", ADZE_E_TIMEOUT, "the moon has not risen" },
                  { "do = crashed", ADZE_E_CRASHED, "somebody else has crashed" },
                  { "do = format", ADZE_E_FORMAT, "not to its taste" } };
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  reopen (w, NULL);
  for (size_t i = 0; i < ADZE_COUNT_OF (answers); i++) {
    adze_harness *harness = NULL;
    const adze_tensor *output;
    must (open_with (w, answers[i].setting, 1, &harness));
    for (int again = 0; again < 2; again++) {
      adze_error *error = adze_harness_apply (harness, &input, &output);
      assert_null (strstr (adze_error_message (error), "process"));
      must_fail (error, answers[i].status, answers[i].reason, NULL);
    }
    adze_harness_close (harness);
  }
}

static void
death_is_told (void **state)
{
  world *w = *state;
  reopen (w, NULL);
  adze_error *error = apply_once (w, "do = abort", 1);
  assert_string_equal (adze_error_fact (error, "signal"), "6");
  assert_string_equal (adze_error_fact (error, "component"), "pliant");
  assert_non_null (strstr (adze_error_fact (error, "parameters"), "do = \"abort\""));
  must_fail (error, ADZE_E_CRASHED, "apply of 'pliant'", "signal 6", "abort", NULL);
  assert_works (w, 1);

  error = apply_once (w, "do = exit", 1);
  assert_string_equal (adze_error_fact (error, "exit-code"), "3");
  must_fail (error, ADZE_E_CRASHED, "exited with code 3", NULL);
  assert_works (w, 1);
}

static void
a_dead_one_is_not_asked_again (void **state)
{
  world *w = *state;
  adze_harness *harness = NULL, *other = NULL;
  const adze_tensor *output = NULL;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  reopen (w, NULL);
  must (open_with (w, "do = copy", 1, &other));
  must (open_with (w, "do = abort", 1, &harness));
  must_fail (adze_harness_apply (harness, &input, &output), ADZE_E_CRASHED, "signal 6", NULL);
  must_fail (adze_harness_apply (harness, &input, &output), ADZE_E_CRASHED, "before", NULL);
  must (adze_harness_apply (other, &input, &output));
  assert_non_null (output);
  adze_harness_close (harness);
  adze_harness_close (other);
}

static void
a_hang_ends (void **state)
{
  world *w = *state;
  const char *const settings[] = { "do = hang", NULL };
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  options.settings = settings;
  options.isolate = 1;
  options.time_limit_ms = 1000;
  must (adze_harness_open (reopen (w, NULL), "pliant", &options, &harness));
  must_fail (adze_harness_apply (harness, &input, &output), ADZE_E_TIMEOUT, "1000 ms",
             "'pliant'", "hang", NULL);
  adze_harness_close (harness);
  assert_works (w, 1);
}

/* The limit is the process's: what the technique asks for beyond it, it does not get; and a tensor
 * that does not fit is refused in words. Sanitizers take more addresses than any limit. */
static void
memory_is_limited (void **state)
{
  world *w = *state;
  if (sanitized ())
    return;
  const char *settings[] = { "do = devour", NULL };
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  options.settings = settings;
  options.isolate = 1;
  options.time_limit_ms = 20000;
  options.memory_limit = (uint64_t)512 << 20;
  must (adze_harness_open (reopen (w, NULL), "pliant", &options, &harness));
  must_fail (adze_harness_apply (harness, &input, &output), ADZE_E_MEMORY, "are to be had", NULL);
  adze_harness_close (harness);

  settings[0] = "do = keep";
  int64_t shape[] = { 300 << 20 };
  char *large = calloc (2, 300 << 20);
  assert_non_null (large);
  must (adze_harness_open (w->runtime, "pliant", &options, &harness));
  adze_tensor heavy = tensor_of (large, (adze_dtype){ ADZE_INT, 16, 1 }, 1, shape);
  must_fail (adze_harness_apply (harness, &heavy, &output), ADZE_E_MEMORY, "memory", NULL);
  /* The worker still understands us. */
  must (adze_harness_apply (harness, &input, &output));
  adze_harness_close (harness);
  free (large);
  assert_works (w, 1);
}

static void
absurd_inputs (void **state)
{
  world *w = *state;
  int64_t negative[] = { -1 }, huge[] = { INT64_MAX, INT64_MAX };
  int64_t hidden[] = { 0, INT64_MAX, INT64_MAX }, strides[] = { 1, INT64_MAX, 1 };
  adze_dtype type = { ADZE_FLOAT, 32, 1 };
  const adze_tensor *output = NULL;
  reopen (w, NULL);
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    adze_harness *harness = NULL;
    must (open_with (w, "do = copy", isolate, &harness));
    adze_tensor bad[] = {
      tensor_of (&one_number, type, 1, negative), tensor_of (&one_number, type, 2, huge),
      tensor_of (&one_number, type, 33, huge),    tensor_of (&one_number, type, -1, huge),
      tensor_of (&one_number, type, 1, NULL),     tensor_of (&one_number, type, 3, hidden),
    };
    bad[5].view.strides = strides;
    for (size_t i = 0; i < ADZE_COUNT_OF (bad); i++) {
      must_fail (adze_harness_apply (harness, &bad[i], &output), ADZE_E_CONTRACT, "tensor", NULL);
      assert_null (output);
    }
    adze_tensor good = tensor_of (&one_number, type, 0, NULL);
    must (adze_harness_apply (harness, &good, &output));
    adze_harness_close (harness);
  }
}

/* ---- Ends. */

/* What the event "instance.failed" and the log said. */
typedef struct ends {
  int events;
  int warnings;
  char component[64];
  char reason[600];
} ends;

static void
listen_for_ends (void *argument, const adze_event *event)
{
  ends *all = argument;
  bool failed = strcmp (event->id, "instance.failed") == 0;
  all->events += failed;
  for (uint32_t i = 0; i < event->field_count; i++) {
    const adze_field *field = &event->fields[i];
    if (field->type != ADZE_FIELD_STRING)
      continue;
    if (strcmp (field->key, "level") == 0)
      all->warnings += strcmp (field->value.string, "warning") == 0;
    if (failed && strcmp (field->key, "component") == 0)
      snprintf (all->component, sizeof all->component, "%s", field->value.string);
    if (failed && strcmp (field->key, "reason") == 0)
      snprintf (all->reason, sizeof all->reason, "%s", field->value.string);
  }
}

static adze_error *
end_once (world *w, const char *setting, int isolate, int64_t limit_ms)
{
  const char *const settings[] = { setting, NULL };
  adze_harness_options options = ADZE_HARNESS_OPTIONS_INIT;
  adze_harness *harness = NULL;
  const adze_tensor *output = NULL;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  options.settings = settings;
  options.isolate = isolate;
  options.time_limit_ms = limit_ms;
  must (adze_harness_open (w->runtime, "pliant", &options, &harness));
  must (adze_harness_apply (harness, &input, &output));
  adze_error *error = adze_harness_end (harness);
  must (adze_harness_end (harness));
  must_fail (adze_harness_apply (harness, &input, &output), ADZE_E_PARAM, "was ended", NULL);
  adze_harness_close (harness);
  return error;
}

static void
an_end_that_fails_is_told (void **state)
{
  world *w = *state;
  ends all = { 0 };
  must (adze_listen (reopen (w, NULL), listen_for_ends, &all));
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    must (end_once (w, "do = copy", isolate, 0));
    must_fail (end_once (w, "do = end-break", isolate, 0), ADZE_E_CONTRACT, "destroy of 'pliant'",
               "did not get from allocate", NULL);
    must_fail (end_once (w, "do = end-keep", isolate, 0), ADZE_E_CONTRACT,
               "'pliant' did not release 77 bytes", NULL);
  }
  must_fail (end_once (w, "do = end-abort", 1, 0), ADZE_E_CRASHED, "destroy of 'pliant'",
             "signal 6", NULL);
  must_fail (end_once (w, "do = end-exit", 1, 0), ADZE_E_CRASHED, "destroy of 'pliant'",
             "exited with code 3", NULL);
  must_fail (end_once (w, "do = end-hang", 1, 1000), ADZE_E_TIMEOUT, "destroy of 'pliant'",
             "1000 ms", NULL);
  assert_int_equal (all.events, 7);
  assert_string_equal (all.component, "pliant");
  assert_int_equal (all.warnings, 0);
}

/* Whoever only closes hears of it by the event and the log. */
static void
a_close_that_fails_is_logged (void **state)
{
  world *w = *state;
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    ends all = { 0 };
    must (adze_listen (reopen (w, NULL), listen_for_ends, &all));
    must (apply_once (w, isolate < 0 ? "do = end-break" : "do = end-abort", isolate));
    assert_int_equal (all.events, 1);
    assert_int_equal (all.warnings, 1);
    assert_string_equal (all.component, "pliant");
    assert_non_null (strstr (all.reason, isolate < 0 ? "did not get from allocate" : "signal 6"));
  }
}

/* In a worker the plugin ends together with its instance, in the host when the runtime is closed. */
static void
a_plugin_that_fails_to_end (void **state)
{
  world *w = *state;
  ends all = { 0 };
  free (build (w, "pliant", "pliant", "-DPLIANT_DEINIT='\"abort\"'"));
  reopen (w, NULL);
  must_fail (end_once (w, "do = copy", 1, 0), ADZE_E_CRASHED, "deinit of 'pliant'", "signal 6",
             NULL);
  free (build (w, "pliant", "pliant", "-DPLIANT_DEINIT='\"break\"'"));
  reopen (w, NULL);
  must_fail (end_once (w, "do = copy", 1, 0), ADZE_E_CONTRACT, "deinit of 'pliant'", NULL);
  must (adze_listen (w->runtime, listen_for_ends, &all));
  must (end_once (w, "do = copy", -1, 0));
  assert_int_equal (all.events, 0);
  adze_runtime_close (w->runtime);
  w->runtime = NULL;
  assert_int_equal (all.events, 1);
  assert_int_equal (all.warnings, 1);
  assert_non_null (strstr (all.reason, "deinit of 'pliant'"));
}

/* ---- Observers. */

typedef struct heard {
  int calls;
  int complaints;
  char complaint[600];
} heard;

static void
listen (void *argument, const adze_event *event)
{
  heard *all = argument;
  all->calls += strncmp (event->id, "call.", 5) == 0;
  if (strcmp (event->id, "log") != 0 || !event->source || !strstr (event->source, "watcher"))
    return;
  all->complaints++;
  for (uint32_t i = 0; i < event->field_count; i++)
    if (strcmp (event->fields[i].key, "message") == 0)
      snprintf (all->complaint, sizeof all->complaint, "%s", event->fields[i].value.string);
}

/* Observes three calls and closes the runtime; the lines that the observer wrote. */
static size_t
observe (world *w, const char *config, const char *what, int *pid, heard *all)
{
  char parameters[200];
  *all = (heard){ 0 };
  snprintf (parameters, sizeof parameters, "path = \"%s\", do = \"%s\"", in_world (w, "seen"),
            what);
  run_command ("rm -f '%s'", in_world (w, "seen"));
  reopen (w, config);
  must (adze_listen (w->runtime, listen, all));
  must (adze_observe (w->runtime, "pliant-watcher", parameters));
  adze_harness *harness = NULL;
  const adze_tensor *output;
  adze_tensor input = tensor_of (&one_number, (adze_dtype){ ADZE_FLOAT, 32, 1 }, 0, NULL);
  must (open_with (w, "do = copy", -1, &harness));
  for (int i = 0; i < 3; i++)
    must (adze_harness_apply (harness, &input, &output));
  adze_harness_close (harness);
  assert_int_equal (all->calls, 6);
  adze_runtime_close (w->runtime);
  w->runtime = NULL;
  FILE *file = fopen (in_world (w, "seen"), "r");
  size_t lines = 0;
  char event[100];
  if (!file)
    return 0;
  for (*pid = 0; fscanf (file, "%d %99s", pid, event) == 2;)
    lines += 1;
  fclose (file);
  return lines;
}

static void
observers_watch (void **state)
{
  world *w = *state;
  heard all;
  int pid;
  assert_true (observe (w, NULL, "write", &pid, &all) >= 6);
  assert_int_not_equal (pid, getpid ());
  assert_int_equal (all.complaints, 0);
  assert_true (observe (w, trusting (w), "write", &pid, &all) >= 6);
  assert_int_equal (pid, getpid ());
  assert_int_equal (all.complaints, 0);
}

static void
a_failing_observer_is_reported_once (void **state)
{
  world *w = *state;
  heard all;
  int pid;
  assert_int_equal (observe (w, NULL, "fail", &pid, &all), 1);
  assert_int_equal (all.complaints, 1);
  assert_non_null (strstr (all.complaint, "it has seen enough"));
  assert_int_equal (observe (w, trusting (w), "fail", &pid, &all), 1);
  assert_int_equal (all.complaints, 1);
  assert_non_null (strstr (all.complaint, "it has seen enough"));
  assert_int_equal (observe (w, NULL, "abort", &pid, &all), 1);
  assert_int_equal (all.complaints, 1);
  assert_non_null (strstr (all.complaint, "signal 6"));
}

static void
a_bad_observer_is_refused (void **state)
{
  world *w = *state;
  reopen (w, NULL);
  must_fail (adze_observe (w->runtime, "pliant", NULL), ADZE_E_PARAM, "cannot watch", NULL);
  must_fail (adze_observe (w->runtime, "pliant-watcher", NULL), ADZE_E_PARAM, "path", NULL);
  must_fail (adze_observe (w->runtime, "pliant-watcher", "path = "), ADZE_E_PARAM, "<observer>:1",
             NULL);
  must_fail (adze_observe (w->runtime, "pliant-watcher", "path = \"x\", pathh = 1"), ADZE_E_PARAM,
             "did you mean 'path'", NULL);
  must_fail (adze_observe (w->runtime, "nobody", NULL), ADZE_E_NOT_FOUND, "nobody", NULL);
}

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_PLIANT (trust_decides_where),
    WITH_PLIANT (a_kind_that_is_not_fed),
    WITH_PLIANT (bad_settings),
    WITH_PLIANT (same_here_and_there),
    WITH_PLIANT (forty_megabytes),
    WITH_PLIANT (left_as_it_was),
    WITH_PLIANT (blocks_are_passed_on),
    WITH_PLIANT (any_number_of_threads),
    WITH_PLIANT (reasons_are_the_same),
    WITH_PLIANT (an_answer_is_no_death),
    WITH_PLIANT (death_is_told),
    WITH_PLIANT (a_dead_one_is_not_asked_again),
    WITH_PLIANT (a_hang_ends),
    WITH_PLIANT (memory_is_limited),
    WITH_PLIANT (absurd_inputs),
    WITH_PLIANT (an_end_that_fails_is_told),
    WITH_PLIANT (a_close_that_fails_is_logged),
    WITH_PLIANT (a_plugin_that_fails_to_end),
    WITH_PLIANT (observers_watch),
    WITH_PLIANT (a_failing_observer_is_reported_once),
    WITH_PLIANT (a_bad_observer_is_refused),
  };
  return cmocka_run_group_tests_name ("harness", tests, NULL, NULL);
}
