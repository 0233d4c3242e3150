/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/codec.c: a codec's callbacks, each between enter and leave, and what it says checked. */
#include "artifact/codec.h"

#include <inttypes.h>
#include <string.h>

#include "artifact/meta.h"
#include "base/json.h"
#include "plugin/manifest/params.h"
#include "plugin/services.h"

struct adze_codec_use {
  adze_runtime *runtime;
  adze_plugin_record *record;
  const adze_manifest_component *component;
  const adze_params *params;
  adze_params *presets; /* where nobody gave it parameters */
  adze_codec callbacks;
  adze_desk *desk;
  pthread_mutex_t lock; /* ADZE_THREADS_INSTANCE */
  adze_buffer trait;
};

/* ---- Around a callback. */

static pthread_mutex_t *
lock_of (adze_codec_use *use)
{
  switch (use->component->threading) {
  case ADZE_THREADS_PARALLEL:
    return NULL;
  case ADZE_THREADS_PLUGIN:
    return &use->record->plugin_lock;
  default:
    return &use->lock;
  }
}

static const adze_host *
enter (adze_codec_use *use, adze_desk_frame *frame)
{
  pthread_mutex_t *lock = lock_of (use);
  if (lock)
    pthread_mutex_lock (lock);
  adze_desk_enter (use->desk, frame);
  return adze_desk_table (use->desk);
}

static adze_error *
leave (adze_codec_use *use, adze_desk_frame *frame, const char *callback, adze_status status)
{
  pthread_mutex_t *lock = lock_of (use);
  adze_error *error = adze_desk_leave (frame, callback, status);
  if (lock)
    pthread_mutex_unlock (lock);
  return error;
}

/* ---- Opening and closing. */

/* What runs in this process runs with all its rights; those of a worker are few. */
static adze_error *
check_component (const adze_runtime *runtime, const adze_plugin_record *record,
                 const adze_manifest_component *component)
{
  if (strcmp (component->kind, ADZE_CODEC) != 0)
    return adze_error_new (ADZE_E_PARAM,
                           "'%s' is of kind %s, and no codec; `adze list codec` shows which there are",
                           component->id, component->kind);
  if (record->builtin || record->trusted || runtime->is_worker)
    return NULL;
  adze_error *error = adze_error_new (
      ADZE_E_TRUST,
      "the codec '%s' is not used: it would run in this process, and %s is in a folder that is not "
      "trusted",
      component->id, record->path);
  adze_error_set (error, "file", record->path);
  adze_error_set (error, "hint",
                  "if you trust it, list its folder under `trusted` in config.toml, or sign it");
  return error;
}

static adze_error *
open_desk (adze_runtime *runtime, adze_codec_services_fn *services, adze_codec_use *use)
{
  const adze_callbacks *callbacks = NULL;
  void *own = NULL;
  ADZE_TRY (adze_activate (runtime, use->record));
  ADZE_TRY (adze_active_callbacks (use->record, use->component->id, &callbacks, &own));
  use->callbacks = callbacks->codec;
  adze_desk_options options = {
    .profile = runtime->profile,
    .bus = runtime->bus,
    .pool = runtime->pool,
    .services = services ? services : adze_service_find,
    .source = use->component->id,
    .seed = runtime->seed,
    .own = own,
  };
  return adze_desk_open (&options, &use->desk);
}

static adze_error *
open_parts (adze_runtime *runtime, const char *id, adze_codec_services_fn *services,
            adze_codec_use *use)
{
  ADZE_TRY (adze_find_component (runtime, id, &use->record, &use->component));
  ADZE_TRY (check_component (runtime, use->record, use->component));
  if (!use->params) {
    ADZE_TRY (adze_params_bind (use->component, NULL, NULL, NULL, NULL, NULL, NULL, &use->presets));
    use->params = use->presets;
  }
  return open_desk (runtime, services, use);
}

adze_error *
adze_codec_open (adze_runtime *runtime, const char *id, const adze_params *params,
                 adze_codec_services_fn *services, adze_codec_use **use)
{
  *use = NULL;
  ADZE_AUTO_CODEC fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  pthread_mutex_init (&fresh->lock, NULL);
  fresh->runtime = runtime;
  fresh->params = params;
  ADZE_LOCKED (runtime);
  ADZE_TRY (open_parts (runtime, id, services, fresh));
  *use = adze_take (&fresh);
  return NULL;
}

void
adze_codec_close (adze_codec_use *use)
{
  if (!use)
    return;
  if (use->desk) {
    ADZE_AUTO_ERROR kept = adze_desk_audit (use->desk);
    if (kept)
      adze_tell_end (adze_desk_bus (use->desk), use->component->id, kept, true);
  }
  adze_desk_close (use->desk);
  adze_params_free (use->presets);
  adze_buffer_cleanup (&use->trait);
  pthread_mutex_destroy (&use->lock);
  free (use);
}

const char *
adze_codec_id (const adze_codec_use *use)
{
  return use->component->id;
}

bool
adze_codec_weighs (const adze_codec_use *use)
{
  return use->callbacks.weighs == 1;
}

uint32_t
adze_codec_revision (const adze_codec_use *use)
{
  return use->callbacks.revision;
}

bool
adze_codec_has_graph (const adze_codec_use *use)
{
  return use->callbacks.graph != NULL;
}

/* ---- What a tensor becomes. */

static adze_error *
untrue (const adze_codec_use *use, const adze_tensor_meta *meta, const char *what)
{
  return adze_error_new (ADZE_E_CONTRACT, "the codec '%s' says of '%s' that %s", use->component->id,
                         meta->name, what);
}

static adze_error *
check_plane (const adze_codec_use *use, const adze_tensor_meta *meta, const adze_coded *coded,
             uint32_t number)
{
  const adze_plane *plane = &coded->planes[number];
  bool blocks = plane->dtype.code == ADZE_OPAQUE;
  if (!memchr (plane->suffix, '\0', sizeof plane->suffix))
    return untrue (use, meta, "a plane has a suffix without an end");
  if ((plane->suffix[0] == '\0') != (number == 0))
    return untrue (use, meta, "its first plane has a suffix, or another one has none");
  for (uint32_t i = 0; i < number; i++)
    if (strcmp (coded->planes[i].suffix, plane->suffix) == 0)
      return untrue (use, meta, "two planes have the same suffix");
  if (blocks && (number > 0 || plane->block_elements == 0 || plane->block_bytes == 0 || !plane->by_rows))
    return untrue (use, meta, "it has blocks of nothing, or more than one plane of them");
  if (!blocks && (plane->rank < 0 || plane->rank > ADZE_RANK_MAX))
    return untrue (use, meta, "a plane has a rank that cannot be");
  int32_t rows = adze_coded_row_rank (coded, meta);
  if (!blocks && plane->by_rows
      && (plane->rank < rows
          || memcmp (plane->shape, meta->shape, (size_t)rows * sizeof *plane->shape) != 0))
    return untrue (use, meta, "a plane that goes by rows has not the tensor's first dimensions");
  return NULL;
}

adze_error *
adze_codec_describe (adze_codec_use *use, const adze_tensor_meta *meta, const void *found,
                     adze_coded *coded)
{
  adze_desk_frame frame;
  *coded = (adze_coded){ .struct_size = sizeof *coded };
  if (meta->rank < 1)
    return adze_error_new (ADZE_E_UNSUPPORTED, "'%s' is a single number, and a codec has rows",
                           meta->name);
  const adze_host *host = enter (use, &frame);
  adze_status status = use->callbacks.describe (host, use->callbacks.own, use->params, meta, found, coded);
  ADZE_TRY (leave (use, &frame, "describe", status));
  if (coded->plane_count == 0 || coded->plane_count > ADZE_PLANES_MAX)
    return untrue (use, meta, "it lies in no plane, or in more than there can be");
  if (coded->row_rank > (uint32_t)meta->rank)
    return untrue (use, meta, "more dimensions count rows than it has");
  if ((coded->keeps_values | coded->keeps_zeros) >> coded->plane_count != 0)
    return untrue (use, meta, "something holds for planes that it has not");
  for (uint32_t i = 0; i < coded->plane_count; i++)
    ADZE_TRY (check_plane (use, meta, coded, i));
  return NULL;
}

/* ---- What must be known of all of it. */

adze_error *
adze_codec_accumulator (adze_codec_use *use, const adze_tensor_meta *meta, size_t *size)
{
  const size_t most = (size_t)1 << 30;
  adze_desk_frame frame;
  *size = 0;
  if (!use->callbacks.accumulator)
    return NULL;
  const adze_host *host = enter (use, &frame);
  *size = use->callbacks.accumulator (host, use->callbacks.own, use->params, meta);
  if (*size > most)
    adze_desk_broken ("it wants an accumulator of %zu bytes; at most %zu are possible", *size, most);
  return leave (use, &frame, "accumulator", ADZE_OK);
}

adze_error *
adze_codec_observe (adze_codec_use *use, const adze_tensor_meta *meta, const float *values,
                    uint64_t first, uint64_t count, void *accumulator)
{
  adze_desk_frame frame;
  const adze_host *host = enter (use, &frame);
  adze_status status = use->callbacks.observe (host, use->callbacks.own, use->params, meta, values, first, count,
                                               accumulator);
  return leave (use, &frame, "observe", status);
}

adze_error *
adze_codec_merge (adze_codec_use *use, void *left, const void *right)
{
  adze_desk_frame frame;
  const adze_host *host = enter (use, &frame);
  adze_status status = use->callbacks.merge (host, use->callbacks.own, use->params, left, right);
  return leave (use, &frame, "merge", status);
}

adze_error *
adze_codec_decide (adze_codec_use *use, const adze_tensor_meta *meta, void *found, adze_field *fields,
                   uint32_t most, uint32_t *count)
{
  adze_desk_frame frame;
  *count = 0;
  if (!use->callbacks.decide)
    return NULL;
  const adze_host *host = enter (use, &frame);
  adze_status status
      = use->callbacks.decide (host, use->callbacks.own, use->params, meta, found, fields, most, count);
  ADZE_TRY (leave (use, &frame, "decide", status));
  return *count > most ? untrue (use, meta, "more was found than there is room for") : NULL;
}

/* ---- Codes. */

adze_error *
adze_codec_encode (adze_codec_use *use, const adze_coding *coding)
{
  adze_desk_frame frame;
  const adze_host *host = enter (use, &frame);
  adze_status status = use->callbacks.encode (host, use->callbacks.own, use->params, coding);
  return leave (use, &frame, "encode", status);
}

adze_error *
adze_codec_decode (adze_codec_use *use, const adze_coding *coding)
{
  adze_desk_frame frame;
  const adze_host *host = enter (use, &frame);
  adze_status status = use->callbacks.decode (host, use->callbacks.own, use->params, coding);
  return leave (use, &frame, "decode", status);
}

static adze_error *
no_graph (const adze_codec_use *use, const adze_tensor_meta *meta)
{
  ADZE_AUTO (adze_buffer) names = { 0 };
  ADZE_TRY (adze_codec_holders (use->runtime, use->component->id, NULL, &names));
  adze_error *error = adze_error_new (ADZE_E_UNSUPPORTED,
                                      "the codec '%s' has no form in a network, so '%s' cannot be "
                                      "a weight of one",
                                      use->component->id, meta->name);
  adze_error_setf (error, "hint", "another codec, or a rule that skips the tensor; formats here that can: %s",
                   names.data ? names.data : "none");
  return error;
}

adze_error *
adze_codec_graph (adze_codec_use *use, const adze_tensor_meta *meta, const adze_coded *coded,
                  adze_graph *graph, const uint32_t *planes, uint32_t *value)
{
  adze_desk_frame frame;
  *value = ADZE_NONE;
  if (!use->callbacks.graph)
    return no_graph (use, meta);
  const adze_host *host = enter (use, &frame);
  adze_status status
      = use->callbacks.graph (host, use->callbacks.own, use->params, meta, coded, graph, planes, value);
  ADZE_TRY (leave (use, &frame, "graph", status));
  return *value == ADZE_NONE ? untrue (use, meta, "no value of the network has its numbers") : NULL;
}

/* ---- The trait. */

static void
put_params (const adze_params *params, adze_value *into)
{
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    switch (value->type) {
    case ADZE_PARAM_BOOL:
      adze_json_bool (into, value->name, value->boolean);
      break;
    case ADZE_PARAM_INT:
      adze_json_int (into, value->name, value->integer);
      break;
    case ADZE_PARAM_FLOAT:
      adze_json_float (into, value->name, value->real);
      break;
    case ADZE_PARAM_STRING:
    case ADZE_PARAM_CHOICE:
      adze_json_string (into, value->name, value->string);
      break;
    default: /* what a file says is in the codes; lists and components no codec needs to read them */
      break;
    }
  }
}

adze_error *
adze_codec_trait (adze_codec_use *use, const adze_tensor_meta *meta, const char **json)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (table, "codec", use->component->id);
  adze_json_int (table, "revision", use->callbacks.revision);
  adze_json_string (table, "type", adze_meta_type_word (meta));
  adze_value *shape = adze_json_list (table, "shape");
  for (int32_t i = 0; i < meta->rank; i++)
    adze_json_int (shape, NULL, meta->shape[i]);
  put_params (use->params, adze_json_table (table, "params"));
  adze_buffer_cleanup (&use->trait);
  if (!adze_json_failed (table))
    adze_json_write (table, 0, &use->trait);
  if (adze_json_failed (table) || use->trait.failed || !use->trait.data)
    return adze_error_memory ();
  *json = use->trait.data;
  return NULL;
}
