/* SPDX-License-Identifier: Apache-2.0 */
/* idx: a source of images and labels in the layout of MNIST, packed by gzip or not. What is not
 * packed stays in the file and is read when it is asked for. */
#include <inttypes.h>

#include "idx.h"

static const adze_param params[] = {
  { .name = "images", .type = ADZE_PARAM_FILE,
    .help = "the file of the column \"image\", plain or packed by gzip" },
  { .name = "labels", .type = ADZE_PARAM_FILE, .preset = "",
    .help = "the file of the column \"label\"; empty: there is none" },
  { .name = NULL }
};

typedef struct idx {
  idx_array arrays[2]; /* images, and labels when there are some */
  size_t count;
} idx;

static void
close_idx (const adze_host *host, void *instance)
{
  idx *self = (idx *)instance;
  for (size_t i = 0; i < self->count; i++)
    idx_array_release (&self->arrays[i]);
  host->release (host, self);
}

/* ---- Opening. */

static adze_status
declare (const adze_host *host, const idx_array *array, const char *name, adze_schema *schema)
{
  int64_t shape[IDX_RANK_MAX];
  for (int32_t i = 1; i < array->rank; i++)
    shape[i - 1] = array->shape[i];
  const adze_column column
      = { .name = name, .rank = array->rank - 1, .dtype = array->dtype, .shape = shape };
  return adze_schema_of (host)->column (host, schema, &column);
}

static adze_status
check_counts (const adze_host *host, const idx *self)
{
  const idx_array *images = &self->arrays[0], *labels = &self->arrays[1];
  if (self->count < 2 || images->shape[0] == labels->shape[0])
    return ADZE_OK;
  return adze_fail (host, ADZE_E_FORMAT,
                    "%s has %" PRIu32 " examples and %s has %" PRIu32
                    "; needed are files that belong together",
                    images->path, images->shape[0], labels->path, labels->shape[0]);
}

static adze_status
open_parts (const adze_host *host, const adze_params *values, adze_schema *schema, idx *self)
{
  static const char *const names[] = { "images", "labels" }, *const columns[] = { "image", "label" };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < 2; i++) {
    const char *path = adze_param_string (host, values, names[i]);
    if (path[0])
      status = idx_array_open (host, path, &self->arrays[self->count++]);
  }
  if (status == ADZE_OK)
    status = check_counts (host, self);
  for (size_t i = 0; status == ADZE_OK && i < self->count; i++)
    status = declare (host, &self->arrays[i], columns[i], schema);
  return status == ADZE_OK
             ? adze_schema_of (host)->count (host, schema, self->arrays[0].shape[0])
             : status;
}

static adze_status
open_idx (const adze_host *host, const adze_params *values, adze_schema *schema, void **instance)
{
  idx *self = (idx *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  adze_status status = open_parts (host, values, schema, self);
  if (status == ADZE_OK)
    *instance = self;
  else
    close_idx (host, self);
  return status;
}

/* ---- Reading. */

/* The file has the highest byte first. */
static void
swap (unsigned char *bytes, size_t size, unsigned width)
{
  for (size_t i = 0; width > 1 && i < size; i += width)
    for (unsigned low = 0, high = width - 1; low < high; low++, high--) {
      unsigned char byte = bytes[i + low];
      bytes[i + low] = bytes[i + high];
      bytes[i + high] = byte;
    }
}

static adze_status
read_array (const adze_host *host, const idx_array *array, const uint64_t *examples,
            size_t count, unsigned char *room)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0, run; status == ADZE_OK && i < count; i += run) {
    for (run = 1; i + run < count && examples[i + run] == examples[i] + run;)
      run++;
    uint64_t offset = examples[i] * array->example_size;
    size_t size = run * array->example_size;
    if (array->store.bytes && i + run < count)
      idx_store_expect (&array->store, examples[i + run], examples[i + run + 1 < count ? i + run + 1 : i]);
    if (array->store.bytes)
      idx_store_get (&array->store, examples[i], run, room);
    else if (size > 0)
      status = adze_file_read_at (host, array->file, array->data_offset + offset, room, size);
    room += size;
  }
  return status;
}

static adze_status
read_idx (const adze_host *host, void *instance, const uint64_t *examples, size_t count,
          adze_batch *batch)
{
  const idx *self = (const idx *)instance;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < self->count; i++) {
    const idx_array *array = &self->arrays[i];
    unsigned char *room = (unsigned char *)adze_batch_of (host)->room (host, batch, i);
    if (!room)
      return adze_fail (host, ADZE_E_MEMORY, "no room for %zu examples", count);
    status = read_array (host, array, examples, count, room);
    if (status == ADZE_OK)
      swap (room, count * array->example_size, array->dtype.bits / 8);
  }
  return status;
}

static const adze_source callbacks = {
  .struct_size = sizeof callbacks,
  .open = open_idx,
  .close = close_idx,
  .read = read_idx,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_SOURCE_REVISION,
  .kind = ADZE_SOURCE,
  .id = "idx",
  .summary = "Images and labels in the layout of MNIST, packed by gzip or not",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "idx",
  .version = "0.1.0",
  .summary = "The layout of MNIST",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (idx, plugin);
