/* SPDX-License-Identifier: Apache-2.0 */
/* Cases about a component at work. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kit/kit.h"

const adze_profile adze_case_watching = {
  .abi_major = ADZE_ABI_MAJOR,
  .abi_minor = ADZE_ABI_MINOR,
  .host_size = sizeof (adze_host),
  .watch_threads = true,
};

/* From create to destroy, with SETTINGS or the presets. */
static adze_error *
whole_life (const adze_case *one, adze_bench *bench, const adze_value *settings, uint64_t *sum)
{
  adze_error *error = adze_bench_create (bench, one, settings);
  if (!error)
    error = adze_bench_feed (bench, sum);
  adze_error *end = adze_bench_destroy (bench);
  if (!error)
    return end;
  adze_error_free (end);
  return error;
}

adze_error *
adze_case_life (const adze_case *one, const adze_profile *profile, uint64_t *sum)
{
  adze_bench bench;
  adze_error *error = adze_bench_open (one, profile, &bench);
  if (!error)
    error = whole_life (one, &bench, NULL, sum);
  adze_bench_close (&bench);
  return error;
}

adze_error *
adze_case_defaults (adze_case *one)
{
  return adze_case_life (one, &adze_case_watching, NULL);
}

/* Same parameters, same inputs, same seed: same bytes. */
adze_error *
adze_case_same_again (adze_case *one)
{
  uint64_t first = 0, second = 0;
  ADZE_TRY (adze_case_life (one, &adze_case_watching, &first));
  ADZE_TRY (adze_case_life (one, &adze_case_watching, &second));
  if (first == second)
    return NULL;
  return adze_error_new (ADZE_E_CONTRACT,
                         "two runs over the same tensors gave different bytes; draw random "
                         "numbers from adze/random.h, and let no address, time or thread decide");
}

/* A host that has nothing but what is needed to read parameters and give tensors. */
adze_error *
adze_case_bare_host (adze_case *one)
{
  adze_profile bare = adze_case_watching;
  bare.without_services = true;
  adze_bench bench;
  adze_error *error = adze_bench_open (one, &bare, &bench);
  if (!error)
    error = adze_bench_create (&bench, one, NULL);
  if (!error)
    error = adze_bench_feed (&bench, NULL);
  adze_error *end = adze_bench_destroy (&bench);
  adze_bench_close (&bench);
  /* Without adze.error/1 nobody can give a reason. */
  if (error && adze_error_fact (error, "reason")) {
    adze_error_free (error);
    error = NULL;
  }
  if (!error)
    return end;
  adze_error_free (end);
  return error;
}

/* The oldest host that the plugin says it can do with. */
adze_error *
adze_case_old_host (adze_case *one)
{
  adze_bench bench;
  adze_error *error = adze_bench_open (one, &adze_case_watching, &bench);
  uint32_t least = error ? 0 : bench.record->opened.descriptor->plugin.abi_minor;
  adze_bench_close (&bench);
  if (error)
    return error;
  adze_profile old = adze_case_watching;
  old.abi_minor = least;
  old.host_size = offsetof (adze_host, release) + sizeof ((adze_host *)NULL)->release;
  return adze_case_life (one, &old, NULL);
}

/* ---- Random parameters. */

static bool
reads_files (const adze_manifest_component *component)
{
  bool reads = false;
  for (size_t i = 0; i < component->param_count; i++)
    reads = reads || component->params[i].type == ADZE_PARAM_FILE;
  return reads;
}

static adze_error *
one_round (adze_case *one, adze_bench *bench, unsigned round)
{
  ADZE_AUTO_VALUE settings = NULL;
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_TRY (adze_sample_settings (bench->component, &bench->record->opened.descriptor->plugin,
                                  one->seed + round, &settings));
  adze_value_write_toml (settings, &text);
  if (text.failed)
    return adze_error_memory ();
  adze_worker_tell (one->state, text.data);
  adze_error *error = whole_life (one, bench, settings, NULL);
  if (!error)
    return NULL;
  /* A combination that the table allows and the technique cannot do is refused with a reason, and so is a file that
   * is none of those that it reads. */
  adze_status status = adze_error_status (error);
  if ((status == ADZE_E_PARAM || status == ADZE_E_UNSUPPORTED || status == ADZE_E_IO
       || (status == ADZE_E_FORMAT && reads_files (bench->component)))
      && !adze_error_fact (error, "reason")) {
    adze_error_free (error);
    return NULL;
  }
  return adze_error_wrap (error, "with %s", text.data);
}

adze_error *
adze_case_random (adze_case *one)
{
  adze_bench bench;
  adze_error *error = adze_bench_open (one, &adze_case_watching, &bench);
  if (!error && bench.component->param_count == 0)
    snprintf (one->skipped, sizeof one->skipped, "it takes no parameters");
  for (unsigned i = 0; !error && !one->skipped[0] && i < one->rounds; i++)
    error = one_round (one, &bench, i);
  adze_bench_close (&bench);
  return error;
}

/* ---- Memory. */

/* More points than this are not tried one by one: the first ones, and no more. */
enum { POINTS_MOST = 3000 };

/* An allocation that fails is a reason to fail, never to crash, to break a rule or to keep what
 * was allocated before. */
static adze_error *
judge_life (adze_error *error, const char *when)
{
  if (!error)
    return NULL;
  adze_status status = adze_error_status (error);
  if (status == ADZE_E_CONTRACT || status == ADZE_E_CRASHED || status == ADZE_E_TIMEOUT)
    return adze_error_wrap (error, "%s", when);
  adze_error_free (error);
  return NULL;
}

static adze_error *
judge_point (adze_error *error, uint64_t point, const char *function)
{
  char when[80];
  snprintf (when, sizeof when, "when call %llu of %s failed", (unsigned long long)point, function);
  return judge_life (error, when);
}

/* A life in which call POINT of allocate fails, in init or in the component. *REACHED: there was
 * such a call. */
static adze_error *
life_with_allocate (const adze_case *one, uint64_t point, bool *reached)
{
  adze_profile failing = adze_case_watching;
  adze_bench bench;
  failing.fail_allocation = (int64_t)point;
  adze_error *error = adze_bench_open (one, &failing, &bench);
  bench.brief = true;
  if (!error)
    error = adze_bench_create (&bench, one, NULL);
  if (!error)
    error = adze_bench_feed (&bench, NULL);
  adze_desk *desk = bench.instance  ? adze_instance_desk (bench.instance)
                    : bench.watcher ? adze_watcher_desk (bench.watcher)
                                    : NULL;
  *reached = !desk || adze_desk_allocations (desk) >= point;
  adze_error *end = adze_bench_destroy (&bench);
  adze_bench_close (&bench);
  error = judge_point (error, point, "allocate");
  if (!error)
    return judge_point (end, point, "allocate");
  adze_error_free (end);
  return error;
}

adze_error *
adze_case_allocate (adze_case *one)
{
  bool reached = true;
  for (uint64_t point = 1; reached && point <= POINTS_MOST; point++) {
    char progress[80];
    snprintf (progress, sizeof progress, "call %llu of allocate fails",
              (unsigned long long)point);
    adze_worker_tell (one->state, progress);
    ADZE_TRY (life_with_allocate (one, point, &reached));
    if (!reached && point == 1)
      snprintf (one->skipped, sizeof one->skipped, "it asks for no memory through the host");
  }
  return NULL;
}

/* One life with malloc failing at POINT; *COUNTED: how many calls there were. */
static adze_error *
life_with_malloc (adze_case *one, adze_bench *bench, const adze_value *settings, uint64_t point,
                  uint64_t *counted)
{
  const adze_allocator *allocator = adze_kit_allocator ();
  allocator->fail_at (point);
  adze_error *error = adze_bench_create (bench, one, settings);
  if (!error)
    error = adze_bench_feed (bench, NULL);
  *counted = allocator->count ();
  allocator->fail_at (0);
  adze_error *end = adze_bench_destroy (bench);
  if (!error)
    return end;
  adze_error_free (end);
  return error;
}

/* Such a life, judged. With fewer calls than POINT, or with 0, nothing failed in it, and no failure
 * is to blame for what is found. */
static adze_error *
judge_malloc (adze_case *one, adze_bench *bench, const adze_value *settings, uint64_t point,
              uint64_t *counted)
{
  char when[80] = "in a life in which nothing failed";
  int64_t before = adze_kit_allocator ()->live ();
  adze_error *error = life_with_malloc (one, bench, settings, point, counted);
  if (point > 0 && *counted >= point)
    snprintf (when, sizeof when, "when call %llu of malloc failed", (unsigned long long)point);
  ADZE_TRY (judge_life (error, when));
  int64_t kept = adze_kit_allocator ()->live () - before;
  if (kept <= 0)
    return NULL;
  return adze_error_new (ADZE_E_CONTRACT, "%s, %lld block%s never freed", when, (long long)kept,
                         kept == 1 ? " was" : "s were");
}

static adze_error *
malloc_points (adze_case *one, adze_bench *bench)
{
  ADZE_AUTO_VALUE settings = NULL;
  uint64_t counted = 0;
  ADZE_TRY (adze_sample_presets (bench->component, &bench->record->opened.descriptor->plugin, &settings));
  /* The first life is not judged: buffers of the C library that stay are made then. */
  adze_error_free (life_with_malloc (one, bench, settings, 0, &counted));
  /* What every life loses is found here, before a call that fails could be blamed for it. */
  ADZE_TRY (judge_malloc (one, bench, settings, 0, &counted));
  for (uint64_t point = 1; point <= POINTS_MOST; point++) {
    char progress[80];
    snprintf (progress, sizeof progress, "call %llu of malloc fails", (unsigned long long)point);
    adze_worker_tell (one->state, progress);
    ADZE_TRY (judge_malloc (one, bench, settings, point, &counted));
    if (counted < point)
      return NULL;
  }
  return NULL;
}

adze_error *
adze_case_malloc (adze_case *one)
{
  if (!adze_kit_allocator ()) {
    snprintf (one->skipped, sizeof one->skipped, "this worker cannot make malloc fail");
    return NULL;
  }
  adze_bench bench;
  adze_error *error = adze_bench_open (one, &adze_case_watching, &bench);
  bench.brief = true;
  if (!error)
    error = malloc_points (one, &bench);
  adze_bench_close (&bench);
  return error;
}

/* ---- Threads. */

enum { THREADS = 4 };

typedef struct thread_job {
  adze_bench *bench;
  uint64_t sum;
  adze_error *error;
} thread_job;

static void *
feed_on_thread (void *argument)
{
  thread_job *job = argument;
  job->error = adze_bench_feed (job->bench, &job->sum);
  return NULL;
}

/* All threads at once on the instances that BENCHES has; each must see what one alone sees. */
static adze_error *
feed_together (adze_bench *const benches[THREADS], uint64_t alone)
{
  thread_job jobs[THREADS] = { 0 };
  pthread_t threads[THREADS];
  int started = 0;
  for (; started < THREADS; started++) {
    jobs[started].bench = benches[started];
    if (pthread_create (&threads[started], NULL, feed_on_thread, &jobs[started]) != 0)
      break;
  }
  adze_error *error = NULL;
  for (int i = 0; i < started; i++) {
    pthread_join (threads[i], NULL);
    if (!error && jobs[i].error)
      error = adze_take (&jobs[i].error);
    else if (!error && jobs[i].sum != alone)
      error = adze_error_new (ADZE_E_CONTRACT,
                              "on several threads at once it gave other bytes than on one");
    adze_error_free (jobs[i].error);
  }
  return error;
}

static adze_error *
together_on_one (adze_case *one, adze_bench *bench)
{
  uint64_t alone = 0;
  adze_bench lanes[THREADS];
  adze_bench *same[THREADS];
  bool refused = false;
  adze_error *error = adze_bench_create (bench, one, NULL);
  const adze_instance_facts *facts = error ? NULL : adze_instance_facts_of (bench->instance);
  if (facts && !facts->runs && (facts->describes || facts->observes))
    error = adze_bench_prepare (bench, &refused);
  if (!error && !refused)
    error = adze_bench_feed (bench, &alone);
  for (unsigned i = 0; i < THREADS; i++) {
    lanes[i] = *bench;
    lanes[i].lane = i;
    same[i] = &lanes[i];
  }
  for (int i = 0; !error && !refused && i < 10; i++)
    error = feed_together (same, alone);
  adze_error *end = adze_bench_destroy (bench);
  if (!error)
    return end;
  adze_error_free (end);
  return error;
}

static adze_error *
together_on_several (adze_case *one, adze_bench *bench)
{
  adze_bench own[THREADS];
  adze_bench *several[THREADS];
  uint64_t alone = 0;
  ADZE_TRY (whole_life (one, bench, NULL, &alone));
  adze_error *error = NULL;
  for (int i = 0; i < THREADS; i++) {
    own[i] = *bench;
    own[i].settings = NULL;
    several[i] = &own[i];
    if (!error)
      error = adze_bench_create (&own[i], one, NULL);
  }
  for (int i = 0; !error && i < 10; i++)
    error = feed_together (several, alone);
  for (int i = 0; i < THREADS; i++) {
    adze_error *end = adze_bench_destroy (&own[i]);
    adze_value_free (own[i].settings);
    if (error)
      adze_error_free (end);
    else
      error = end;
  }
  return error;
}

adze_error *
adze_case_threads (adze_case *one)
{
  adze_bench bench;
  adze_error *error = adze_bench_open (one, &adze_case_watching, &bench);
  if (!error && bench.component->threading == ADZE_THREADS_PARALLEL)
    error = together_on_one (one, &bench);
  if (!error)
    error = together_on_several (one, &bench);
  adze_bench_close (&bench);
  return error;
}
