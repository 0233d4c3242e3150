/* SPDX-License-Identifier: Apache-2.0 */
/* A component at work for the kit: created, fed everything that its kind can be fed, destroyed, and
 * watched at each step. */
#include <string.h>

#include "base/digest.h"
#include "kit/kit.h"
#include "stage/feed.h"

adze_error *
adze_bench_open (const adze_case *one, const adze_profile *profile, adze_bench *bench)
{
  *bench = (adze_bench){ .profile = profile };
  ADZE_TRY (adze_runtime_open_worker (profile, one->seed, &bench->runtime));
  ADZE_TRY (adze_scan_file (bench->runtime, one->path, &bench->record));
  ADZE_TRY (adze_activate (bench->runtime, bench->record));
  if (!one->component)
    return NULL;
  bench->component = adze_manifest_find (bench->record->manifest, one->component);
  if (bench->component)
    return NULL;
  return adze_error_new (ADZE_E_NOT_FOUND, "the plugin offers no component '%s'", one->component);
}

static void
unprepare (adze_bench *bench)
{
  adze_feed_close (adze_take (&bench->feeding));
  for (size_t i = 0; bench->model && i < ADZE_MODEL_SAMPLES; i++)
    free (bench->model[i].tensor.view.data);
  free (adze_take (&bench->model));
}

void
adze_bench_close (adze_bench *bench)
{
  unprepare (bench);
  adze_instance_close (bench->instance);
  adze_value_free (bench->settings);
  adze_watcher_close (bench->watcher);
  adze_remote_close (bench->remote);
  adze_runtime_close (bench->runtime);
  *bench = (adze_bench){ 0 };
}

enum { REMOTE_LIMIT_MS = 10000, LANES = 4, POISON = 0x5a };

static bool
is_observer (const adze_bench *bench)
{
  return strcmp (bench->component->kind, ADZE_OBSERVER) == 0;
}

static adze_error *
create_observer (adze_bench *bench, const adze_case *one, const adze_value *settings)
{
  ADZE_AUTO_PARAMS params = NULL;
  char name[] = "<kit>";
  const adze_document document = { .path = name };
  if (one->remote) {
    adze_remote_options options = { .worker = one->worker,
                                    .path = bench->record->path,
                                    .component = bench->component->id,
                                    .bus = bench->runtime->bus,
                                    .seed = one->seed,
                                    .time_limit_ms = REMOTE_LIMIT_MS,
                                    .settings = settings };
    return adze_remote_open (&options, &bench->remote);
  }
  ADZE_TRY (adze_params_bind (bench->component, &document, settings, NULL, NULL, NULL, NULL,
                              &params));
  return adze_watcher_open (bench->runtime, bench->record, bench->component, adze_take (&params),
                            &bench->watcher);
}

static adze_error *
create_technique (adze_bench *bench, const adze_case *one, const adze_value *settings)
{
  const adze_value *const sets[] = { settings };
  const adze_instance_options options = { .component = bench->component->id,
                                          .settings = sets,
                                          .variants = 1,
                                          .seed = one->seed,
                                          .isolate = one->remote ? 1 : -1,
                                          .time_limit_ms = REMOTE_LIMIT_MS,
                                          .lanes = LANES };
  if (one->remote) {
    char *worker = strdup (one->worker);
    if (!worker)
      return adze_error_memory ();
    free (bench->runtime->places.worker);
    bench->runtime->places.worker = worker;
  }
  return adze_instance_open (bench->runtime, &options, &bench->instance);
}

/* A mandatory parameter has to be guessed, and one that names components needs other plugins, which the kit
 * does not load. */
static bool
needs_more (const adze_manifest_component *component)
{
  for (size_t i = 0; i < component->param_count; i++) {
    const adze_param *param = &component->params[i];
    if (!param->preset || param->type == ADZE_PARAM_COMPONENT || param->item == ADZE_PARAM_COMPONENT)
      return true;
  }
  return false;
}

/* Where the presets were wanted and needed more, a refusal says nothing about the plugin. */
static adze_error *
note_guess (const adze_bench *bench, adze_error *error)
{
  if (error && adze_error_status (error) == ADZE_E_PARAM && !adze_error_fact (error, "reason")
      && needs_more (bench->component))
    adze_error_set (error, ADZE_CASE_GUESSED, "refused");
  return error;
}

adze_error *
adze_bench_create (adze_bench *bench, const adze_case *one, const adze_value *settings)
{
  ADZE_AUTO_VALUE own = settings ? adze_value_copy (settings) : NULL;
  if (!settings)
    ADZE_TRY (adze_sample_presets (bench->component, &bench->record->opened.descriptor->plugin, &own));
  if (!own)
    return adze_error_memory ();
  adze_value_free (bench->settings);
  bench->settings = adze_take (&own);
  bench->one = one;
  bench->used = false;
  adze_error *error = is_observer (bench) ? create_observer (bench, one, bench->settings)
                                          : create_technique (bench, one, bench->settings);
  return settings ? error : note_guess (bench, error);
}

/* One that has decided about some tensors knows nothing of others. */
static adze_error *
renew (adze_bench *bench)
{
  bool used = bench->used;
  bench->used = true;
  if (!bench->instance || (used && adze_instance_facts_of (bench->instance)->observes)) {
    adze_error *error = bench->instance ? adze_instance_end (bench->instance) : NULL;
    adze_instance_close (adze_take (&bench->instance));
    return error ? error : create_technique (bench, bench->one, bench->settings);
  }
  return NULL;
}

/* ---- What counts as an answer. */

/* A plugin may refuse a type, a shape or a parameter, if it says why. */
adze_error *
adze_bench_judge (adze_error *error, const char *what)
{
  if (!error)
    return NULL;
  adze_status status = adze_error_status (error);
  bool unexplained = adze_error_fact (error, "reason") != NULL;
  bool broken = status == ADZE_E_CONTRACT || status == ADZE_E_CRASHED || status == ADZE_E_TIMEOUT
                || status == ADZE_E_INTERNAL;
  if (broken || unexplained)
    return adze_error_wrap (error, "with %s", what);
  adze_error_free (error);
  return NULL;
}

static void
add_to_sum (uint64_t *sum, const adze_fed *fed, bool refused)
{
  if (!sum)
    return;
  *sum = adze_hash64 (&refused, sizeof refused, *sum);
  for (size_t i = 0; i < fed->count; i++) {
    const adze_tensor *tensor = &fed->outputs[i].tensor;
    *sum = adze_hash64 (tensor->view.shape, (size_t)tensor->view.rank * sizeof (int64_t), *sum);
    *sum = adze_hash64 (tensor->view.data, tensor->byte_size, *sum);
  }
}

static adze_error *
feed_tensor (adze_bench *bench, adze_sample *sample, uint64_t *sum)
{
  const adze_feed_options options = { .lane = bench->lane, .poison = POISON, .watch_inputs = true };
  const adze_tensor *const inputs[] = { &sample->tensor };
  adze_fed fed = { 0 };
  adze_error *error = renew (bench);
  if (!error)
    error = adze_feed (bench->instance, adze_feed_ports (bench->component), inputs, 1, &options,
                       &fed);
  add_to_sum (sum, &fed, error != NULL);
  adze_fed_cleanup (&fed);
  return adze_bench_judge (error, sample->what);
}

/* Number 3 has a shape, and more rows than one. */
enum { BRIEF_SAMPLE = 3 };

static adze_error *
feed_tensors (adze_bench *bench, uint64_t *sum)
{
  /* A process for each tensor of each round would take longer than anybody waits. */
  bool slow = bench->instance && adze_instance_facts_of (bench->instance)->isolated
              && adze_instance_facts_of (bench->instance)->observes;
  for (size_t i = 0; i < ADZE_SAMPLE_COUNT; i++) {
    adze_sample sample;
    if ((bench->brief || slow) && i != BRIEF_SAMPLE)
      continue;
    ADZE_TRY (adze_sample_make (i, &sample));
    adze_error *error = feed_tensor (bench, &sample, sum);
    free (sample.tensor.view.data);
    if (error)
      return error;
  }
  return NULL;
}

/* ---- Models. */

static const char *const model_names[ADZE_MODEL_SAMPLES]
    = { "fc1.bias", "fc1.weight", "scale", "conv.weight", "odd" };

static void
free_model (adze_sample *samples)
{
  for (size_t i = 0; i < ADZE_MODEL_SAMPLES; i++)
    free (samples[i].tensor.view.data);
}

static adze_error *
make_model (adze_sample *samples, const adze_tensor **inputs)
{
  memset (samples, 0, ADZE_MODEL_SAMPLES * sizeof *samples);
  for (size_t i = 0; i < ADZE_MODEL_SAMPLES; i++) {
    adze_error *error = adze_sample_make (adze_model_samples[i], &samples[i]);
    if (error) {
      free_model (samples);
      return error;
    }
    samples[i].tensor.name = model_names[i];
    samples[i].tensor.view.shape = samples[i].shape;
    inputs[i] = &samples[i].tensor;
  }
  return NULL;
}

adze_error *
adze_bench_feed_model (adze_bench *bench, const adze_feed_options *options, uint64_t *sum,
                       bool *refused)
{
  adze_sample samples[ADZE_MODEL_SAMPLES];
  const adze_tensor *inputs[ADZE_MODEL_SAMPLES];
  adze_fed fed = { 0 };
  ADZE_TRY (make_model (samples, inputs));
  adze_error *error = renew (bench);
  if (!error)
    error = adze_feed (bench->instance, adze_feed_ports (bench->component), inputs,
                       ADZE_MODEL_SAMPLES, options, &fed);
  *refused = error != NULL;
  add_to_sum (sum, &fed, error != NULL);
  adze_fed_cleanup (&fed);
  free_model (samples);
  return adze_bench_judge (error, "a model of float32 tensors");
}

/* ---- Events. */

static adze_error *
feed_event (adze_bench *bench, const adze_event *event, const char *what)
{
  adze_error *error = bench->remote ? adze_remote_event (bench->remote, event)
                                    : adze_watcher_event (bench->watcher, event);
  return adze_bench_judge (error, what);
}

static adze_error *
feed_events (adze_bench *bench)
{
  static const adze_field all[] = {
    { .key = "flag", .type = ADZE_FIELD_BOOL, .value = { .boolean = true } },
    { .key = "count", .type = ADZE_FIELD_INT, .value = { .integer = INT64_MIN } },
    { .key = "share", .type = ADZE_FIELD_FLOAT, .value = { .real = 0.1 } },
    { .key = "text", .type = ADZE_FIELD_STRING, .value = { .string = "a \"quoted\"\n\t\x01 text" } },
    { .key = "later", .type = 99 },
  };
  const adze_event bare = { .struct_size = sizeof bare, .id = "kit.bare", .time_ns = 1 };
  adze_event full = bare;
  full.id = "kit.full";
  full.source = "kit";
  full.sequence = 2;
  full.fields = all;
  full.field_count = ADZE_COUNT_OF (all);
  ADZE_TRY (feed_event (bench, &bare, "an event without source and fields"));
  ADZE_TRY (feed_event (bench, &full, "an event with a field of every type and one of none"));
  for (int i = 0; i < 100; i++)
    ADZE_TRY (feed_event (bench, &full, "many events"));
  return NULL;
}

/* Describe and decide are called alone: threads come together after them. */
adze_error *
adze_bench_prepare (adze_bench *bench, bool *refused)
{
  static const adze_feed_options options = { .observed = 16, .merge = ADZE_FEED_BALANCED };
  bench->model = calloc (ADZE_MODEL_SAMPLES, sizeof *bench->model);
  if (!bench->model)
    return adze_error_memory ();
  ADZE_TRY (make_model (bench->model, bench->inputs));
  bench->used = true;
  adze_error *error = adze_feed_open (bench->instance, adze_feed_ports (bench->component),
                                      bench->inputs, ADZE_MODEL_SAMPLES, &options, &bench->feeding);
  *refused = error != NULL;
  return adze_bench_judge (error, "a model of float32 tensors");
}

static adze_error *
feed_prepared (adze_bench *bench, uint64_t *sum)
{
  const adze_feed_options options = { .lane = bench->lane, .poison = POISON, .watch_inputs = true };
  adze_fed fed = { 0 };
  adze_error *error = adze_feed_apply (bench->feeding, &options, &fed);
  add_to_sum (sum, &fed, error != NULL);
  adze_fed_cleanup (&fed);
  return adze_bench_judge (error, "a model of float32 tensors");
}

/* What a technique with a run wants is an artifact a port, and no kit has them all. */
static adze_error *
feed_technique (adze_bench *bench, uint64_t *sum)
{
  bool refused;
  const adze_feed_options options = { .lane = bench->lane, .poison = POISON, .watch_inputs = true };
  if (bench->instance && adze_instance_facts_of (bench->instance)->runs)
    return NULL;
  if (bench->feeding)
    return feed_prepared (bench, sum);
  ADZE_TRY (feed_tensors (bench, sum));
  return adze_bench_feed_model (bench, &options, sum, &refused);
}

adze_error *
adze_bench_feed (adze_bench *bench, uint64_t *sum)
{
  return is_observer (bench) ? feed_events (bench) : feed_technique (bench, sum);
}

/* ---- The end. */

adze_error *
adze_bench_destroy (adze_bench *bench)
{
  unprepare (bench);
  adze_error *error = bench->instance  ? adze_instance_end (bench->instance)
                      : bench->watcher ? adze_watcher_end (bench->watcher)
                      : bench->remote  ? adze_remote_end (bench->remote)
                                       : NULL;
  adze_instance_close (adze_take (&bench->instance));
  adze_watcher_close (adze_take (&bench->watcher));
  adze_remote_close (adze_take (&bench->remote));
  return error;
}
