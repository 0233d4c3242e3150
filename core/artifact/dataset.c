/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/dataset.c: a source at work, and batches out of it. */
#include "artifact/dataset_parts.h"

#include <inttypes.h>
#include <string.h>

#include "plugin/services.h"

/* ---- The desk. */

static const void *
services (const char *id, bool bare)
{
  static const struct {
    const char *id;
    const void *table;
  } own[] = {
    { ADZE_FILE, &adze_files_service },
    { ADZE_SCHEMA, &adze_schemas },
    { ADZE_BATCH, &adze_batches },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (own); i++)
    if (strcmp (own[i].id, id) == 0)
      return own[i].table;
  return adze_service_find (id, bare);
}

/* A source with global state shares the lock with whatever else its plugin has. */
static void
enter (adze_dataset *dataset, adze_desk_frame *frame)
{
  if (dataset->component->threading == ADZE_THREADS_PLUGIN)
    pthread_mutex_lock (&dataset->record->plugin_lock);
  adze_desk_enter (dataset->desk, frame);
}

static void
left (adze_dataset *dataset)
{
  dataset->now_schema = NULL;
  dataset->now_batch = NULL;
  if (dataset->component->threading == ADZE_THREADS_PLUGIN)
    pthread_mutex_unlock (&dataset->record->plugin_lock);
}

/* ---- Opening and closing. */

/* What runs in this process runs with all its rights. */
static adze_error *
check_source (const adze_plugin_record *record, const adze_manifest_component *component)
{
  if (strcmp (component->kind, ADZE_SOURCE) != 0)
    return adze_error_new (ADZE_E_PARAM,
                           "'%s' is of kind %s, and no source; `adze list source` shows which there "
                           "are",
                           component->id, component->kind);
  if (record->builtin || record->trusted)
    return NULL;
  adze_error *error = adze_error_new (
      ADZE_E_TRUST, "the source '%s' is not used: it would run in this process, and %s is in a "
      "folder that is not trusted", component->id, record->path);
  adze_error_set (error, "file", record->path);
  adze_error_set (error, "hint",
                  "if you trust it, list its folder under `trusted` in config.toml, or sign it");
  return error;
}

static adze_error *
open_desk (adze_dataset *dataset)
{
  adze_runtime *runtime = dataset->runtime;
  const adze_callbacks *callbacks = NULL;
  void *own = NULL;
  ADZE_TRY (adze_activate (runtime, dataset->record));
  ADZE_TRY (adze_active_callbacks (dataset->record, dataset->component->id, &callbacks, &own));
  dataset->callbacks = callbacks->source;
  adze_desk_options options = {
    .profile = runtime->profile,
    .bus = runtime->bus,
    .pool = runtime->pool,
    .services = services,
    .source = dataset->component->id,
    .seed = runtime->seed,
    .own = dataset,
  };
  return adze_desk_open (&options, &dataset->desk);
}

static adze_error *
open_source (adze_dataset *dataset)
{
  adze_desk_frame frame;
  enter (dataset, &frame);
  dataset->now_schema = &dataset->schema;
  adze_status status
      = dataset->callbacks.open (adze_desk_table (dataset->desk), dataset->params,
                                 &dataset->schema, &dataset->instance);
  adze_error *error = adze_desk_leave (&frame, "open", status);
  left (dataset);
  dataset->open = status == ADZE_OK;
  return error && !dataset->open ? adze_desk_after_create (dataset->desk, error) : error;
}

static adze_error *
open_parts (adze_dataset *dataset, const char *source, const adze_dataset_options *options)
{
  ADZE_TRY (adze_find_component (dataset->runtime, source, &dataset->record,
                                 &dataset->component));
  ADZE_TRY (check_source (dataset->record, dataset->component));
  ADZE_TRY (open_desk (dataset));
  ADZE_TRY (open_source (dataset));
  ADZE_TRY (adze_schema_finish (&dataset->schema, dataset->component->id));
  return adze_order_make (dataset->schema.examples, options, &dataset->order);
}

adze_error *
adze_dataset_open (adze_runtime *runtime, const char *source, adze_params *params,
                   const adze_dataset_options *options, adze_dataset **dataset)
{
  static const adze_dataset_options all = ADZE_DATASET_OPTIONS_INIT;
  *dataset = NULL;
  adze_dataset *fresh = calloc (1, sizeof *fresh);
  if (!fresh) {
    adze_params_free (params);
    return adze_error_memory ();
  }
  ADZE_LOCKED (runtime);
  fresh->runtime = runtime;
  fresh->params = params;
  adze_error *error = open_parts (fresh, source, options ? options : &all);
  if (error) {
    adze_dataset_close (fresh);
    return error;
  }
  *dataset = fresh;
  return NULL;
}

static void
close_source (adze_dataset *dataset)
{
  adze_desk_frame frame;
  enter (dataset, &frame);
  dataset->callbacks.close (adze_desk_table (dataset->desk), dataset->instance);
  adze_desk_leave_void (&frame, "close");
  left (dataset);
  ADZE_AUTO_ERROR kept = adze_desk_audit (dataset->desk);
  if (kept)
    adze_tell_end (dataset->runtime->bus, dataset->component->id, kept, true);
}

void
adze_dataset_close (adze_dataset *dataset)
{
  if (!dataset)
    return;
  if (dataset->open)
    close_source (dataset);
  adze_desk_close (dataset->desk);
  adze_params_free (dataset->params);
  adze_files_cleanup (&dataset->files);
  adze_batch_cleanup (&dataset->batch);
  adze_schema_cleanup (&dataset->schema);
  free (dataset->examples);
  free (dataset);
}

/* ---- What there is. */

uint64_t
adze_dataset_count (const adze_dataset *dataset)
{
  return dataset->order.count;
}

uint64_t
adze_dataset_examples (const adze_dataset *dataset)
{
  return dataset->schema.examples;
}

size_t
adze_dataset_columns (const adze_dataset *dataset)
{
  return dataset->schema.count;
}

const adze_column *
adze_dataset_column (const adze_dataset *dataset, size_t index)
{
  return index < dataset->schema.count ? &dataset->schema.faces[index] : NULL;
}

size_t
adze_dataset_column_size (const adze_dataset *dataset, size_t index)
{
  return index < dataset->schema.count ? dataset->schema.sizes[index] : 0;
}

void
adze_dataset_order (const adze_dataset *dataset, uint64_t epoch, uint64_t first, size_t count,
                    uint64_t *examples)
{
  adze_order_fill (&dataset->order, epoch, first, count, examples);
}

uint64_t
adze_dataset_batches (const adze_dataset *dataset, uint32_t batch_size)
{
  if (batch_size == 0)
    return 0;
  return dataset->order.count / batch_size + (dataset->order.count % batch_size != 0);
}

/* ---- Reading. */

static adze_error *
make_room (adze_dataset *dataset, size_t count)
{
  if (count <= dataset->examples_capacity)
    return NULL;
  uint64_t *grown = reallocarray (dataset->examples, count, sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  dataset->examples = grown;
  dataset->examples_capacity = count;
  return NULL;
}

static adze_error *
call_read (adze_dataset *dataset, size_t count)
{
  adze_desk_frame frame;
  enter (dataset, &frame);
  dataset->now_batch = &dataset->batch;
  adze_status status
      = dataset->callbacks.read (adze_desk_table (dataset->desk), dataset->instance,
                                 dataset->examples, count, &dataset->batch);
  adze_error *error = adze_desk_leave (&frame, "read", status);
  left (dataset);
  return error;
}

adze_error *
adze_dataset_read (adze_dataset *dataset, uint64_t epoch, uint64_t number, uint32_t batch_size,
                   size_t *count)
{
  uint64_t batches = adze_dataset_batches (dataset, batch_size);
  *count = 0;
  if (number >= batches)
    return adze_error_new (ADZE_E_PARAM,
                           "batch number %" PRIu64 " was asked for, and an epoch of %" PRIu64
                           " examples has %" PRIu64 " of %" PRIu32,
                           number, dataset->order.count, batches, batch_size);
  uint64_t first = number * batch_size, left_over = dataset->order.count - first;
  size_t size = left_over < batch_size ? (size_t)left_over : batch_size;
  ADZE_TRY (make_room (dataset, size));
  adze_order_fill (&dataset->order, epoch, first, size, dataset->examples);
  ADZE_TRY (adze_batch_begin (&dataset->batch, &dataset->schema, size));
  ADZE_TRY (call_read (dataset, size));
  ADZE_TRY (adze_batch_finish (&dataset->batch, dataset->component->id));
  *count = size;
  return NULL;
}

const void *
adze_dataset_values (const adze_dataset *dataset, size_t column)
{
  return column < dataset->schema.count && dataset->batch.rooms
             ? dataset->batch.rooms[column].values
             : NULL;
}
