/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/meta.h: names of element types, sizes of tensors, named values. Nothing here is about
 * any one file format. */
#ifndef ADZE_ARTIFACT_META_H
#define ADZE_ARTIFACT_META_H

#include <adze/draft/model.h>

#include "base/error.h"
#include "base/value.h"

/* "f32", "bf16", "u8", "bool", "f8_e4m3fn", "i4" ...; NULL for a type without a name. And back. */
const char *adze_dtype_name (adze_dtype dtype);
bool adze_dtype_parse (const char *name, adze_dtype *dtype);

/* Name of what the elements are: the codec's id, or the type's name, or "?". */
const char *adze_meta_type_word (const adze_tensor_meta *meta);

/* Elements, and bytes, of a tensor; an error (ADZE_E_FORMAT) when there cannot be such a tensor:
 * rank, negative dimension, product beyond 2^63 - 1, blocks that do not divide the last
 * dimension. A dimension of 0 does not hide others whose product nobody could compute. */
ADZE_MUST_CHECK adze_error *adze_tensor_meta_size (const adze_tensor_meta *meta,
                                                   uint64_t *elements, uint64_t *bytes);

/* Elements of one that is known to be possible. */
uint64_t adze_tensor_meta_elements (const adze_tensor_meta *meta);

/* Elements of a row, of which patterns such as 2:4 speak: all behind the first dimension; of a vector all. Never 0. */
uint64_t adze_tensor_meta_row (const adze_tensor_meta *meta);

/* Bytes that ELEMENTS of it take, from the first on: those that end with a whole block. */
uint64_t adze_tensor_meta_bytes (const adze_tensor_meta *meta, uint64_t elements);

/* A deep copy in one block of memory, freed with free(); NULL without memory. */
adze_tensor_meta *adze_tensor_meta_copy (const adze_tensor_meta *meta);
/* Same name, type, codec, blocks and shape. */
bool adze_tensor_meta_equal (const adze_tensor_meta *a, const adze_tensor_meta *b);
bool adze_tensor_meta_same_shape (const adze_tensor_meta *a, const adze_tensor_meta *b);
/* "[784, 256]" */
void adze_shape_text (int32_t rank, const int64_t *shape, adze_buffer *into);

/* ---- Named values, in order. */

typedef struct adze_metadata_entry {
  char *key; /* NUL-terminated; may hold NULs inside */
  size_t key_size;
  adze_meta value; /* owns its text and items */
} adze_metadata_entry;

typedef struct adze_metadata {
  adze_metadata_entry *entries;
  size_t count;
  size_t capacity;
} adze_metadata;

void adze_metadata_cleanup (adze_metadata *metadata);
/* Copies. A key that is there already keeps its place and gets the new value. */
ADZE_MUST_CHECK adze_error *adze_metadata_set (adze_metadata *metadata, const char *key,
                                               size_t key_size, const adze_meta *value);
/* The same for a key that is known not to be there. */
ADZE_MUST_CHECK adze_error *adze_metadata_append (adze_metadata *metadata, const char *key,
                                                  size_t key_size, const adze_meta *value);
void adze_metadata_remove (adze_metadata *metadata, const char *key);
const adze_meta *adze_metadata_get (const adze_metadata *metadata, const char *key); /* or NULL */
ADZE_MUST_CHECK adze_error *adze_metadata_copy (const adze_metadata *from, adze_metadata *into);
bool adze_meta_equal (const adze_meta *a, const adze_meta *b);
/* Is the value sound: known types, depth, counts? What a plugin hands over is checked with it. */
ADZE_MUST_CHECK adze_error *adze_meta_check (const adze_meta *value);
/* As JSON; long arrays cut after MOST entries, with a last entry that says how many are left out.
 * 0: whole. */
void adze_meta_json (const adze_meta *value, size_t most, adze_value *into, const char *key);

#endif
