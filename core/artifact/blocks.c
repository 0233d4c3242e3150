/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/blocks.c: blocks of codecs as rows of bytes, and back. */
#include "artifact/blocks.h"

#include <string.h>

#include "artifact/codec.h"
#include "base/json.h"

#define BLOCK "block"

/* ---- As bytes. */

adze_tensor_meta
adze_blocks_as_bytes (const adze_tensor_meta *meta, int64_t shape[ADZE_RANK_MAX])
{
  adze_tensor_meta bytes = *meta;
  int32_t last = meta->rank > 0 ? meta->rank - 1 : 0;
  int64_t row = meta->rank > 0 ? meta->shape[last] : 1;
  for (int32_t i = 0; i < last; i++)
    shape[i] = meta->shape[i];
  shape[last] = row / meta->block_elements * meta->block_bytes;
  bytes.rank = last + 1;
  bytes.shape = shape;
  bytes.dtype = (adze_dtype){ ADZE_UINT, 8, 1 };
  bytes.codec = NULL;
  bytes.block_elements = bytes.block_bytes = 0;
  return bytes;
}

/* ---- What is said of them. */

static void
put_whole (adze_value *list, int64_t number)
{
  adze_json_int (list, NULL, number);
}

/* Of a codec that is not here nobody knows the revision. */
static void
put_revision (adze_runtime *runtime, const char *codec, adze_value *into)
{
  ADZE_AUTO_CODEC use = NULL;
  ADZE_AUTO_ERROR unknown = adze_codec_open (runtime, codec, NULL, NULL, &use);
  if (!unknown)
    adze_json_int (into, "revision", adze_codec_revision (use));
}

static adze_value *
coded_by_others (adze_runtime *runtime, const adze_tensor_meta *meta)
{
  adze_value *coded = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (coded, "codec", meta->codec);
  put_revision (runtime, meta->codec, coded);
  adze_value *shape = adze_json_list (coded, "shape");
  for (int32_t i = 0; i < meta->rank; i++)
    put_whole (shape, meta->shape[i]);
  return coded;
}

static adze_error *
copy_entry (const adze_value *entry, adze_value *into)
{
  adze_value *copy = adze_value_copy (entry);
  return copy ? adze_value_append (into, entry->key, copy) : adze_error_memory ();
}

/* All of FROM (NULL: nothing) but KEY. */
static adze_error *
copy_others (const adze_value *from, const char *key, adze_value **into)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  if (!table)
    return adze_error_memory ();
  for (size_t i = 0; from && i < from->count; i++)
    if (strcmp (from->items[i]->key, key) != 0)
      ADZE_TRY (copy_entry (from->items[i], table));
  *into = adze_take (&table);
  return NULL;
}

adze_error *
adze_blocks_traits (adze_runtime *runtime, const adze_model_tensor *tensor, adze_value **traits)
{
  const adze_tensor_meta *meta = &tensor->meta;
  const adze_value *said = adze_value_get (tensor->traits, ADZE_TRAIT_CODED);
  ADZE_AUTO_VALUE all = NULL;
  ADZE_AUTO_VALUE coded = said ? adze_value_copy (said) : coded_by_others (runtime, meta);
  adze_value *block = adze_json_list (coded, BLOCK);
  put_whole (block, meta->block_elements);
  put_whole (block, meta->block_bytes);
  if (adze_json_failed (coded))
    return adze_error_memory ();
  ADZE_TRY (copy_others (tensor->traits, ADZE_TRAIT_CODED, &all));
  ADZE_TRY (adze_value_append (all, ADZE_TRAIT_CODED, adze_take (&coded)));
  *traits = adze_take (&all);
  return NULL;
}

/* ---- And back. */

static bool
get_whole (const adze_value *list, size_t number, int64_t most, int64_t *into)
{
  const adze_value *item = list->items[number];
  *into = item->integer;
  return item->type == ADZE_VALUE_INT && item->integer >= 0 && item->integer <= most;
}

/* The tensor that CODED tells of, with the bytes of BYTES; false: it does not tell of one. */
static bool
meta_of (const adze_value *coded, const adze_tensor_meta *bytes, int64_t shape[ADZE_RANK_MAX], adze_tensor_meta *meta)
{
  const adze_value *codec = adze_value_get (coded, "codec"), *sizes = adze_value_get (coded, "shape");
  const adze_value *block = adze_value_get (coded, BLOCK);
  int64_t elements, size;
  *meta = *bytes;
  if (!codec || codec->type != ADZE_VALUE_STRING || !sizes || sizes->type != ADZE_VALUE_LIST
      || sizes->count > ADZE_RANK_MAX || block->type != ADZE_VALUE_LIST || block->count != 2)
    return false;
  if (!get_whole (block, 0, UINT32_MAX, &elements) || !get_whole (block, 1, UINT32_MAX, &size))
    return false;
  for (size_t i = 0; i < sizes->count; i++)
    if (!get_whole (sizes, i, INT64_MAX, &shape[i]))
      return false;
  meta->rank = (int32_t)sizes->count;
  meta->shape = shape;
  meta->dtype = (adze_dtype){ ADZE_OPAQUE, 8, 1 };
  meta->codec = codec->string;
  meta->block_elements = (uint32_t)elements;
  meta->block_bytes = (uint32_t)size;
  return true;
}

/* Would BLOCKS lie in just such BYTES? */
static bool
fits (const adze_tensor_meta *blocks, const adze_tensor_meta *bytes)
{
  int64_t shape[ADZE_RANK_MAX];
  uint64_t elements, size;
  ADZE_AUTO_ERROR error = adze_tensor_meta_size (blocks, &elements, &size);
  if (error)
    return false;
  const adze_tensor_meta again = adze_blocks_as_bytes (blocks, shape);
  return adze_tensor_meta_equal (&again, bytes);
}

/* What a stage has said of the tensor is kept, but for the length of blocks, which its type has again. */
static adze_error *
keep_traits (adze_model_tensor *tensor, const adze_value *coded)
{
  ADZE_AUTO_VALUE others = NULL;
  ADZE_AUTO_VALUE rest = NULL;
  ADZE_TRY (copy_others (tensor->traits, ADZE_TRAIT_CODED, &others));
  ADZE_TRY (copy_others (coded, BLOCK, &rest));
  others->key = adze_take (&tensor->traits->key);
  if (adze_value_get (rest, "type"))
    ADZE_TRY (adze_value_append (others, ADZE_TRAIT_CODED, adze_take (&rest)));
  adze_value_free (tensor->traits);
  tensor->traits = others->count > 0 ? adze_take (&others) : NULL;
  return NULL;
}

static adze_error *
restore (adze_runtime *runtime, adze_model *model, adze_model_tensor *tensor)
{
  const adze_value *coded = adze_value_get (tensor->traits, ADZE_TRAIT_CODED);
  int64_t shape[ADZE_RANK_MAX];
  adze_tensor_meta meta;
  if (!adze_value_get (coded, BLOCK))
    return NULL;
  if (meta_of (coded, &tensor->meta, shape, &meta) && fits (&meta, &tensor->meta))
    ADZE_TRY (adze_model_retype (model, tensor, &meta));
  else
    adze_event_bus_log (runtime->bus, NULL, ADZE_LOG_WARNING,
                        "%s says that the tensor '%.80s' is blocks of a codec, which its bytes cannot be; they are taken for "
                        "what they are",
                        model->path, tensor->meta.name);
  return keep_traits (tensor, coded);
}

adze_error *
adze_blocks_restore (adze_runtime *runtime, adze_model *model)
{
  for (size_t i = 0; i < model->count; i++)
    if (model->tensors[i].traits)
      ADZE_TRY (restore (runtime, model, &model->tensors[i]));
  return NULL;
}
