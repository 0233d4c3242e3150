/* SPDX-License-Identifier: Apache-2.0 */
/* stage/codecs.c: adze.codecs/1: codecs that a technique's parameters name. */
#include "stage/codecs.h"

#include <string.h>

#include "base/json.h"
#include "graph/from_model.h"
#include "plugin/manifest/params.h"
#include "stage/call.h"
#include "stage/scorers.h"

struct adze_codecs {
  adze_runtime *runtime;
  pthread_mutex_t lock;
  adze_codec_use **uses;
  size_t count;
  adze_value *chosen; /* ids, by the technique itself */
  adze_scorer_use *scorers;
};

adze_error *
adze_codecs_open (adze_runtime *runtime, adze_codecs **codecs)
{
  *codecs = calloc (1, sizeof **codecs);
  if (!*codecs)
    return adze_error_memory ();
  (*codecs)->runtime = runtime;
  (*codecs)->chosen = adze_value_new (ADZE_VALUE_LIST);
  pthread_mutex_init (&(*codecs)->lock, NULL);
  return (*codecs)->chosen ? NULL : adze_error_memory ();
}

void
adze_codecs_close (adze_codecs *codecs)
{
  if (!codecs)
    return;
  for (size_t i = 0; i < codecs->count; i++)
    adze_codec_close (codecs->uses[i]);
  adze_scorers_close (codecs->scorers);
  free (codecs->uses);
  adze_value_free (codecs->chosen);
  pthread_mutex_destroy (&codecs->lock);
  free (codecs);
}

static adze_error *
keep (adze_codecs *codecs, adze_codec_use *use)
{
  pthread_mutex_lock (&codecs->lock);
  adze_codec_use **grown
      = reallocarray (codecs->uses, codecs->count + 1, sizeof *codecs->uses);
  if (grown) {
    codecs->uses = grown;
    codecs->uses[codecs->count++] = use;
  }
  pthread_mutex_unlock (&codecs->lock);
  return grown ? NULL : adze_error_memory ();
}

static bool
is_chosen (const adze_codecs *codecs, const char *id)
{
  for (size_t i = 0; i < codecs->chosen->count; i++)
    if (strcmp (codecs->chosen->items[i]->string, id) == 0)
      return true;
  return false;
}

static adze_error *
choose (adze_codecs *codecs, const char *id)
{
  pthread_mutex_lock (&codecs->lock);
  bool known = is_chosen (codecs, id) || adze_json_string (codecs->chosen, NULL, id);
  pthread_mutex_unlock (&codecs->lock);
  return known ? NULL : adze_error_memory ();
}

adze_error *
adze_codecs_chosen (const adze_codecs *codecs, adze_value **ids)
{
  *ids = adze_value_copy (codecs->chosen);
  return *ids ? NULL : adze_error_memory ();
}

adze_scorer_use **
adze_codecs_scorers (adze_codecs *codecs)
{
  return &codecs->scorers;
}

adze_runtime *
adze_codecs_runtime (const adze_codecs *codecs)
{
  return codecs->runtime;
}

/* The service is asked inside a callback, and answers there. */
static adze_status
settle (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

static adze_error *
open_named (adze_codecs *codecs, const adze_params *params, const char *name, adze_codec_use **use)
{
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    if (strcmp (value->name, name) != 0 || value->type != ADZE_PARAM_COMPONENT)
      continue;
    ADZE_AUTO_CODEC opened = NULL;
    ADZE_TRY (adze_codec_open (codecs->runtime, value->string, value->nested, adze_graph_services,
                               &opened));
    ADZE_TRY (keep (codecs, opened));
    *use = adze_take (&opened);
    return NULL;
  }
  return adze_error_new (ADZE_E_CONTRACT, "it has no parameter '%s' that is a component", name);
}

static adze_status
codecs_open (const adze_host *host, const adze_params *params, const char *name,
             adze_codec_use **use)
{
  *use = NULL;
  if (!adze_desk_inside (adze_desk_of (host), ADZE_CODECS " open"))
    return ADZE_E_CONTRACT;
  return settle (host, open_named (adze_desk_keeper (adze_desk_of (host)), params, name, use));
}

static adze_error *
open_id (adze_codecs *codecs, const char *id, adze_codec_use **use)
{
  ADZE_AUTO_CODEC opened = NULL;
  ADZE_TRY (adze_codec_open (codecs->runtime, id, NULL, adze_graph_services, &opened));
  ADZE_TRY (choose (codecs, id));
  ADZE_TRY (keep (codecs, opened));
  *use = adze_take (&opened);
  return NULL;
}

static adze_status
codecs_open_id (const adze_host *host, const char *id, adze_codec_use **use)
{
  *use = NULL;
  if (!adze_desk_inside (adze_desk_of (host), ADZE_CODECS " open_id"))
    return ADZE_E_CONTRACT;
  return settle (host, open_id (adze_desk_keeper (adze_desk_of (host)), id, use));
}

static adze_status
codecs_describe (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta,
                 const void *found, adze_coded *coded)
{
  return settle (host, adze_codec_describe (use, meta, found, coded));
}

static size_t
codecs_accumulator (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta)
{
  size_t size = 0;
  settle (host, adze_codec_accumulator (use, meta, &size));
  return size;
}

static adze_status
codecs_observe (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta,
                const float *values, uint64_t first, uint64_t count, void *accumulator)
{
  return settle (host, adze_codec_observe (use, meta, values, first, count, accumulator));
}

static adze_status
codecs_merge (const adze_host *host, adze_codec_use *use, void *left, const void *right)
{
  return settle (host, adze_codec_merge (use, left, right));
}

static adze_status
codecs_encode (const adze_host *host, adze_codec_use *use, const adze_coding *coding)
{
  return settle (host, adze_codec_encode (use, coding));
}

static adze_status
codecs_decode (const adze_host *host, adze_codec_use *use, const adze_coding *coding)
{
  return settle (host, adze_codec_decode (use, coding));
}

static adze_status
codecs_graph (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta,
              const adze_coded *coded, adze_graph *graph, const uint32_t *planes, uint32_t *value)
{
  return settle (host, adze_codec_graph (use, meta, coded, graph, planes, value));
}

static const char *
codecs_trait (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta)
{
  const char *json = NULL;
  settle (host, adze_codec_trait (use, meta, &json));
  return json;
}

static adze_status
codecs_decide (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta, void *found,
               adze_field *fields, uint32_t most, uint32_t *count)
{
  return settle (host, adze_codec_decide (use, meta, found, fields, most, count));
}

const adze_codecs_service adze_codecs_services = {
  .struct_size = sizeof adze_codecs_services,
  .open = codecs_open,
  .id = adze_codec_id,
  .weighs = adze_codec_weighs,
  .describe = codecs_describe,
  .accumulator = codecs_accumulator,
  .observe = codecs_observe,
  .merge = codecs_merge,
  .encode = codecs_encode,
  .decode = codecs_decode,
  .graph = codecs_graph,
  .trait = codecs_trait,
  .open_id = codecs_open_id,
  .decide = codecs_decide,
};
