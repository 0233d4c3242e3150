/* SPDX-License-Identifier: Apache-2.0 */
/* A technique at work for a stage: opened, asked, ended, here or in a worker a lane. */
#include <stdatomic.h>
#include <string.h>

#include "base/json.h"
#include "stage/beside.h"
#include "stage/early.h"
#include "stage/local.h"
#include "stage/remote.h"
#include "stage/run_ops.h"
#include "stage/spawner.h"

enum { ALIGNMENT = 64 };

/* Memory that a lane was lent for one of its inputs or outputs. */
typedef struct lent {
  void *memory; /* aligned */
  size_t size;
  size_t index;
  bool output;
} lent;

typedef struct lane_state {
  adze_remote *remote; /* NULL: not started, or not isolated */
  lent *buffers;
  size_t count;
} lane_state;

struct adze_instance {
  adze_runtime *runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  char *stage;
  char *path; /* as they were when it was opened; a record that is not loaded may go */
  char *id;
  bool builtin;
  adze_file_identity file; /* isolated: that all workers load */
  adze_local *local; /* NULL: isolated */
  lane_state *lanes;
  unsigned lane_count;
  adze_instance_facts facts; /* what they point to is the local's or lane 0's */
  size_t accumulator;
  /* For workers. */
  adze_spawner *spawner;
  adze_params **params;
  size_t variants;
  adze_value *settings; /* for messages */
  adze_value *beside;   /* what they load for components that parameters name */
  uint64_t seed;
  int64_t time_limit_ms;
  uint64_t memory_limit;
  adze_value *question; /* of the last describe; NULL: none was asked of a worker */
  /* Fallbacks told in create, and in the last describe; NULL: not heard yet. */
  adze_value *created, *described;
  pthread_mutex_t described_lock; /* describe may be asked on several threads */
  uint64_t jobs_peak; /* the most memory that workers of jobs have had, together */
  atomic_bool broken; /* a worker failed: nothing more is asked of the others */
};

/* ---- Opening. */

/* What a parameter of type component names. */
static adze_error *
find_for_params (void *context, const char *kind, const char *id,
                 const adze_manifest_component **component)
{
  adze_plugin_record *record;
  ADZE_TRY (adze_find_component (context, id, &record, component));
  if (strcmp ((*component)->kind, kind) != 0)
    return adze_error_new (ADZE_E_PARAM, "'%s' is of kind %s; one of kind %s is needed", id,
                           (*component)->kind, kind);
  return NULL;
}

static adze_error *
check_kind (const adze_manifest_component *component)
{
  if (strcmp (component->kind, ADZE_TECHNIQUE) == 0)
    return NULL;
  return adze_error_new (ADZE_E_PARAM,
                         "'%s' is of kind %s and cannot be fed tensors; `adze list technique` shows "
                         "what can",
                         component->id, component->kind);
}

static adze_error *
bind_params (adze_instance *instance, const adze_instance_options *options)
{
  char name[] = "<settings>";
  const adze_document nowhere = { .path = name };
  const adze_document *document = options->document ? options->document : &nowhere;
  instance->params = calloc (options->variants, sizeof *instance->params);
  if (!instance->params)
    return adze_error_memory ();
  instance->variants = options->variants;
  for (size_t i = 0; i < options->variants; i++)
    ADZE_TRY (adze_params_bind (instance->component, document,
                                options->settings ? options->settings[i] : NULL, options->ignore,
                                options->folder, find_for_params, instance->runtime,
                                &instance->params[i]));
  return NULL;
}

static adze_error *
open_local (adze_instance *instance)
{
  const adze_local_options local = { .stage = instance->stage,
                                     .params = instance->params,
                                     .variants = instance->variants,
                                     .seed = instance->seed };
  ADZE_TRY (adze_activate (instance->runtime, instance->record));
  ADZE_TRY (adze_local_open (instance->runtime, instance->record, instance->component, &local,
                             &instance->local));
  instance->facts = *adze_local_facts (instance->local);
  return NULL;
}

/* ---- Workers. */

typedef struct opening {
  adze_instance *instance;
  unsigned lane;
} opening;

static adze_remote_options
remote_options (const adze_instance *instance, unsigned threads, const adze_params *const *params)
{
  return (adze_remote_options){ .worker = instance->runtime->places.worker,
                                .path = instance->path,
                                .builtin = instance->builtin,
                                .file = instance->builtin ? NULL : &instance->file,
                                .component = instance->id,
                                .bus = instance->runtime->bus,
                                .stage = instance->stage,
                                .seed = instance->seed,
                                .threads = threads,
                                .time_limit_ms = instance->time_limit_ms,
                                .memory_limit = instance->memory_limit,
                                .settings = instance->settings,
                                .params = params,
                                .variants = instance->variants,
                                .beside = instance->beside };
}

static adze_error *
open_remote (void *argument)
{
  const opening *one = argument;
  adze_instance *instance = one->instance;
  adze_remote_options options = remote_options (instance, adze_pool_threads (instance->runtime->pool),
                                                (const adze_params *const *)instance->params);
  options.aside = one->lane > 0;
  return adze_remote_open (&options, &instance->lanes[one->lane].remote);
}

/* A worker that failed has taken the stage with it. */
static adze_error *
settle (adze_instance *instance, unsigned lane, adze_error *error)
{
  const adze_remote *remote = instance->lanes[lane].remote;
  if (error && (!remote || adze_remote_broken (remote)))
    atomic_store (&instance->broken, true);
  return error;
}

/* The lane's worker, which has been told what the others know. */
static adze_error *
start_lane (adze_instance *instance, unsigned lane)
{
  opening one = { instance, lane };
  if (instance->lanes[lane].remote)
    return NULL;
  ADZE_TRY (adze_spawner_call (instance->spawner, open_remote, &one));
  if (!instance->question || lane == 0)
    return NULL;
  return adze_remote_describe (instance->lanes[lane].remote, instance->question, true, NULL);
}

static adze_error *
remote_of (adze_instance *instance, unsigned lane, adze_remote **remote)
{
  if (atomic_load (&instance->broken))
    return adze_error_new (ADZE_E_CRASHED, "a process of '%s' has ended before", instance->stage);
  ADZE_TRY (settle (instance, lane, start_lane (instance, lane)));
  *remote = instance->lanes[lane].remote;
  return NULL;
}

static adze_error *
open_isolated (adze_instance *instance)
{
  adze_remote *first;
  adze_record_use (instance->record, &instance->file);
  ADZE_TRY (adze_verify (instance->runtime, instance->record));
  ADZE_TRY (adze_beside_list (instance->runtime, (const adze_params *const *)instance->params, instance->variants,
                              &instance->beside));
  instance->spawner = adze_spawner_new ();
  if (!instance->spawner)
    return adze_error_memory ();
  ADZE_TRY (remote_of (instance, 0, &first));
  instance->facts = *adze_remote_facts (first);
  return NULL;
}

static adze_error *
create (adze_instance *instance, const adze_instance_options *options)
{
  adze_early early;
  bool isolate
      = options->isolate > 0 || (options->isolate == 0 && !instance->record->trusted);
  ADZE_TRY (adze_early_begin (&early, instance->runtime->bus, instance->stage));
  adze_error *error = isolate ? open_isolated (instance) : open_local (instance);
  adze_error *lost = adze_early_end (&early, &instance->created);
  if (!error)
    return lost;
  adze_error_free (lost);
  return error;
}

static adze_error *
open_parts (adze_instance *instance, const adze_instance_options *options)
{
  ADZE_TRY (adze_find_component (instance->runtime, options->component, &instance->record,
                                 &instance->component));
  ADZE_TRY (check_kind (instance->component));
  instance->seed = options->seed;
  instance->time_limit_ms = options->time_limit_ms;
  instance->memory_limit = options->memory_limit;
  instance->stage = strdup (options->stage ? options->stage : instance->component->id);
  instance->lane_count = options->lanes > 0 ? options->lanes : 1;
  instance->lanes = calloc (instance->lane_count, sizeof *instance->lanes);
  instance->path = strdup (instance->record->path);
  instance->id = strdup (instance->component->id);
  instance->builtin = instance->record->builtin;
  if (!instance->stage || !instance->lanes || !instance->path || !instance->id)
    return adze_error_memory ();
  const adze_value *settings = options->settings ? options->settings[0] : NULL;
  if (settings && !(instance->settings = adze_value_copy (settings)))
    return adze_error_memory ();
  ADZE_TRY (bind_params (instance, options));
  return create (instance, options);
}

adze_error *
adze_instance_open (adze_runtime *runtime, const adze_instance_options *given,
                    adze_instance **instance)
{
  adze_instance_options options = *given;
  *instance = NULL;
  if (options.variants == 0) {
    options.settings = NULL;
    options.variants = 1;
  }
  ADZE_LOCKED (runtime);
  adze_instance *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  fresh->runtime = runtime;
  pthread_mutex_init (&fresh->described_lock, NULL);
  adze_error *error = open_parts (fresh, &options);
  if (error) {
    adze_instance_close (fresh);
    return error;
  }
  *instance = fresh;
  return NULL;
}

const adze_instance_facts *
adze_instance_facts_of (const adze_instance *instance)
{
  return &instance->facts;
}

const adze_params *
adze_instance_params (const adze_instance *instance, size_t variant)
{
  if (instance->local) /* which has taken them over */
    return adze_local_params (instance->local, variant);
  return variant < instance->variants ? instance->params[variant] : NULL;
}

bool
adze_instance_uses (const adze_instance *instance, const adze_plugin_record *record)
{
  return instance->local || instance->builtin
         || adze_file_identity_equal (&instance->file, &record->used);
}

adze_desk *
adze_instance_desk (const adze_instance *instance)
{
  return instance->local ? adze_local_desk (instance->local) : NULL;
}

/* ---- Buffers. */

static lent *
find_lent (lane_state *of, bool output, size_t index)
{
  for (size_t i = 0; i < of->count; i++)
    if (of->buffers[i].output == output && of->buffers[i].index == index)
      return &of->buffers[i];
  lent *grown = reallocarray (of->buffers, of->count + 1, sizeof *grown);
  if (!grown)
    return NULL;
  of->buffers = grown;
  grown[of->count] = (lent){ .index = index, .output = output };
  return &grown[of->count++];
}

static adze_error *
lend (lane_state *of, bool output, size_t index, size_t size, void **buffer)
{
  lent *found = find_lent (of, output, index);
  if (!found || size > SIZE_MAX - ALIGNMENT)
    return adze_error_memory ();
  if (!found->memory || found->size < size) {
    free (adze_take (&found->memory));
    found->size = (size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    found->memory = aligned_alloc (ALIGNMENT, found->size);
    if (!found->memory)
      return adze_error_memory ();
  }
  *buffer = found->memory;
  return NULL;
}

adze_error *
adze_instance_buffer (adze_instance *instance, unsigned lane, bool output, size_t index,
                      size_t size, void **buffer)
{
  adze_remote *remote;
  if (instance->local)
    return lend (&instance->lanes[lane], output, index, size, buffer);
  ADZE_TRY (remote_of (instance, lane, &remote));
  *buffer = adze_remote_buffer (remote, output, index, size);
  return *buffer ? NULL : lend (&instance->lanes[lane], output, index, size, buffer);
}

/* ---- Describe. */

static adze_error *
ask_worker (adze_instance *instance, adze_outline *outline)
{
  adze_remote *remote;
  ADZE_AUTO_VALUE question = adze_value_new (ADZE_VALUE_TABLE);
  adze_outline_inputs_value (outline, question);
  if (adze_json_failed (question))
    return adze_error_memory ();
  ADZE_TRY (remote_of (instance, 0, &remote));
  for (unsigned i = 1; i < instance->lane_count; i++)
    if (instance->lanes[i].remote)
      ADZE_TRY (settle (instance, i, adze_remote_describe (instance->lanes[i].remote, question,
                                                           true, NULL)));
  ADZE_TRY (settle (instance, 0, adze_remote_describe (remote, question, false, outline)));
  adze_value_free (instance->question);
  instance->question = adze_take (&question);
  return NULL;
}

/* What they point to is there as long as the instance is; whether it observes, describe settles. */
static const adze_instance_facts *
facts_now (const adze_instance *instance)
{
  return instance->local ? adze_local_facts (instance->local)
                         : adze_remote_facts (instance->lanes[0].remote);
}

static adze_error *
describe (adze_instance *instance, adze_outline *outline)
{
  if (instance->local)
    return adze_local_describe (instance->local, outline);
  adze_outline_clear (outline);
  outline->effect = instance->facts.effect;
  outline->grain = instance->facts.grain;
  if (instance->facts.describes)
    return ask_worker (instance, outline);
  adze_error *error = adze_outline_add_all (outline);
  return error ? adze_error_wrap (error, "'%s' cannot work on the model", instance->stage) : NULL;
}

adze_error *
adze_instance_describe (adze_instance *instance, adze_outline *outline)
{
  adze_early early;
  adze_value *heard = NULL;
  ADZE_TRY (adze_early_begin (&early, instance->runtime->bus, instance->stage));
  adze_error *error = describe (instance, outline);
  instance->facts.observes = facts_now (instance)->observes;
  adze_error *lost = adze_early_end (&early, &heard);
  pthread_mutex_lock (&instance->described_lock);
  adze_value *before = instance->described;
  instance->described = heard;
  pthread_mutex_unlock (&instance->described_lock);
  adze_value_free (before);
  if (!error)
    return lost;
  adze_error_free (lost);
  return error;
}

adze_error *
adze_instance_early_fallbacks (const adze_instance *instance, adze_value **lines)
{
  const adze_value *const lists[] = { instance->created, instance->described };
  ADZE_AUTO_VALUE all = adze_value_new (ADZE_VALUE_LIST);
  for (size_t i = 0; all && i < ADZE_COUNT_OF (lists); i++)
    for (size_t k = 0; lists[i] && k < lists[i]->count; k++) {
      adze_value *copy = adze_value_copy (lists[i]->items[k]);
      if (!copy)
        return adze_error_memory ();
      ADZE_TRY (adze_value_append (all, NULL, copy));
    }
  *lines = adze_take (&all);
  return *lines ? NULL : adze_error_memory ();
}

/* ---- Observe, merge, decide, apply. */

adze_error *
adze_instance_accumulator (adze_instance *instance, size_t *size)
{
  adze_remote *remote;
  adze_error *error;
  if (instance->local)
    error = adze_local_accumulator (instance->local, size);
  else {
    ADZE_TRY (remote_of (instance, 0, &remote));
    error = settle (instance, 0, adze_remote_accumulator (remote, size));
  }
  instance->accumulator = error ? 0 : *size;
  return error;
}

adze_error *
adze_instance_observe (adze_instance *instance, unsigned lane, const adze_work *work,
                       void *accumulator)
{
  adze_remote *remote;
  if (instance->local)
    return adze_local_observe (instance->local, work, accumulator);
  ADZE_TRY (remote_of (instance, lane, &remote));
  return settle (instance, lane,
                 adze_remote_observe (remote, work, accumulator, instance->accumulator));
}

adze_error *
adze_instance_merge (adze_instance *instance, unsigned lane, void *left, const void *right)
{
  adze_remote *remote;
  if (instance->local)
    return adze_local_merge (instance->local, left, right);
  ADZE_TRY (remote_of (instance, lane, &remote));
  return settle (instance, lane, adze_remote_merge (remote, left, right, instance->accumulator));
}

/* All lanes decide, those that were not needed so far too: a later one would have to be told all
 * accumulators, and somebody would have to keep them. */
static adze_error *
decide_in_workers (adze_instance *instance, const adze_work *work, const void *accumulator,
                   size_t size, bool *again)
{
  bool first = *again;
  for (unsigned i = 0; i < instance->lane_count; i++) {
    adze_remote *remote;
    bool own = first;
    ADZE_TRY (remote_of (instance, i, &remote));
    ADZE_TRY (settle (instance, i,
                      adze_remote_decide (remote, work, accumulator, size, i > 0, &own)));
    if (i == 0)
      *again = own;
    else if (own != *again)
      return adze_error_new (ADZE_E_CONTRACT,
                             "decide of '%s' came to different ends in two processes that were "
                             "told the same; it may depend on parameters and accumulators alone",
                             instance->stage);
  }
  return NULL;
}

adze_error *
adze_instance_decide (adze_instance *instance, const adze_work *work, const void *accumulator,
                      size_t size, bool *again)
{
  if (instance->local)
    return adze_local_decide (instance->local, work, accumulator, again);
  return decide_in_workers (instance, work, accumulator, size, again);
}

adze_error *
adze_instance_apply (adze_instance *instance, unsigned lane, adze_work *work)
{
  adze_remote *remote;
  if (instance->local)
    return adze_local_apply (instance->local, work);
  ADZE_TRY (remote_of (instance, lane, &remote));
  return settle (instance, lane, adze_remote_apply (remote, work));
}

/* ---- Run. */

/* A technique that is at work here has its jobs done by what its own code came from. */
static adze_error *
prepare_jobs (adze_instance *instance, const adze_params **params)
{
  for (size_t i = 0; i < instance->variants; i++)
    params[i] = adze_instance_params (instance, i);
  if (!instance->local || instance->beside)
    return NULL;
  instance->file = instance->record->used;
  return adze_beside_list (instance->runtime, params, instance->variants, &instance->beside);
}

/* On the thread that run was called on, which stays until they have ended. */
static adze_error *
open_job_worker (void *context, unsigned threads, adze_remote **remote)
{
  adze_instance *instance = context;
  ADZE_LOCKED (instance->runtime);
  ADZE_AUTO_FREE const adze_params **params = calloc (instance->variants, sizeof *params);
  if (!params)
    return adze_error_memory ();
  ADZE_TRY (prepare_jobs (instance, params));
  adze_remote_options options = remote_options (instance, threads, params);
  options.aside = true;
  options.again = true;
  return adze_remote_open (&options, remote);
}

static adze_error *
run_with (adze_instance *instance, adze_run_here *here)
{
  adze_remote *remote;
  if (instance->local)
    return adze_local_run (instance->local, &adze_run_ops_here, here);
  ADZE_TRY (remote_of (instance, 0, &remote));
  return settle (instance, 0, adze_remote_run (remote, here));
}

/* What the end of workers says is heard where nothing went wrong before. */
static adze_error *
end_jobs (adze_instance *instance, adze_jobs *jobs, adze_error *error)
{
  adze_error *end = adze_jobs_end (jobs);
  uint64_t peak = adze_jobs_peak (jobs);
  instance->jobs_peak = peak > instance->jobs_peak ? peak : instance->jobs_peak;
  adze_jobs_close (jobs);
  if (!error)
    return end;
  adze_error_free (end);
  return error;
}

adze_error *
adze_instance_run (adze_instance *instance, const adze_run_hooks *hooks, void *context)
{
  adze_run_here here = { .hooks = hooks, .context = context };
  ADZE_TRY (adze_jobs_open (instance->stage, adze_pool_threads (instance->runtime->pool), open_job_worker, instance,
                            &here, &here.jobs));
  adze_error *error = end_jobs (instance, here.jobs, run_with (instance, &here));
  adze_run_here_cleanup (&here);
  return error;
}

/* ---- The end. */

uint64_t
adze_instance_peak (const adze_instance *instance)
{
  uint64_t bytes = instance->jobs_peak;
  for (unsigned i = 0; instance->lanes && i < instance->lane_count; i++)
    if (instance->lanes[i].remote)
      bytes += adze_remote_peak (instance->lanes[i].remote);
  return bytes;
}

adze_error *
adze_instance_end (adze_instance *instance)
{
  adze_error *first = instance->local ? adze_local_end (instance->local) : NULL;
  for (unsigned i = 0; instance->lanes && i < instance->lane_count; i++) {
    adze_error *error
        = instance->lanes[i].remote ? adze_remote_end (instance->lanes[i].remote) : NULL;
    if (first)
      adze_error_free (error);
    else
      first = error;
  }
  return first;
}

void
adze_instance_close (adze_instance *instance)
{
  if (!instance)
    return;
  adze_local_close (instance->local);
  for (unsigned i = 0; instance->lanes && i < instance->lane_count; i++) {
    adze_remote_close (instance->lanes[i].remote);
    for (size_t k = 0; k < instance->lanes[i].count; k++)
      free (instance->lanes[i].buffers[k].memory);
    free (instance->lanes[i].buffers);
  }
  adze_spawner_close (instance->spawner);
  for (size_t i = 0; i < instance->variants; i++)
    adze_params_free (instance->params[i]);
  free (instance->params);
  adze_value_free (instance->beside);
  adze_value_free (instance->settings);
  adze_value_free (instance->question);
  adze_value_free (instance->created);
  adze_value_free (instance->described);
  pthread_mutex_destroy (&instance->described_lock);
  free (instance->lanes);
  free (instance->path);
  free (instance->id);
  free (instance->stage);
  free (instance);
}
