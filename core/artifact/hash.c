/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/hash.c: what a model is, whatever file it lies in.
 *
 * The hash is XXH3-128: it guards against accident, not against somebody who means harm. What is
 * hashed is a stream of numbers of eight little-endian bytes and of texts, each text behind its
 * length, so that no two things give the same stream.
 *
 * Names count, and so does the order of tensors, metadata, parts and traits: what is made of a model is
 * written in its order, so that two models that differ in nothing else give files that differ. */
#include <string.h>

/* The state lies on the stack, and its size must be that of the code that fills it. */
#define XXH_INLINE_ALL 1
#include <xxhash.h>

#include "artifact/hash_wide.h"

/* Changes with what is hashed, so that results of another adze are not taken for ours. */
#define STREAM_VERSION 3

/* Does a stretch of so many elements end with a whole block and a whole byte? */
static bool
ends_whole (const adze_tensor_meta *meta, uint64_t elements)
{
  if (meta->codec)
    return elements % meta->block_elements == 0;
  return elements % 8 * meta->dtype.bits * meta->dtype.lanes % 8 == 0;
}

/* As many whole rows as fit, at least as many as end with a byte. */
static uint64_t
leaf_of_rows (const adze_tensor_meta *meta, uint64_t row)
{
  uint64_t unit = 1;
  while (!ends_whole (meta, unit * row))
    unit *= 2;
  uint64_t units = ADZE_LEAF_ELEMENTS / row / unit;
  return (units ? units : 1) * unit * row;
}

/* A row that is too long is cut into equal stretches, so that whole rows are whole leaves still. One
 * that cannot be, its length being a prime number or nearly one, is a leaf by itself. */
static uint64_t
leaf_in_row (const adze_tensor_meta *meta, uint64_t row)
{
  enum { TRIES = 4096 };
  uint64_t least = row / ADZE_LEAF_ELEMENTS + (row % ADZE_LEAF_ELEMENTS != 0);
  for (uint64_t cuts = least; cuts < least + TRIES && cuts <= least * 16; cuts++)
    if (row % cuts == 0 && ends_whole (meta, row / cuts))
      return row / cuts;
  return ends_whole (meta, row) ? row : leaf_of_rows (meta, row);
}

uint64_t
adze_leaf_elements (const adze_tensor_meta *meta)
{
  uint64_t row = meta->rank > 0 ? (uint64_t)meta->shape[meta->rank - 1] : 1;
  uint64_t rows = 1;
  for (int32_t i = 0; i < meta->rank - 1; i++)
    rows *= (uint64_t)meta->shape[i];
  if (row == 0 || rows == 0)
    return ADZE_LEAF_ELEMENTS;
  if (row <= ADZE_LEAF_ELEMENTS)
    return leaf_of_rows (meta, row);
  if (rows > 1)
    return leaf_in_row (meta, row);
  uint64_t block = meta->codec ? meta->block_elements : 1;
  return block < ADZE_LEAF_ELEMENTS ? ADZE_LEAF_ELEMENTS / block * block : block;
}

/* ---- The stream. */

typedef struct stream {
  XXH3_state_t state;
} stream;

static void
begin (stream *into, const char *what)
{
  XXH3_128bits_reset (&into->state);
  XXH3_128bits_update (&into->state, what, strlen (what) + 1);
}

static void
put_number (stream *into, uint64_t number)
{
  unsigned char bytes[8];
  for (unsigned i = 0; i < 8; i++)
    bytes[i] = (unsigned char)(number >> 8 * i);
  XXH3_128bits_update (&into->state, bytes, sizeof bytes);
}

static void
put_bytes (stream *into, const void *bytes, size_t size)
{
  put_number (into, size);
  if (size > 0)
    XXH3_128bits_update (&into->state, bytes, size);
}

static void
put_text (stream *into, const char *text)
{
  put_bytes (into, text, strlen (text));
}

static void
put_hash (stream *into, adze_hash128 hash)
{
  put_number (into, hash.low);
  put_number (into, hash.high);
}

static adze_hash128
end (stream *from)
{
  XXH128_hash_t hash = XXH3_128bits_digest (&from->state);
  return (adze_hash128){ hash.low64, hash.high64 };
}

/* ---- Values. */

static void
put_value (stream *into, const adze_value *value)
{
  char real[ADZE_REAL_TEXT];
  put_number (into, value->type);
  switch (value->type) {
  case ADZE_VALUE_BOOL:
    put_number (into, value->boolean);
    break;
  case ADZE_VALUE_INT:
    put_number (into, (uint64_t)value->integer);
    break;
  case ADZE_VALUE_FLOAT:
    adze_real_text (value->real, real);
    put_text (into, real);
    break;
  case ADZE_VALUE_STRING:
  case ADZE_VALUE_DATE:
    put_bytes (into, value->string, value->string_size);
    break;
  case ADZE_VALUE_LIST:
  case ADZE_VALUE_TABLE:
    put_number (into, value->count);
    for (size_t i = 0; i < value->count; i++) {
      const adze_value *item = value->items[i];
      if (value->type == ADZE_VALUE_TABLE)
        put_bytes (into, item->key, item->key_size);
      put_value (into, item);
    }
    break;
  }
}

static void
put_meta (stream *into, const adze_meta *value)
{
  put_number (into, value->type);
  if (value->type == ADZE_META_STRING) {
    put_bytes (into, value->text.data, (size_t)value->text.size);
    return;
  }
  if (value->type != ADZE_META_ARRAY) {
    put_number (into, value->bits);
    return;
  }
  put_number (into, value->item);
  put_number (into, value->count);
  size_t size = adze_meta_number_size (value->item);
  if (size > 0) {
    put_bytes (into, value->items, (size_t)value->count * size);
    return;
  }
  for (uint64_t i = 0; i < value->count; i++)
    if (value->item == ADZE_META_STRING) {
      const adze_text *text = (const adze_text *)value->items + i;
      put_bytes (into, text->data, (size_t)text->size);
    } else {
      put_meta (into, (const adze_meta *)value->items + i);
    }
}

/* ---- Leaves, tensors, models. */

adze_hash128
adze_leaf_hash (const void *bytes, size_t size)
{
#ifdef __x86_64__
  if (__builtin_cpu_supports ("avx512f"))
    return adze_leaf_hash_avx512 (bytes, size);
  if (__builtin_cpu_supports ("avx2"))
    return adze_leaf_hash_avx2 (bytes, size);
#endif
  XXH128_hash_t hash = XXH3_128bits (bytes, size);
  return (adze_hash128){ hash.low64, hash.high64 };
}

adze_hash128
adze_tensor_hash (const adze_model_tensor *tensor, const adze_hash128 *leaves, size_t leaf_count)
{
  stream into;
  const adze_tensor_meta *meta = &tensor->meta;
  begin (&into, "adze.tensor");
  put_number (&into, STREAM_VERSION);
  put_text (&into, meta->name);
  put_number (&into, meta->codec != NULL);
  if (meta->codec) {
    put_text (&into, meta->codec);
    put_number (&into, meta->block_elements);
    put_number (&into, meta->block_bytes);
  } else {
    put_number (&into, meta->dtype.code);
    put_number (&into, meta->dtype.bits);
    put_number (&into, meta->dtype.lanes);
  }
  put_number (&into, (uint64_t)meta->rank);
  for (int32_t i = 0; i < meta->rank; i++)
    put_number (&into, (uint64_t)meta->shape[i]);
  put_number (&into, tensor->traits && tensor->traits->count > 0);
  if (tensor->traits && tensor->traits->count > 0)
    put_value (&into, tensor->traits);
  put_number (&into, leaf_count);
  for (size_t i = 0; i < leaf_count; i++)
    put_hash (&into, leaves[i]);
  return end (&into);
}

adze_hash128
adze_model_hash (const adze_model *model, const adze_hash128 *tensors)
{
  stream into;
  begin (&into, "adze.model");
  put_number (&into, STREAM_VERSION);
  put_number (&into, model->count);
  for (size_t i = 0; i < model->count; i++)
    put_hash (&into, tensors[i]);
  put_number (&into, model->metadata.count);
  for (size_t i = 0; i < model->metadata.count; i++) {
    const adze_metadata_entry *entry = &model->metadata.entries[i];
    put_bytes (&into, entry->key, entry->key_size);
    put_meta (&into, &entry->value);
  }
  put_number (&into, model->part_count);
  for (size_t i = 0; i < model->part_count; i++) {
    put_text (&into, model->parts[i].id);
    put_bytes (&into, model->parts[i].data, model->parts[i].size);
  }
  return end (&into);
}
