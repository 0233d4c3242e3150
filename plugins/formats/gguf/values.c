/* SPDX-License-Identifier: Apache-2.0 */
/* values.c: named values. Each is looked through first, and built only then: so what is allocated
 * for it is what it was seen to need. */
#include "gguf.h"

/* The least that a value of a type takes in a file. */
static uint64_t
least_size (uint32_t type)
{
  size_t size = adze_meta_number_size (type);
  return size ? size : type == ADZE_META_STRING ? 8 : 12;
}

static adze_status
check_type (gguf_window *window, uint32_t type)
{
  if (type <= ADZE_META_F64)
    return ADZE_OK;
  return gguf_malformed (window, gguf_position (window) - 4,
                         "%" PRIu32 " is no type of a value; 0 (u8) to 12 (f64) are", type);
}

static adze_status
check_bools (gguf_window *window, uint64_t count)
{
  const unsigned char *bytes = window->bytes + window->at;
  for (uint64_t i = 0; i < count; i++)
    if (bytes[i] > 1)
      return gguf_malformed (window, gguf_position (window) + i,
                             "a truth value is %u; 0 and 1 are the ones there are", bytes[i]);
  return ADZE_OK;
}

static adze_status
skim_numbers (gguf_window *window, uint32_t type, uint64_t count)
{
  /* The count has been held against the file's size, so the product cannot overflow. */
  uint64_t size = count * adze_meta_number_size (type);
  adze_status status = gguf_need (window, size, "a value");
  if (status == ADZE_OK && type == ADZE_META_BOOL)
    status = check_bools (window, count);
  if (status == ADZE_OK)
    window->at += (size_t)size;
  return status;
}

static adze_status
skim_array (gguf_window *window, unsigned depth, size_t *memory)
{
  uint32_t item = 0;
  uint64_t count = 0;
  uint64_t position = gguf_position (window);
  if (depth >= ADZE_META_DEPTH_MAX)
    return gguf_malformed (window, position, "arrays are nested more than %d deep",
                           ADZE_META_DEPTH_MAX);
  adze_status status = gguf_read_u32 (window, "the type of an array", &item);
  if (status == ADZE_OK)
    status = check_type (window, item);
  if (status == ADZE_OK)
    status = gguf_read_u64 (window, "the length of an array", &count);
  if (status == ADZE_OK)
    status = gguf_check_count (window, count, least_size (item), "entries of an array");
  if (status != ADZE_OK)
    return status;
  if (adze_meta_number_size (item))
    return skim_numbers (window, item, count);
  if (item == ADZE_META_ARRAY) {
    window->arrays += count;
    status = gguf_check_entries (window, window->arrays, "arrays in arrays");
  }
  for (uint64_t i = 0; i < count && status == ADZE_OK; i++) {
    *memory += item == ADZE_META_STRING ? sizeof (adze_text) : sizeof (adze_meta);
    status = gguf_skim_value (window, item, depth + 1, memory);
  }
  return status;
}

/* Calls itself for arrays in arrays, to a depth that the format of the values bounds. */
adze_status
gguf_skim_value (gguf_window *window, uint32_t type, unsigned depth, size_t *memory)
{
  uint64_t size = 0;
  adze_status status = check_type (window, type);
  if (status != ADZE_OK)
    return status;
  if (type == ADZE_META_STRING)
    return gguf_read_text (window, "a text", &size);
  if (type == ADZE_META_ARRAY)
    return skim_array (window, depth, memory);
  return skim_numbers (window, type, 1);
}

/* Where building has got to. */
typedef struct gguf_builder {
  const unsigned char *bytes;
  char *memory;
} gguf_builder;

static void *
take (gguf_builder *builder, size_t size)
{
  void *memory = builder->memory;
  if (size > 0) /* without any there is no memory at all */
    builder->memory += size;
  return memory;
}

static adze_text
build_text (gguf_builder *builder)
{
  adze_text text = { (const char *)builder->bytes + 8, gguf_get_u64 (builder->bytes) };
  builder->bytes += 8 + text.size;
  return text;
}

static void build (gguf_builder *builder, uint32_t type, adze_meta *value);

static void
build_array (gguf_builder *builder, adze_meta *value)
{
  value->item = gguf_get_u32 (builder->bytes);
  value->count = gguf_get_u64 (builder->bytes + 4);
  builder->bytes += 12;
  value->items = builder->bytes;
  if (value->item == ADZE_META_STRING) {
    adze_text *texts = take (builder, value->count * sizeof *texts);
    for (uint64_t i = 0; i < value->count; i++)
      texts[i] = build_text (builder);
    value->items = texts;
  } else if (value->item == ADZE_META_ARRAY) {
    adze_meta *values = take (builder, value->count * sizeof *values);
    for (uint64_t i = 0; i < value->count; i++)
      build (builder, ADZE_META_ARRAY, &values[i]);
    value->items = values;
  } else
    builder->bytes += value->count * adze_meta_number_size (value->item);
}

static void
build (gguf_builder *builder, uint32_t type, adze_meta *value)
{
  *value = (adze_meta){ .type = type };
  if (type == ADZE_META_STRING)
    value->text = build_text (builder);
  else if (type == ADZE_META_ARRAY)
    build_array (builder, value);
  else {
    size_t size = adze_meta_number_size (type);
    for (size_t i = 0; i < size; i++)
      value->bits |= (uint64_t)builder->bytes[i] << (8 * i);
    builder->bytes += size;
  }
}

void
gguf_build_value (const unsigned char *bytes, uint32_t type, void *memory, adze_meta *value)
{
  gguf_builder builder = { bytes, memory };
  build (&builder, type, value);
}
