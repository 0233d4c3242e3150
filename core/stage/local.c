/* SPDX-License-Identifier: Apache-2.0 */
/* A technique in this process: its callbacks, each between enter and leave, behind the locks that
 * its threading asks for. */
#include "stage/local.h"

#include <string.h>

#include "base/file.h"
#include "stage/call.h"
#include "stage/codecs.h"
#include "stage/run_ops.h"

struct adze_local {
  adze_plugin_record *record;
  const adze_manifest_component *component;
  adze_technique callbacks;
  adze_desk *desk;
  adze_params **params; /* by variant */
  size_t variants;
  void *instance;
  bool created;
  adze_instance_facts facts;
  char **preserves;
  char **breaks;
  char **keeps;
  pthread_mutex_t lock; /* ADZE_THREADS_INSTANCE */
  adze_codecs *codecs;  /* that it uses */
};

/* ---- Around a callback. */

typedef struct bracket {
  adze_desk_frame frame;
  pthread_mutex_t *mutex;
} bracket;

/* SHARED: several threads may be in it where the component stands that. */
static pthread_mutex_t *
lock_of (adze_local *local, bool shared)
{
  if (local->component->threading == ADZE_THREADS_PLUGIN)
    return &local->record->plugin_lock;
  return shared && local->component->threading == ADZE_THREADS_PARALLEL ? NULL : &local->lock;
}

static void
enter (adze_local *local, unsigned phase, bool shared, bracket *around)
{
  around->mutex = lock_of (local, shared);
  if (around->mutex)
    pthread_mutex_lock (around->mutex);
  adze_desk_enter (local->desk, &around->frame);
  around->frame.phase = phase;
}

static adze_error *
leave (bracket *around, const char *callback, adze_status status)
{
  adze_error *error = adze_desk_leave (&around->frame, callback, status);
  if (around->mutex)
    pthread_mutex_unlock (around->mutex);
  return error;
}

static const adze_host *
table_of (const adze_local *local)
{
  return adze_desk_table (local->desk);
}

/* ---- Facts. */

static void
free_words (char **words)
{
  for (size_t i = 0; words && words[i]; i++)
    free (words[i]);
  free (words);
}

/* The table is the plugin's: it may have no end, and its words none either. */
static adze_error *
copy_words (const adze_local *local, const char *member, const char *const *from, char ***words)
{
  enum { WORDS_MOST = 64, WORD_MOST = 256 };
  char **copy = calloc (WORDS_MOST + 1, sizeof *copy);
  *words = copy;
  if (!copy)
    return adze_error_memory ();
  for (size_t i = 0; from && from[i]; i++) {
    if (i == WORDS_MOST || strnlen (from[i], WORD_MOST + 1) > WORD_MOST)
      return adze_error_new (ADZE_E_CONTRACT,
                             "the table .%s of '%s' has no end; its last entry must be NULL",
                             member, local->component->id);
    copy[i] = strdup (from[i]);
    if (!copy[i])
      return adze_error_memory ();
  }
  return NULL;
}

static bool
has_param (const adze_manifest_component *component, const char *name)
{
  size_t i = 0;
  while (i < component->param_count && strcmp (component->params[i].name, name) != 0)
    i++;
  return i < component->param_count;
}

/* A trait, and the parameter that keeps it. */
static adze_error *
check_pairs (const adze_local *local)
{
  for (size_t i = 0; local->keeps[i]; i += 2)
    if (!local->keeps[i + 1] || !has_param (local->component, local->keeps[i + 1]))
      return adze_error_new (ADZE_E_CONTRACT,
                             "the table .keeps of '%s' has '%s' behind the trait '%s'; needed is the name of one of its "
                             "parameters",
                             local->component->id, local->keeps[i + 1] ? local->keeps[i + 1] : "", local->keeps[i]);
  return NULL;
}

static adze_error *
gather_facts (adze_local *local)
{
  const adze_technique *callbacks = &local->callbacks;
  ADZE_TRY (copy_words (local, "preserves", callbacks->preserves, &local->preserves));
  ADZE_TRY (copy_words (local, "breaks", callbacks->breaks, &local->breaks));
  ADZE_TRY (copy_words (local, "keeps", callbacks->keeps, &local->keeps));
  ADZE_TRY (check_pairs (local));
  if (callbacks->grain > ADZE_GRAIN_ELEMENT || callbacks->accumulate > ADZE_OVER_GROUP)
    return adze_error_new (ADZE_E_CONTRACT, "'%s' has the grain %u and accumulates over %u; this "
                           "adze knows neither", local->component->id, callbacks->grain,
                           callbacks->accumulate);
  local->facts = (adze_instance_facts){
    .effect = local->component->effect,
    .grain = callbacks->grain,
    .accumulate = callbacks->accumulate,
    .describes = callbacks->describe != NULL,
    .observes = callbacks->accumulator != NULL,
    .applies = callbacks->apply != NULL,
    .runs = callbacks->run != NULL,
    .rehearses = callbacks->run != NULL && callbacks->rehearses == 1,
    .keeps_network = callbacks->run != NULL && callbacks->keeps_network == 1,
    .preserves = (const char *const *)local->preserves,
    .breaks = (const char *const *)local->breaks,
    .keeps = (const char *const *)local->keeps,
    .parallel = local->component->threading == ADZE_THREADS_PARALLEL,
  };
  return NULL;
}

const adze_params *
adze_local_params (const adze_local *local, size_t variant)
{
  return variant < local->variants ? local->params[variant] : NULL;
}

const adze_instance_facts *
adze_local_facts (const adze_local *local)
{
  return &local->facts;
}

adze_desk *
adze_local_desk (adze_local *local)
{
  return local->desk;
}

/* ---- Life. */

static adze_error *
open_desk (adze_runtime *runtime, const adze_local_options *options, void *own, adze_local *local)
{
  adze_desk_options desk = {
    .profile = runtime->profile,
    .bus = runtime->bus,
    .pool = runtime->pool,
    .services = adze_technique_service,
    .source = options->stage,
    .seed = options->seed,
    .own = own,
    .keeper = local->codecs,
  };
  return adze_desk_open (&desk, &local->desk);
}

static adze_error *
create (adze_local *local)
{
  bracket around;
  if (!local->callbacks.create) {
    local->created = true;
    return NULL;
  }
  enter (local, ADZE_PHASE_CREATE, false, &around);
  adze_status status
      = local->callbacks.create (table_of (local), local->params[0], &local->instance);
  /* A rule broken by a create that succeeded still leaves an instance to destroy. */
  local->created = status == ADZE_OK;
  adze_error *error = leave (&around, "create", status);
  return error && !local->created ? adze_desk_after_create (local->desk, error) : error;
}

static adze_error *
take_params (adze_local *local, const adze_local_options *options)
{
  local->params = calloc (options->variants + 1, sizeof *local->params);
  for (size_t i = 0; local->params && i < options->variants; i++)
    local->params[local->variants++] = adze_take (&options->params[i]);
  return local->params ? NULL : adze_error_memory ();
}

static adze_error *
open_parts (adze_runtime *runtime, const adze_local_options *options, adze_local *local)
{
  const adze_callbacks *callbacks = NULL;
  void *own = NULL;
  ADZE_TRY (take_params (local, options));
  ADZE_TRY (adze_active_callbacks (local->record, local->component->id, &callbacks, &own));
  local->callbacks = callbacks->technique;
  ADZE_TRY (gather_facts (local));
  ADZE_TRY (adze_codecs_open (runtime, &local->codecs));
  ADZE_TRY (open_desk (runtime, options, own, local));
  return create (local);
}

adze_error *
adze_local_open (adze_runtime *runtime, adze_plugin_record *record,
                 const adze_manifest_component *component, const adze_local_options *options,
                 adze_local **local)
{
  adze_error *error = adze_error_memory ();
  adze_local *fresh = calloc (1, sizeof *fresh);
  if (fresh) {
    adze_error_free (error);
    fresh->record = record;
    fresh->component = component;
    pthread_mutex_init (&fresh->lock, NULL);
    error = open_parts (runtime, options, fresh);
  }
  for (size_t i = 0; i < options->variants; i++)
    adze_params_free (adze_take (&options->params[i]));
  if (error) {
    adze_local_close (fresh);
    return error;
  }
  *local = fresh;
  return NULL;
}

static void
destroy (adze_local *local)
{
  adze_desk_frame frame;
  if (!local->callbacks.destroy)
    return;
  pthread_mutex_t *mutex = lock_of (local, false);
  pthread_mutex_lock (mutex);
  adze_desk_enter (local->desk, &frame);
  local->callbacks.destroy (table_of (local), local->instance);
  adze_desk_leave_void (&frame, "destroy");
  pthread_mutex_unlock (mutex);
}

adze_error *
adze_local_end (adze_local *local)
{
  if (!local->created)
    return NULL;
  local->created = false;
  destroy (local);
  return adze_desk_audit (local->desk);
}

void
adze_local_close (adze_local *local)
{
  if (!local)
    return;
  ADZE_AUTO_ERROR error = adze_local_end (local);
  if (error)
    adze_tell_end (adze_desk_bus (local->desk), adze_desk_source (local->desk), error, true);
  adze_desk_close (local->desk);
  adze_codecs_close (local->codecs);
  for (size_t i = 0; i < local->variants; i++)
    adze_params_free (local->params[i]);
  free (local->params);
  free_words (local->preserves);
  free_words (local->breaks);
  free_words (local->keeps);
  pthread_mutex_destroy (&local->lock);
  free (local);
}

/* ---- Describe. */

static adze_error *
ask (adze_local *local, adze_outline *outline)
{
  bracket around;
  enter (local, ADZE_PHASE_DESCRIBE, false, &around);
  adze_status status = local->callbacks.describe (table_of (local), local->instance, outline);
  adze_error *wrong = status == ADZE_OK ? adze_outline_check (outline) : NULL;
  if (wrong && adze_error_status (wrong) == ADZE_E_MEMORY)
    status = adze_push_error (table_of (local), wrong);
  else if (wrong)
    status = adze_push_broken (wrong);
  return leave (&around, "describe", status);
}

/* Whether it observes can depend on parameters, and so on what it has described. In the end it is too late to
 * say otherwise. */
static adze_error *
ask_to_observe (adze_local *local, const adze_outline *outline)
{
  size_t size;
  if (!local->callbacks.accumulator || outline->final)
    return NULL;
  ADZE_TRY (adze_local_accumulator (local, &size));
  local->facts.observes = size > 0;
  return NULL;
}

adze_error *
adze_local_describe (adze_local *local, adze_outline *outline)
{
  adze_outline_clear (outline);
  outline->effect = local->facts.effect;
  outline->grain = local->facts.grain;
  outline->params = (const adze_params *const *)local->params;
  outline->variants = local->variants;
  adze_error *error
      = local->callbacks.describe ? ask (local, outline) : adze_outline_add_all (outline);
  outline->params = NULL;
  outline->variants = 0;
  if (!error)
    error = adze_codecs_chosen (local->codecs, &outline->codecs);
  if (!error)
    error = ask_to_observe (local, outline);
  if (!error || local->callbacks.describe)
    return error;
  return adze_error_wrap (error, "'%s' cannot work on the model", adze_desk_source (local->desk));
}

/* ---- Observe, merge, decide. */

static adze_call
call_for (const adze_local *local, unsigned phase, const adze_work *work)
{
  return (adze_call){ .phase = phase,
                      .inspects = local->facts.effect == ADZE_INSPECTS,
                      .work = work,
                      .params = (const adze_params *const *)local->params,
                      .variants = local->variants };
}

adze_error *
adze_local_accumulator (adze_local *local, size_t *size)
{
  const size_t most = (size_t)1 << 30;
  bracket around;
  *size = 0;
  enter (local, ADZE_PHASE_OTHER, false, &around);
  *size = local->callbacks.accumulator (table_of (local), local->instance);
  if (*size > most)
    adze_desk_broken ("it wants an accumulator of %zu bytes; at most %zu are possible", *size, most);
  return leave (&around, "accumulator", ADZE_OK);
}

adze_error *
adze_local_observe (adze_local *local, const adze_work *work, void *accumulator)
{
  bracket around;
  adze_call call = call_for (local, ADZE_PHASE_OBSERVE, work);
  enter (local, ADZE_PHASE_OBSERVE, true, &around);
  adze_status status = local->callbacks.observe (table_of (local), local->instance, &call,
                                                 work->inputs[0], accumulator);
  return leave (&around, "observe", status);
}

adze_error *
adze_local_merge (adze_local *local, void *left, const void *right)
{
  bracket around;
  enter (local, ADZE_PHASE_OTHER, true, &around);
  adze_status status
      = local->callbacks.merge (table_of (local), local->instance, left, right);
  return leave (&around, "merge", status);
}

adze_error *
adze_local_decide (adze_local *local, const adze_work *work, const void *accumulator, bool *again)
{
  bracket around;
  adze_call call = call_for (local, ADZE_PHASE_DECIDE, work);
  enter (local, ADZE_PHASE_DECIDE, false, &around);
  adze_status status = local->callbacks.decide (table_of (local), local->instance,
                                                work ? &call : NULL, accumulator, again);
  return leave (&around, "decide", status);
}

/* ---- Apply. */

adze_error *
adze_local_apply (adze_local *local, adze_work *work)
{
  bracket around;
  adze_call call = call_for (local, ADZE_PHASE_APPLY, work);
  call.rooms = work->rooms;
  if (!local->callbacks.apply)
    return adze_error_new (ADZE_E_CONTRACT,
                           "'%s' said in describe that it makes something of '%s', and has no apply",
                           adze_desk_source (local->desk), work->inputs[0]->name);
  for (size_t i = 0; i < work->room_count; i++)
    work->rooms[i].given = false;
  enter (local, ADZE_PHASE_APPLY, true, &around);
  adze_status status = local->callbacks.apply (table_of (local), local->instance, &call,
                                               work->inputs[0]);
  if (status == ADZE_OK && !call.inspects)
    adze_call_settle (&call);
  return leave (&around, "apply", status);
}

/* ---- Run. */

/* Before the technique is called, which takes a port without anything for one that nothing is bound to. */
static adze_error *
open_inputs (const adze_local *local, const adze_run_ops *ops, void *data)
{
  size_t count;
  const adze_port *ports = adze_manifest_ports (local->component, &count);
  for (size_t i = 0; i < count; i++) {
    struct adze_artifact *artifact;
    if (ports[i].direction != ADZE_PORT_IN)
      continue;
    adze_error *error = ops->input (data, ports[i].name, &artifact);
    if (error)
      return adze_error_wrap (error, "what is bound to its port '%s' cannot be opened", ports[i].name);
  }
  return NULL;
}

adze_error *
adze_local_run (adze_local *local, const adze_run_ops *ops, void *data)
{
  bracket around;
  adze_context context = { .ops = ops, .data = data, .component = local->component,
                           .thread = pthread_self (), .local = local };
  if (!local->callbacks.run)
    return adze_error_new (ADZE_E_CONTRACT, "'%s' has no run", adze_desk_source (local->desk));
  ADZE_TRY (open_inputs (local, ops, data));
  enter (local, ADZE_PHASE_RUN, false, &around);
  around.frame.context = &context;
  adze_status status = local->callbacks.run (table_of (local), local->instance, &context);
  free (context.loaded);
  return leave (&around, "run", status);
}

/* ---- Jobs. */

bool
adze_local_has_job (const adze_local *local)
{
  return local->callbacks.job != NULL;
}

adze_status
adze_local_do_job (adze_local *local, adze_context *context, const adze_text *request)
{
  return local->callbacks.job (table_of (local), local->instance, context, request->data ? request->data : "",
                               request->size);
}

adze_error *
adze_local_job (adze_local *local, const adze_run_ops *ops, void *data, const adze_text *request,
                adze_job_done *done)
{
  bracket around;
  adze_context context = { .ops = ops, .data = data, .component = local->component,
                           .thread = pthread_self (), .local = local, .job = done };
  if (!local->callbacks.job)
    return adze_error_new (ADZE_E_CONTRACT, "'%s' has no job", adze_desk_source (local->desk));
  ADZE_TRY (open_inputs (local, ops, data));
  enter (local, ADZE_PHASE_RUN, false, &around);
  around.frame.context = &context;
  return leave (&around, "job", adze_local_do_job (local, &context, request));
}
