/* SPDX-License-Identifier: Apache-2.0 */
/* Techniques from describe to apply, in this process and in workers: the same bytes, whatever the
 * lane and however it is cut; what they announce is what they must give; runs get what they ask for;
 * and what is told, is told once. */
#include "world.h"

#include "artifact/artifact.h"
#include "plugin/runtime.h"
#include "stage/feed.h"
#include "stage/run_hooks.h"

enum { COUNT = 6 * 50 };

static float numbers[COUNT], others[7];
static int64_t shape[] = { 6, 50 }, other_shape[] = { 7 };

static int
make_liar (void **state)
{
  if (make_world (state) != 0)
    return -1;
  free (build (*state, "liar", "liar", ""));
  reopen (*state, NULL);
  for (size_t i = 0; i < COUNT; i++)
    numbers[i] = (float)((int)(i * 37 % 101) - 50) / 10;
  for (size_t i = 0; i < ADZE_COUNT_OF (others); i++)
    others[i] = (float)i;
  return 0;
}

static adze_tensor
tensor_of (const char *name, float *data, size_t count, int32_t rank, int64_t *of)
{
  return (adze_tensor){ .struct_size = sizeof (adze_tensor),
                        .name = name,
                        .view = { .data = data,
                                  .device = { ADZE_DEVICE_CPU, 0 },
                                  .rank = rank,
                                  .dtype = { ADZE_FLOAT, 32, 1 },
                                  .shape = of },
                        .byte_size = count * sizeof *data };
}

static adze_error *
open_with (world *w, const char *component, const char *setting, int isolate, unsigned lanes,
           adze_instance **instance)
{
  const char *const settings[] = { setting, NULL };
  adze_plugin_record *record;
  const adze_manifest_component *found;
  ADZE_AUTO (adze_document) document = { 0 };
  ADZE_TRY (adze_find_component (w->runtime, component, &record, &found));
  ADZE_TRY (adze_settings_parse (found, settings, &document));
  const adze_value *const sets[] = { document.root };
  const adze_instance_options options = { .stage = "first",
                                          .component = component,
                                          .document = &document,
                                          .settings = sets,
                                          .variants = 1,
                                          .isolate = isolate,
                                          .time_limit_ms = 20000,
                                          .lanes = lanes };
  return adze_instance_open (w->runtime, &options, instance);
}

/* Two tensors through it, once. */
static adze_error *
feed (world *w, const char *component, const char *setting, int isolate,
      const adze_feed_options *options, adze_fed *fed)
{
  adze_instance *instance = NULL;
  adze_tensor first = tensor_of ("fc1.weight", numbers, COUNT, 2, shape);
  adze_tensor second = tensor_of ("fc1.bias", others, ADZE_COUNT_OF (others), 1, other_shape);
  const adze_tensor *const inputs[] = { &first, &second };
  *fed = (adze_fed){ 0 };
  ADZE_TRY (open_with (w, component, setting, isolate, options->lane + 1, &instance));
  adze_error *error = adze_feed (instance, 1, inputs, 2, options, fed);
  adze_error *end = adze_instance_end (instance);
  adze_instance_close (instance);
  if (!error)
    return end;
  adze_error_free (end);
  return error;
}

/* ---- Announced and given. */

static void
must_break (world *w, const char *component, const char *part)
{
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    const adze_feed_options options = { 0 };
    adze_fed fed;
    must_fail (feed (w, component, NULL, isolate, &options, &fed), ADZE_E_CONTRACT, "'first'", part,
               NULL);
  }
}

static void
what_was_not_announced (void **state)
{
  must_break (*state, "liar-shape",
              "describe announced f16 [6, 50] for 'fc1.weight', apply gave f32 [6, 50]");
  must_break (*state, "liar-lazy",
              "describe announced f16 [6, 50] for 'fc1.weight', apply left f32 [6, 50] as it was");
  must_break (*state, "liar-extra", "only inspects");
  must_break (*state, "liar-half", "describe announced 2 outputs for 'fc1.weight', apply gave 1");
  must_break (*state, "liar-metric", "a metric outside of decide and run");
}

static void
left_as_it_was (void **state)
{
  const adze_feed_options options = { .poison = 0xa5 };
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    adze_fed fed;
    must (feed (*state, "liar-idle", NULL, isolate, &options, &fed));
    assert_int_equal (fed.count, 2);
    assert_false (fed.outputs[0].given || fed.outputs[1].given);
    assert_memory_equal (fed.outputs[0].memory, numbers, sizeof numbers);
    adze_fed_cleanup (&fed);
    must (feed (*state, "liar-idle", "copy = true", isolate, &options, &fed));
    assert_true (fed.outputs[0].given && fed.outputs[1].given);
    assert_memory_equal (fed.outputs[0].memory, numbers, sizeof numbers);
    adze_fed_cleanup (&fed);
  }
}

/* ---- Reduced. */

static void
check_threshold (const adze_fed *fed)
{
  assert_int_equal (fed->count, 2);
  /* The largest of all is 6, of the other tensor. */
  for (size_t i = 0; i < COUNT; i++) {
    float own = numbers[i] < 0 ? -numbers[i] : numbers[i];
    assert_true (((float *)fed->outputs[0].memory)[i] == (own < 3 ? 0 : numbers[i]));
  }
  assert_true (((float *)fed->outputs[1].memory)[2] == 0);
  assert_true (((float *)fed->outputs[1].memory)[3] == 3);
}

static void
a_threshold_over_all (void **state)
{
  for (int isolate = -1; isolate <= 1; isolate += 2)
    for (uint64_t piece = 0; piece < 100; piece += 33)
      for (adze_feed_merge merge = ADZE_FEED_ONE; merge <= ADZE_FEED_EMPTY; merge++) {
        const adze_feed_options options
            = { .lane = merge % 2, .piece = piece, .observed = 41, .merge = merge, .poison = 0xa5,
                .watch_inputs = true };
        adze_fed fed;
        must (feed (*state, "liar-threshold", NULL, isolate, &options, &fed));
        check_threshold (&fed);
        adze_fed_cleanup (&fed);
      }
}

/* Accumulators and tensors that do not fit into the memory that both processes see. */
static void
large_ones (void **state)
{
  enum { LARGE = 3 << 20 };
  static int64_t large_shape[] = { LARGE };
  float *data = malloc (LARGE * sizeof *data);
  assert_non_null (data);
  for (size_t i = 0; i < LARGE; i++)
    data[i] = (float)(i % 1000);
  adze_tensor input = tensor_of ("large", data, LARGE, 1, large_shape);
  const adze_tensor *const inputs[] = { &input };
  const uint64_t pieces[] = { 0, 1 << 20, (3 << 19) + 1 };
  for (size_t i = 0; i < ADZE_COUNT_OF (pieces); i++) {
    const adze_feed_options options = { .piece = pieces[i], .observed = pieces[i] };
    adze_instance *instance = NULL;
    adze_fed fed;
    must (open_with (*state, "liar-threshold", NULL, 1, 1, &instance));
    must (adze_feed (instance, 1, inputs, 1, &options, &fed));
    const float *out = fed.outputs[0].memory;
    for (size_t k = 0; k < LARGE; k++)
      assert_true (out[k] == (data[k] < 499.5f ? 0 : data[k]));
    adze_fed_cleanup (&fed);
    must (adze_instance_end (instance));
    adze_instance_close (instance);
  }
  free (data);
}

/* ---- Told. */

typedef struct told {
  int metrics, achieved, fallbacks;
  char source[40];
} told;

static void
listen (void *argument, const adze_event *event)
{
  told *all = argument;
  all->metrics += strcmp (event->id, ADZE_EVENT_METRIC) == 0;
  all->achieved += strcmp (event->id, ADZE_EVENT_ACHIEVED) == 0;
  all->fallbacks += strcmp (event->id, ADZE_EVENT_FALLBACK) == 0;
  if (strncmp (event->id, "stage.", 6) == 0)
    snprintf (all->source, sizeof all->source, "%s", event->source);
}

static void
told_once (void **state)
{
  world *w = *state;
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    told all = { 0 };
    const adze_feed_options options = { .lane = 2 };
    adze_fed fed;
    must (adze_listen (reopen (w, NULL), listen, &all));
    must (feed (w, "liar-threshold", NULL, isolate, &options, &fed));
    adze_fed_cleanup (&fed);
    assert_int_equal (all.metrics, 1);
    assert_int_equal (all.achieved, 1);
    assert_string_equal (all.source, "first");
    must (feed (w, "liar-fallback", NULL, isolate, &options, &fed));
    adze_fed_cleanup (&fed);
    assert_int_equal (all.fallbacks, 2);
    must (feed (w, "liar-threshold", "fall = true", isolate, &options, &fed));
    adze_fed_cleanup (&fed);
    assert_int_equal (all.fallbacks, 3);
    adze_unlisten (w->runtime, listen, &all);
  }
}

static void
facts_are_the_same (void **state)
{
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    adze_instance *instance = NULL;
    must (open_with (*state, "liar-threshold", NULL, isolate, 1, &instance));
    const adze_instance_facts *facts = adze_instance_facts_of (instance);
    assert_int_equal (facts->grain, ADZE_GRAIN_ELEMENT);
    assert_true (facts->describes && facts->observes && facts->applies && !facts->runs);
    assert_string_equal (facts->preserves[0], "adze.sparsity/1");
    assert_null (facts->preserves[1]);
    assert_null (facts->breaks[0]);
    assert_int_equal (facts->isolated, isolate > 0);
    adze_instance_close (instance);
  }
}

/* ---- Lanes. */

typedef struct worker_thread {
  adze_feeding *feeding;
  unsigned lane;
  uint64_t piece;
  adze_fed fed;
  adze_error *error;
} worker_thread;

static void *
apply_on_lane (void *argument)
{
  worker_thread *one = argument;
  const adze_feed_options options = { .lane = one->lane, .piece = one->piece, .poison = 0xa5 };
  one->error = adze_feed_apply (one->feeding, &options, &one->fed);
  return NULL;
}

/* Threads come and go; the workers that they started stay. */
static void
lanes_outlive_threads (void **state)
{
  adze_tensor first = tensor_of ("fc1.weight", numbers, COUNT, 2, shape);
  adze_tensor second = tensor_of ("fc1.bias", others, ADZE_COUNT_OF (others), 1, other_shape);
  const adze_tensor *const inputs[] = { &first, &second };
  const adze_feed_options options = { .observed = 17, .merge = ADZE_FEED_BALANCED };
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    adze_instance *instance = NULL;
    adze_feeding *feeding = NULL;
    must (open_with (*state, "liar-threshold", NULL, isolate, 3, &instance));
    must (adze_feed_open (instance, 1, inputs, 2, &options, &feeding));
    for (int round = 0; round < 3; round++) {
      worker_thread threads[3];
      pthread_t ids[3];
      for (unsigned i = 0; i < 3; i++) {
        threads[i] = (worker_thread){ .feeding = feeding, .lane = i, .piece = 7 * i };
        assert_int_equal (pthread_create (&ids[i], NULL, apply_on_lane, &threads[i]), 0);
      }
      for (unsigned i = 0; i < 3; i++) {
        pthread_join (ids[i], NULL);
        must (threads[i].error);
        check_threshold (&threads[i].fed);
        adze_fed_cleanup (&threads[i].fed);
      }
    }
    adze_feed_close (feeding);
    must (adze_instance_end (instance));
    adze_instance_close (instance);
  }
}

/* Without a decide each is started by the thread that needs it first, which is gone by the next
 * round. */
static void
late_lanes_outlive_threads (void **state)
{
  adze_tensor first = tensor_of ("fc1.weight", numbers, COUNT, 2, shape);
  const adze_tensor *const inputs[] = { &first };
  const adze_feed_options options = { 0 };
  adze_instance *instance = NULL;
  adze_feeding *feeding = NULL;
  must (open_with (*state, "liar-silent", NULL, 1, 3, &instance));
  must (adze_feed_open (instance, 1, inputs, 1, &options, &feeding));
  for (int round = 0; round < 2; round++)
    for (unsigned i = 1; i < 3; i++) {
      worker_thread one = { .feeding = feeding, .lane = i, .piece = 7 };
      pthread_t id;
      assert_int_equal (pthread_create (&id, NULL, apply_on_lane, &one), 0);
      pthread_join (id, NULL);
      must (one.error);
      assert_true (((float *)one.fed.outputs[0].memory)[9] == numbers[9] + 1);
      adze_fed_cleanup (&one.fed);
    }
  adze_feed_close (feeding);
  must (adze_instance_end (instance));
  adze_instance_close (instance);
}

/* ---- Runs. */

typedef struct keeper {
  struct adze_artifact model;
  struct adze_artifact words;
  adze_model content;
  adze_model_tensor tensor;
  float given[COUNT];
  char report[200];
  char *saved;
  size_t saved_size;
  int asked, most;
} keeper;

static adze_error *
on_input (void *context, const char *port, struct adze_artifact **artifact)
{
  keeper *all = context;
  *artifact = strcmp (port, "model") == 0   ? &all->model
              : strcmp (port, "words") == 0 ? &all->words
                                            : NULL;
  return NULL;
}

static adze_error *
on_tensor (void *context, const char *port, const adze_tensor_meta *meta, const void *data)
{
  keeper *all = context;
  assert_string_equal (port, "model");
  assert_string_equal (meta->name, "fc1.weight");
  assert_int_equal (meta->byte_size, sizeof numbers);
  memcpy (all->given, data, sizeof all->given);
  return NULL;
}

static adze_error *
on_bytes (void *context, const char *port, const void *data, size_t size)
{
  keeper *all = context;
  assert_string_equal (port, "report");
  snprintf (all->report, sizeof all->report, "%.*s", (int)size, (const char *)data);
  return NULL;
}

static adze_error *
on_save (void *context, const char *name, const void *data, size_t size)
{
  keeper *all = context;
  assert_string_equal (name, "half-way");
  free (all->saved);
  all->saved = malloc (size + 1);
  memcpy (all->saved, data, size);
  all->saved_size = size;
  return NULL;
}

static adze_error *
on_load (void *context, const char *name, void **data, size_t *size)
{
  keeper *all = context;
  (void)name;
  if (!all->saved)
    return NULL;
  *data = malloc (all->saved_size + 1);
  memcpy (*data, all->saved, all->saved_size);
  *size = all->saved_size;
  return NULL;
}

static bool
on_progress (void *context, uint64_t done, uint64_t total)
{
  keeper *all = context;
  (void)done;
  (void)total;
  return ++all->asked < all->most;
}

static const adze_run_hooks hooks
    = { on_input, on_tensor, on_bytes, on_save, on_load, on_progress, NULL, NULL, NULL, NULL, false };

static adze_error *
run_once (world *w, const char *setting, int isolate, keeper *all)
{
  static char model[] = ADZE_TYPE_MODEL, text[] = ADZE_TYPE_TEXT, words[] = "three words here";
  adze_instance *instance = NULL;
  all->tensor.meta = (adze_tensor_meta){ .struct_size = sizeof (adze_tensor_meta), .rank = 2,
                                         .name = "fc1.weight", .shape = shape,
                                         .dtype = { ADZE_FLOAT, 32, 1 },
                                         .byte_size = sizeof numbers };
  all->tensor.elements = COUNT;
  all->tensor.file = -1;
  all->tensor.data = numbers;
  all->content = (adze_model){ .tensors = &all->tensor, .count = 1 };
  all->model = (struct adze_artifact){ .type = model, .model = &all->content };
  all->words = (struct adze_artifact){ .type = text, .data = words, .size = strlen (words) };
  all->asked = 0;
  ADZE_TRY (open_with (w, "liar-run", setting, isolate, 1, &instance));
  assert_true (adze_instance_facts_of (instance)->runs);
  adze_error *error = adze_instance_run (instance, &hooks, all);
  adze_error *end = adze_instance_end (instance);
  if (!error)
    must (end);
  else
    adze_error_free (end);
  adze_instance_close (instance);
  return error;
}

static void
runs_get_what_they_ask_for (void **state)
{
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    keeper all = { .most = 100 };
    must (run_once (*state, NULL, isolate, &all));
    for (size_t i = 0; i < COUNT; i++)
      assert_true (all.given[i] == -numbers[i]);
    assert_string_equal (all.report, "{\"resumed\": false, \"examples\": 0, \"words\": 16}\n");
    must (run_once (*state, NULL, isolate, &all));
    assert_string_equal (all.report, "{\"resumed\": true, \"examples\": 0, \"words\": 16}\n");
    free (all.saved);
  }
}

static void
runs_that_end_early (void **state)
{
  for (int isolate = -1; isolate <= 1; isolate += 2) {
    keeper all = { .most = 5 };
    must_fail (run_once (*state, "do = stop", isolate, &all), ADZE_E_CANCELLED,
               "run of 'first' failed", "it was asked to stop", NULL);
    assert_int_equal (all.asked, 5);
    must_fail (run_once (*state, "do = fail", isolate, &all), ADZE_E_UNSUPPORTED, "asked to fail",
               NULL);
    free (all.saved);
  }
}

/* What it saved is there for the next one. */
static void
a_run_that_crashes (void **state)
{
  keeper all = { .most = 100 };
  must_fail (run_once (*state, "do = crash", 1, &all), ADZE_E_CRASHED, "run of 'first'",
             "do = \"crash\"", "signal 6", NULL);
  assert_int_equal (all.saved_size, 5);
  must (run_once (*state, "do = crash", 1, &all));
  assert_non_null (strstr (all.report, "\"resumed\": true"));
  free (all.saved);
}

#define WITH_LIAR(test) cmocka_unit_test_setup_teardown (test, make_liar, end_world)

int
main (void)
{
  if (!files_are_loaded ())
    return 0;
  const struct CMUnitTest tests[] = {
    WITH_LIAR (what_was_not_announced), WITH_LIAR (left_as_it_was),
    WITH_LIAR (a_threshold_over_all),   WITH_LIAR (large_ones),
    WITH_LIAR (told_once),              WITH_LIAR (facts_are_the_same),
    WITH_LIAR (lanes_outlive_threads),  WITH_LIAR (late_lanes_outlive_threads),
    WITH_LIAR (runs_get_what_they_ask_for),
    WITH_LIAR (runs_that_end_early),    WITH_LIAR (a_run_that_crashes),
  };
  return cmocka_run_group_tests_name ("instance", tests, NULL, NULL);
}
