/* SPDX-License-Identifier: Apache-2.0 */
/* A technique at work for a stage: opened, asked, ended, here or in workers. */
#include <string.h>

#include "work/local.h"

enum { ALIGNMENT = 64 };

/* Memory that a lane was lent for one of its inputs or outputs. */
typedef struct lent {
  void *memory; /* aligned */
  size_t size;
  size_t index;
  bool output;
} lent;

typedef struct lane_state {
  lent *buffers;
  size_t count;
} lane_state;

struct adze_instance {
  adze_runtime *runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  char *stage;
  adze_local *local;
  lane_state *lanes;
  unsigned lane_count;
  adze_instance_facts facts;
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
bind_params (adze_instance *instance, const adze_instance_options *options, adze_params **params)
{
  char name[] = "<settings>";
  const adze_document nowhere = { .path = name };
  const adze_document *document = options->document ? options->document : &nowhere;
  for (size_t i = 0; i < options->variants; i++)
    ADZE_TRY (adze_params_bind (instance->component, document,
                                options->settings ? options->settings[i] : NULL, options->ignore,
                                options->folder, find_for_params, instance->runtime, &params[i]));
  return NULL;
}

static adze_error *
open_local (adze_instance *instance, const adze_instance_options *options, adze_params **params)
{
  const adze_local_options local = { .stage = instance->stage,
                                     .params = params,
                                     .variants = options->variants,
                                     .seed = options->seed };
  ADZE_TRY (adze_activate (instance->runtime, instance->record));
  ADZE_TRY (adze_local_open (instance->runtime, instance->record, instance->component, &local,
                             &instance->local));
  instance->facts = *adze_local_facts (instance->local);
  return NULL;
}

static adze_error *
open_with_params (adze_instance *instance, const adze_instance_options *options)
{
  adze_params **params = calloc (options->variants, sizeof *params);
  if (!params)
    return adze_error_memory ();
  adze_error *error = bind_params (instance, options, params);
  if (!error)
    error = open_local (instance, options, params);
  for (size_t i = 0; i < options->variants; i++)
    adze_params_free (params[i]);
  free (params);
  return error;
}

static adze_error *
open_parts (adze_instance *instance, const adze_instance_options *options)
{
  ADZE_TRY (adze_find_component (instance->runtime, options->component, &instance->record,
                                 &instance->component));
  ADZE_TRY (check_kind (instance->component));
  instance->stage = strdup (options->stage ? options->stage : instance->component->id);
  instance->lane_count = options->lanes > 0 ? options->lanes : 1;
  instance->lanes = calloc (instance->lane_count, sizeof *instance->lanes);
  if (!instance->stage || !instance->lanes)
    return adze_error_memory ();
  return open_with_params (instance, options);
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

adze_error *
adze_instance_buffer (adze_instance *instance, unsigned number, bool output, size_t index,
                      size_t size, void **buffer)
{
  lent *found = find_lent (&instance->lanes[number], output, index);
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

/* ---- Work. */

adze_error *
adze_instance_describe (adze_instance *instance, adze_outline *outline)
{
  return adze_local_describe (instance->local, outline);
}

adze_error *
adze_instance_accumulator (adze_instance *instance, size_t *size)
{
  return adze_local_accumulator (instance->local, size);
}

adze_error *
adze_instance_observe (adze_instance *instance, unsigned lane, const adze_work *work,
                       void *accumulator)
{
  (void)lane;
  return adze_local_observe (instance->local, work, accumulator);
}

adze_error *
adze_instance_merge (adze_instance *instance, unsigned lane, void *left, const void *right)
{
  (void)lane;
  return adze_local_merge (instance->local, left, right);
}

adze_error *
adze_instance_decide (adze_instance *instance, const adze_work *work, const void *accumulator,
                      size_t size, bool *again)
{
  (void)size;
  return adze_local_decide (instance->local, work, accumulator, again);
}

adze_error *
adze_instance_apply (adze_instance *instance, unsigned lane, adze_work *work)
{
  (void)lane;
  return adze_local_apply (instance->local, work);
}

/* ---- The end. */

adze_error *
adze_instance_end (adze_instance *instance)
{
  return instance->local ? adze_local_end (instance->local) : NULL;
}

void
adze_instance_close (adze_instance *instance)
{
  if (!instance)
    return;
  adze_local_close (instance->local);
  for (unsigned i = 0; instance->lanes && i < instance->lane_count; i++) {
    for (size_t k = 0; k < instance->lanes[i].count; k++)
      free (instance->lanes[i].buffers[k].memory);
    free (instance->lanes[i].buffers);
  }
  free (instance->lanes);
  free (instance->stage);
  free (instance);
}
