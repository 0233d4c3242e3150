/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/model.c: a model in memory: put together, looked up, read from, closed. */
#include "artifact/model.h"

#include <inttypes.h>
#include <string.h>

#include "artifact/files.h"
#include "artifact/name_index.h"

/* Names and shapes lie in blocks that are freed together: a file of a million tensors would
 * otherwise make millions of small ones. */
typedef struct block {
  struct block *next;
  size_t used, size;
  char room[];
} block;

struct adze_model_index {
  adze_name_index names;
  block *blocks; /* newest first */
};

enum { BLOCK_LEAST = 1024, BLOCK_MOST = 1 << 18 };

static block *
add_block (struct adze_model_index *index, size_t least)
{
  size_t size = index->blocks ? index->blocks->size * 2 : BLOCK_LEAST;
  size = size > BLOCK_MOST ? BLOCK_MOST : size;
  size = size < least ? least : size;
  block *fresh = malloc (sizeof *fresh + size);
  if (!fresh)
    return NULL;
  fresh->size = size;
  fresh->used = 0;
  fresh->next = index->blocks;
  index->blocks = fresh;
  return fresh;
}

/* Aligned for whatever a meta has. */
static void *
take_room (struct adze_model_index *index, size_t size)
{
  size = (size + 7) / 8 * 8;
  block *last = index->blocks;
  if (!last || last->size - last->used < size)
    last = add_block (index, size);
  if (!last)
    return NULL;
  last->used += size;
  return last->room + last->used - size;
}

adze_error *
adze_model_new (adze_model **model)
{
  *model = calloc (1, sizeof **model);
  if (!*model)
    return adze_error_memory ();
  (*model)->index = calloc (1, sizeof *(*model)->index);
  if ((*model)->index)
    return NULL;
  free (*model);
  *model = NULL;
  return adze_error_memory ();
}

static void
free_index (struct adze_model_index *index)
{
  if (!index)
    return;
  while (index->blocks) {
    block *next = index->blocks->next;
    free (index->blocks);
    index->blocks = next;
  }
  adze_name_index_cleanup (&index->names);
  free (index);
}

void
adze_model_close (adze_model *model)
{
  if (!model)
    return;
  for (size_t i = 0; i < model->count; i++) {
    free (model->tensors[i].data);
    adze_value_free (model->tensors[i].traits);
  }
  for (size_t i = 0; i < model->part_count; i++) {
    free (model->parts[i].id);
    free (model->parts[i].data);
  }
  for (size_t i = 0; i < model->file_count; i++) {
    free (model->files[i].path);
    if (model->files[i].fd >= 0)
      close (model->files[i].fd);
  }
  adze_metadata_cleanup (&model->metadata);
  free_index (model->index);
  free (model->tensors);
  free (model->parts);
  free (model->files);
  free (model->path);
  free (model->format);
  free (model);
}

/* ---- Tensors. */

static bool
same_name (const void *things, size_t number, const char *name, size_t size)
{
  const adze_model *model = things;
  const char *found = model->tensors[number].meta.name;
  return strncmp (found, name, size) == 0 && found[size] == '\0';
}

/* The meta with what it points at in the model's own memory. */
static bool
keep_meta (adze_model *model, const adze_tensor_meta *meta, adze_tensor_meta *kept)
{
  size_t shape = (size_t)meta->rank * sizeof *meta->shape;
  size_t name = strlen (meta->name) + 1;
  size_t codec = meta->codec ? strlen (meta->codec) + 1 : 0;
  char *room = take_room (model->index, shape + name + codec);
  if (!room)
    return false;
  *kept = *meta;
  kept->struct_size = sizeof *kept;
  kept->shape = (int64_t *)room;
  if (shape > 0)
    memcpy (room, meta->shape, shape);
  kept->name = memcpy (room + shape, meta->name, name);
  if (codec > 0)
    kept->codec = memcpy (room + shape + name, meta->codec, codec);
  return true;
}

static bool
room_for_tensor (adze_model *model)
{
  if (model->count < model->tensor_capacity)
    return true;
  size_t capacity = model->tensor_capacity ? model->tensor_capacity * 2 : 8;
  adze_model_tensor *grown = reallocarray (model->tensors, capacity, sizeof *model->tensors);
  if (!grown)
    return false;
  model->tensors = grown;
  model->tensor_capacity = capacity;
  return true;
}

static adze_error *
check_byte_size (const adze_tensor_meta *meta, uint64_t bytes)
{
  if (meta->byte_size == 0 || meta->byte_size == bytes)
    return NULL;
  adze_error *error = adze_error_new (
      ADZE_E_FORMAT, "it is said to take %" PRIu64 " bytes, and its type and shape give %" PRIu64,
      meta->byte_size, bytes);
  adze_error_setf (error, "needed", "%" PRIu64 " bytes", bytes);
  adze_error_setf (error, "found", "%" PRIu64 " bytes", meta->byte_size);
  return error;
}

adze_error *
adze_model_add (adze_model *model, const adze_tensor_meta *meta, adze_model_tensor **added)
{
  adze_model_tensor fresh = { .file = -1 };
  uint64_t bytes;
  size_t name = strlen (meta->name);
  adze_name_index_fetch (&model->index->names, meta->name, name);
  ADZE_TRY (adze_tensor_meta_size (meta, &fresh.elements, &bytes));
  ADZE_TRY (check_byte_size (meta, bytes));
  if (!room_for_tensor (model) || !keep_meta (model, meta, &fresh.meta))
    return adze_error_memory ();
  fresh.meta.byte_size = bytes;
  size_t earlier;
  ADZE_TRY (adze_name_index_add (&model->index->names, meta->name, name, model->count, same_name,
                                 model, &earlier));
  if (earlier != ADZE_NAME_NONE)
    return adze_error_new (ADZE_E_FORMAT, "another tensor, number %zu, has the same name", earlier);
  model->tensors[model->count] = fresh;
  *added = &model->tensors[model->count++];
  return NULL;
}

adze_error *
adze_model_retype (adze_model *model, adze_model_tensor *tensor, const adze_tensor_meta *meta)
{
  uint64_t bytes;
  adze_tensor_meta named = *meta;
  named.name = tensor->meta.name;
  ADZE_TRY (adze_tensor_meta_size (&named, &tensor->elements, &bytes));
  return keep_meta (model, &named, &tensor->meta) ? NULL : adze_error_memory ();
}

/* A model that a stage is planned to give has no index. */
static size_t
look_for (const adze_model *model, const char *name)
{
  for (size_t i = 0; i < model->count; i++)
    if (strcmp (model->tensors[i].meta.name, name) == 0)
      return i;
  return ADZE_NAME_NONE;
}

adze_model_tensor *
adze_model_find (const adze_model *model, const char *name)
{
  size_t number = model->index ? adze_name_index_find (&model->index->names, name, strlen (name),
                                                       same_name, model)
                               : look_for (model, name);
  return number == ADZE_NAME_NONE ? NULL : &model->tensors[number];
}

adze_error *
adze_model_read (const adze_model *model, const adze_model_tensor *tensor, uint64_t offset,
                 void *buffer, size_t size)
{
  if (size > tensor->meta.byte_size || offset > tensor->meta.byte_size - size)
    return adze_error_new (ADZE_E_INTERNAL,
                           "%zu bytes from %" PRIu64 " on of '%s', which has %" PRIu64, size, offset,
                           tensor->meta.name, tensor->meta.byte_size);
  if (size == 0)
    return NULL;
  if (tensor->file >= 0) {
    const adze_model_file *file = &model->files[tensor->file];
    return adze_read_at (file->fd, file->path, tensor->offset + offset, buffer, size);
  }
  if (!tensor->data)
    return adze_error_new (ADZE_E_INTERNAL, "'%s' has no data", tensor->meta.name);
  memcpy (buffer, (const char *)tensor->data + offset, size);
  return NULL;
}

/* ---- Parts. */

const adze_model_part *
adze_model_part_find (const adze_model *model, const char *id)
{
  for (size_t i = 0; i < model->part_count; i++)
    if (strcmp (model->parts[i].id, id) == 0)
      return &model->parts[i];
  return NULL;
}

static bool
room_for_part (adze_model *model)
{
  if (model->part_count < model->part_capacity)
    return true;
  size_t capacity = model->part_capacity + 4;
  adze_model_part *grown = reallocarray (model->parts, capacity, sizeof *model->parts);
  if (!grown)
    return false;
  model->parts = grown;
  model->part_capacity = capacity;
  return true;
}

adze_error *
adze_model_add_part (adze_model *model, const char *id, const void *data, size_t size)
{
  if (adze_model_part_find (model, id))
    return adze_error_new (ADZE_E_CONTRACT, "there is a part '%s' already", id);
  if (!room_for_part (model))
    return adze_error_memory ();
  adze_model_part fresh = { .id = strdup (id), .data = malloc (size + 1), .size = size };
  if (!fresh.id || !fresh.data) {
    free (fresh.id);
    free (fresh.data);
    return adze_error_memory ();
  }
  if (size > 0)
    memcpy (fresh.data, data, size);
  ((char *)fresh.data)[size] = '\0';
  model->parts[model->part_count++] = fresh;
  return NULL;
}

adze_error *
adze_model_copy_parts (const adze_model *from, adze_model *into)
{
  for (size_t i = 0; i < from->part_count; i++)
    ADZE_TRY (adze_model_add_part (into, from->parts[i].id, from->parts[i].data,
                                   from->parts[i].size));
  return NULL;
}
