/* SPDX-License-Identifier: Apache-2.0 */
/* The format onnx with a host of its own in memory, for a fuzzer and for tests that make every
 * allocation and every read fail. It has the plugin's sources inside: one file may include it. */
#ifndef TESTS_UNIT_ONNX_PLUGIN_H
#define TESTS_UNIT_ONNX_PLUGIN_H

#include <stdlib.h>
#include <string.h>

#include "../../plugins/formats/onnx/wire.c"
#include "../../plugins/formats/onnx/types.c"
#include "../../plugins/formats/onnx/tensor.c"
#include "../../plugins/formats/onnx/values.c"
#include "../../plugins/formats/onnx/external.c"

/* Lists grow by the C library; that is to fail and to be counted as what comes from the host. */
static void *own_realloc (void *memory, size_t size);
static void own_free (void *memory);
#define realloc own_realloc
#define free own_free
#include "../../plugins/formats/onnx/edits.c"
#undef realloc
#undef free

#include "../../plugins/formats/onnx/sparse.c"
#include "../../plugins/formats/onnx/walk.c"
#include "../../plugins/formats/onnx/weights.c"
#include "../../plugins/formats/onnx/read.c"
#include "../../plugins/formats/onnx/write.c"
#include "../../plugins/formats/onnx/graph_read.c"
#include "../../plugins/formats/onnx/graph_read_attribute.c"
#include "../../plugins/formats/onnx/graph_read_node.c"
#include "../../plugins/formats/onnx/graph_read_type.c"
#include "../../plugins/formats/onnx/graph_sparse.c"
#include "../../plugins/formats/onnx/graph_write.c"
#include "../../plugins/formats/onnx/onnx.c"

struct adze_file {
  uint8_t *data;
  size_t size;
};

typedef struct held_tensor {
  char *name;
  int64_t shape[ADZE_RANK_MAX];
  adze_tensor_meta meta;
  uint8_t *data; /* a copy, wherever it was */
} held_tensor;

typedef struct held_text {
  char *key, *value;
  size_t key_size;
  adze_meta meta;
} held_text;

/* What read told, which is what write is asked to write. */
struct adze_catalog {
  held_tensor *tensors;
  size_t tensor_count;
  held_text *texts;
  size_t text_count;
  uint8_t *part;
  size_t part_size;
  size_t in_place; /* tensors that lie in the model's file */
};

struct adze_layout {
  adze_file files[2];
  const adze_catalog *cargo;
};

struct adze_params {
  const char *external;
};

/* The host's state. Fails what its turn has come for: the first is number 1, 0 is none. */
static struct {
  size_t allocations, reads, live;
  size_t failing_allocation, failing_read;
  adze_file beside; /* every file that a model names */
  char reason[2048];
} own;

static void *
checked (void *memory)
{
  if (!memory)
    abort ();
  return memory;
}

static void *
own_allocate (const adze_host *host, size_t size)
{
  (void)host;
  if (++own.allocations == own.failing_allocation || size > (size_t)1 << 30)
    return NULL;
  own.live++;
  return calloc (1, size);
}

static void
own_release (const adze_host *host, void *memory)
{
  (void)host;
  if (memory)
    own.live--;
  free (memory);
}

static void *
own_realloc (void *memory, size_t size)
{
  if (++own.allocations == own.failing_allocation || size > (size_t)1 << 30)
    return NULL;
  own.live += !memory;
  return realloc (memory, size);
}

static void
own_free (void *memory)
{
  own_release (NULL, memory);
}

static void
own_push (const adze_host *host, adze_status status, const char *message)
{
  (void)host;
  (void)status;
  size_t length = strlen (own.reason);
  snprintf (own.reason + length, sizeof own.reason - length, "%s\n", message);
}

static adze_status
own_beside (const adze_host *host, adze_file *file, const char *name, adze_file **other)
{
  (void)file;
  (void)name;
  *other = &own.beside;
  return own.beside.data ? ADZE_OK : adze_fail (host, ADZE_E_NOT_FOUND, "there is no such file");
}

static uint64_t
own_size (const adze_host *host, const adze_file *file)
{
  (void)host;
  return file->size;
}

static adze_status
own_read (const adze_host *host, adze_file *file, uint64_t offset, void *buffer, size_t size)
{
  if (++own.reads == own.failing_read)
    return adze_fail (host, ADZE_E_IO, "the disk has failed");
  if (offset > file->size || size > file->size - offset)
    abort (); /* the plugin knows how long the file is */
  memcpy (buffer, file->data + offset, size);
  return ADZE_OK;
}

static uint64_t
own_limit (const adze_host *host, const adze_catalog *catalog)
{
  (void)host;
  (void)catalog;
  return 100000000;
}

static adze_status
own_take (const adze_host *host, adze_catalog *catalog, const adze_found *found)
{
  const adze_tensor_meta *meta = &found->meta;
  if (meta->rank < 0 || meta->rank > ADZE_RANK_MAX || !meta->name || !meta->name[0])
    abort ();
  if (found->file && (found->offset > found->file->size
                      || meta->byte_size > found->file->size - found->offset))
    return adze_fail (host, ADZE_E_FORMAT, "it does not lie in the file");
  catalog->tensors = checked (
      realloc (catalog->tensors, (catalog->tensor_count + 1) * sizeof *catalog->tensors));
  held_tensor *held = &catalog->tensors[catalog->tensor_count++];
  catalog->in_place += found->file && found->file != &own.beside;
  held->name = checked (strdup (meta->name));
  held->meta = *meta;
  memcpy (held->shape, meta->shape, (size_t)meta->rank * sizeof held->shape[0]);
  held->data = checked (malloc (meta->byte_size + 1));
  if (meta->byte_size > 0)
    memcpy (held->data, found->file ? found->file->data + found->offset : found->data,
            meta->byte_size);
  return ADZE_OK;
}

static adze_status
own_metadata (const adze_host *host, adze_catalog *catalog, adze_text key, const adze_meta *value)
{
  for (size_t i = 0; i < catalog->text_count; i++)
    if (catalog->texts[i].key_size == key.size
        && memcmp (catalog->texts[i].key, key.data, key.size) == 0)
      return adze_fail (host, ADZE_E_FORMAT, "there are two of them");
  catalog->texts
      = checked (realloc (catalog->texts, (catalog->text_count + 1) * sizeof *catalog->texts));
  held_text *held = &catalog->texts[catalog->text_count++];
  held->key = checked (malloc (key.size + 1));
  memcpy (held->key, key.data, key.size);
  held->key_size = key.size;
  held->value = checked (malloc (value->text.size + 1));
  memcpy (held->value, value->text.data, value->text.size);
  held->meta = adze_meta_text (held->value, value->text.size);
  return ADZE_OK;
}

static adze_status
own_keep_part (const adze_host *host, adze_catalog *catalog, const char *id, const void *bytes,
               size_t size)
{
  (void)host;
  if (strcmp (id, ONNX_PART) != 0 || catalog->part)
    abort ();
  catalog->part = checked (malloc (size));
  catalog->part_size = size;
  memcpy (catalog->part, bytes, size);
  return ADZE_OK;
}

static void
catalog_cleanup (adze_catalog *catalog)
{
  for (size_t i = 0; i < catalog->tensor_count; i++) {
    free (catalog->tensors[i].name);
    free (catalog->tensors[i].data);
  }
  for (size_t i = 0; i < catalog->text_count; i++) {
    free (catalog->texts[i].key);
    free (catalog->texts[i].value);
  }
  free (catalog->tensors);
  free (catalog->texts);
  free (catalog->part);
  memset (catalog, 0, sizeof *catalog);
}

/* ---- Writing: a cargo is a catalog. */

static const adze_catalog *
held_by (const adze_cargo *cargo)
{
  return (const adze_catalog *)cargo;
}

static size_t
own_count (const adze_host *host, const adze_cargo *cargo)
{
  (void)host;
  return held_by (cargo)->tensor_count;
}

static adze_status
own_tensor (const adze_host *host, const adze_cargo *cargo, size_t index, adze_tensor_meta *meta)
{
  (void)host;
  const held_tensor *held = &held_by (cargo)->tensors[index];
  *meta = held->meta;
  meta->name = held->name;
  meta->shape = held->shape;
  return ADZE_OK;
}

static void
own_text (const adze_host *host, const adze_cargo *cargo, size_t index, adze_text *key,
          const adze_meta **value)
{
  (void)host;
  const adze_catalog *held = held_by (cargo);
  *key = (adze_text){ NULL, 0 };
  *value = NULL;
  if (index >= held->text_count)
    return;
  *key = (adze_text){ held->texts[index].key, held->texts[index].key_size };
  *value = &held->texts[index].meta;
}

static const void *
own_part (const adze_host *host, const adze_cargo *cargo, const char *id, size_t *size)
{
  (void)host;
  (void)id;
  *size = held_by (cargo)->part_size;
  return held_by (cargo)->part;
}

static const char *
own_part_id (const adze_host *host, const adze_cargo *cargo, size_t index)
{
  (void)host;
  return index == 0 && held_by (cargo)->part ? ONNX_PART : NULL;
}

static const char *
own_file_name (const adze_host *host, const adze_cargo *cargo)
{
  (void)host;
  (void)cargo;
  return "model.onnx";
}

static void
append (adze_file *file, const void *bytes, size_t size)
{
  file->data = checked (realloc (file->data, file->size + size + 1));
  if (bytes)
    memcpy (file->data + file->size, bytes, size);
  else
    memset (file->data + file->size, 0, size);
  file->size += size;
}

static adze_status
own_lay_file (const adze_host *host, adze_layout *layout, const char *name, uint32_t *number)
{
  (void)host;
  (void)layout;
  (void)name;
  *number = 1;
  return ADZE_OK;
}

static adze_status
own_lay_bytes (const adze_host *host, adze_layout *layout, uint32_t file, const void *bytes,
               size_t size)
{
  (void)host;
  append (&layout->files[file], bytes, size);
  return ADZE_OK;
}

static adze_status
own_lay_tensor (const adze_host *host, adze_layout *layout, uint32_t file, size_t index)
{
  (void)host;
  const held_tensor *held = &layout->cargo->tensors[index];
  append (&layout->files[file], held->data, held->meta.byte_size);
  return ADZE_OK;
}

static adze_status
own_lay_zeros (const adze_host *host, adze_layout *layout, uint32_t file, uint64_t alignment)
{
  (void)host;
  append (&layout->files[file], NULL,
          (size_t)((alignment - layout->files[file].size % alignment) % alignment));
  return ADZE_OK;
}

static uint64_t
own_length (const adze_host *host, const adze_layout *layout, uint32_t file)
{
  (void)host;
  return layout->files[file].size;
}

static void
layout_cleanup (adze_layout *layout)
{
  free (layout->files[0].data);
  free (layout->files[1].data);
  memset (layout, 0, sizeof *layout);
}

/* ---- The table. */

static const char *
own_string (const adze_params *values, const char *name)
{
  return strcmp (name, "external") == 0 ? values->external : "";
}

static int64_t
own_int (const adze_params *values, const char *name)
{
  (void)values;
  (void)name;
  return 16;
}

static const void *
own_service (const adze_host *host, const char *id)
{
  static const adze_error_service error = { .struct_size = sizeof error, .push = own_push };
  static const adze_params_service values
      = { .struct_size = sizeof values, .get_string = own_string, .get_int = own_int };
  static const adze_file_service files = { .struct_size = sizeof files,
                                           .beside = own_beside,
                                           .size = own_size,
                                           .read = own_read };
  static const adze_catalog_service catalog = { .struct_size = sizeof catalog,
                                                .limit = own_limit,
                                                .tensor = own_take,
                                                .metadata = own_metadata,
                                                .part = own_keep_part };
  static const adze_cargo_service cargo = { .struct_size = sizeof cargo,
                                            .count = own_count,
                                            .tensor = own_tensor,
                                            .metadata = own_text,
                                            .part = own_part,
                                            .part_id = own_part_id,
                                            .file_name = own_file_name };
  static const adze_layout_service layout = { .struct_size = sizeof layout,
                                              .file = own_lay_file,
                                              .bytes = own_lay_bytes,
                                              .tensor = own_lay_tensor,
                                              .align = own_lay_zeros,
                                              .length = own_length };
  static const struct {
    const char *id;
    const void *table;
  } services[] = { { ADZE_ERROR, &error },     { ADZE_PARAMS, &values }, { ADZE_FILE, &files },
                   { ADZE_CATALOG, &catalog }, { ADZE_CARGO, &cargo },   { ADZE_LAYOUT, &layout } };
  (void)host;
  for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
    if (strcmp (services[i].id, id) == 0)
      return services[i].table;
  return NULL;
}

static const adze_host own_host = { .struct_size = sizeof own_host,
                                    .abi_major = ADZE_ABI_MAJOR,
                                    .abi_minor = ADZE_ABI_MINOR,
                                    .name = "memory",
                                    .version = "0",
                                    .service = own_service,
                                    .allocate = own_allocate,
                                    .release = own_release };

/* Reads the model that FILE holds. */
static adze_status
read_into (adze_file *file, adze_catalog *catalog)
{
  own.reason[0] = '\0';
  memset (catalog, 0, sizeof *catalog);
  return onnx_read (&own_host, NULL, file, catalog);
}

static adze_status
write_into (const adze_catalog *catalog, const char *external, adze_layout *layout)
{
  const adze_params values = { external };
  own.reason[0] = '\0';
  memset (layout, 0, sizeof *layout);
  layout->cargo = catalog;
  return onnx_write (&own_host, &values, (const adze_cargo *)catalog, layout);
}

#endif
