/* SPDX-License-Identifier: Apache-2.0 */
/* imatrix_gguf.c: the newer form of importance matrices: a GGUF file, where a tensor's sums of squares lie under its
 * name and ".in_sum2", and how often each of its matrices was used under ".counts". */
#include <stdlib.h>
#include <string.h>

#include "imatrix_file.h"

enum { NAME_MOST = 1023, RANK_MOST = 4, DEPTH_MOST = 8, ALIGNMENT = 32, ALIGNMENT_MOST = 1 << 20 };

#define SUMS ".in_sum2"
#define COUNTS ".counts"

typedef struct numbers {
  char *name;
  uint64_t count;
  uint64_t offset;
  size_t entry; /* where it is described */
  uint32_t type;
  bool taken;
} numbers;

typedef struct reader {
  imatrix_file *file;
  uint64_t tensor_count, key_count, alignment;
  size_t begin; /* of the tensors' bytes */
  adze_entries tensors; /* of numbers */
} reader;

/* ---- Named values. */

static adze_status
skip_text (imatrix_file *file, const char *what, uint64_t *size)
{
  adze_status status = imatrix_u64 (file, what, size);
  return status == ADZE_OK ? imatrix_skip (file, *size, what) : status;
}

static adze_status
skip_value (imatrix_file *file, uint32_t type, unsigned depth)
{
  uint64_t count = 0, size = adze_meta_number_size (type);
  uint32_t item = 0;
  size_t position = file->at;
  if (size > 0)
    return imatrix_skip (file, size, "a value");
  if (type == ADZE_META_STRING)
    return skip_text (file, "a text", &count);
  if (type != ADZE_META_ARRAY || depth == DEPTH_MOST)
    return imatrix_malformed (file, position, "a value is of type %u, or arrays lie too deep in each other", type);
  adze_status status = imatrix_u32 (file, "the type of an array", &item);
  if (status == ADZE_OK)
    status = imatrix_u64 (file, "the length of an array", &count);
  size = adze_meta_number_size (item);
  if (status != ADZE_OK || size > 0)
    return status != ADZE_OK              ? status
           : count > file->size / size    ? imatrix_malformed (file, position, "an array is longer than the file")
                                          : imatrix_skip (file, count * size, "an array");
  for (uint64_t i = 0; i < count && status == ADZE_OK; i++)
    status = skip_value (file, item, depth + 1);
  return status;
}

/* The first of an array of texts that begins at AT. */
static void
take_data (imatrix_file *file, size_t at)
{
  imatrix_file look = *file;
  uint32_t item = 0;
  uint64_t count = 0, size = 0;
  look.at = at;
  if (imatrix_u32 (&look, "", &item) == ADZE_OK && item == ADZE_META_STRING
      && imatrix_u64 (&look, "", &count) == ADZE_OK && count > 0 && skip_text (&look, "", &size) == ADZE_OK)
    imatrix_text (&look, size, file->matrix->data, sizeof file->matrix->data);
}

static adze_status
take_alignment (reader *r, size_t at)
{
  uint32_t alignment = 0;
  memcpy (&alignment, r->file->bytes + at, sizeof alignment);
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > ALIGNMENT_MOST)
    return imatrix_malformed (r->file, at, "general.alignment is %u, and no power of two up to %d", alignment,
                              ALIGNMENT_MOST);
  r->alignment = alignment;
  return ADZE_OK;
}

static adze_status
read_key (reader *r)
{
  imatrix_file *file = r->file;
  char key[64];
  uint64_t size = 0;
  uint32_t type = 0;
  adze_status status = skip_text (file, "a key", &size);
  if (status != ADZE_OK)
    return status;
  imatrix_text (file, size, key, sizeof key);
  status = imatrix_u32 (file, "the type of a value", &type);
  size_t at = file->at;
  if (status == ADZE_OK)
    status = skip_value (file, type, 0);
  if (status != ADZE_OK)
    return status;
  if (strcmp (key, "general.alignment") == 0 && type == ADZE_META_U32)
    return take_alignment (r, at);
  if (strcmp (key, "imatrix.chunk_count") == 0 && type == ADZE_META_U32)
    memcpy (&file->matrix->chunks, file->bytes + at, sizeof file->matrix->chunks);
  if (strcmp (key, "imatrix.datasets") == 0 && type == ADZE_META_ARRAY)
    take_data (file, at);
  return ADZE_OK;
}

/* ---- Tensors. */

static adze_status
read_shape (imatrix_file *file, numbers *tensor)
{
  uint32_t rank = 0;
  adze_status status = imatrix_u32 (file, "the rank of a tensor", &rank);
  if (status == ADZE_OK && (rank == 0 || rank > RANK_MOST))
    return imatrix_malformed (file, tensor->entry, "a tensor has %u dimensions", rank);
  tensor->count = 1;
  for (uint32_t i = 0; i < rank && status == ADZE_OK; i++) {
    uint64_t length = 0;
    status = imatrix_u64 (file, "the shape of a tensor", &length);
    if (status == ADZE_OK && (length == 0 || length > file->size / tensor->count))
      return imatrix_malformed (file, tensor->entry, "a tensor is empty, or larger than the file");
    tensor->count *= length;
  }
  return status;
}

static adze_status
read_tensor (reader *r)
{
  imatrix_file *file = r->file;
  char name[NAME_MOST + 1];
  uint64_t size = 0;
  numbers tensor = { .entry = file->at };
  adze_status status = skip_text (file, "the name of a tensor", &size);
  if (status == ADZE_OK && (size == 0 || size > NAME_MOST))
    return imatrix_malformed (file, tensor.entry, "the name of a tensor has %llu bytes; 1 to %d are needed",
                              (unsigned long long)size, NAME_MOST);
  if (status != ADZE_OK)
    return status;
  imatrix_text (file, size, name, sizeof name);
  status = read_shape (file, &tensor);
  if (status == ADZE_OK)
    status = imatrix_u32 (file, "the type of a tensor", &tensor.type);
  if (status == ADZE_OK)
    status = imatrix_u64 (file, "the place of a tensor", &tensor.offset);
  return status == ADZE_OK ? adze_entries_add (file->host, &r->tensors, &tensor, sizeof tensor, name) : status;
}

/* Its floats lie in the file. */
static adze_status
check_place (const reader *r, const numbers *tensor)
{
  uint64_t size = tensor->count * sizeof (float), room = r->file->size - r->begin;
  if (tensor->type != 0)
    return imatrix_malformed (r->file, tensor->entry, "'%.200s' is of type %u; needed is f32 (0)", tensor->name,
                              tensor->type);
  if (tensor->offset > room || size > room - tensor->offset || tensor->offset % sizeof (float) != 0)
    return imatrix_malformed (r->file, tensor->entry, "'%.200s' would lie at byte %llu of %llu, with %llu bytes",
                              tensor->name, (unsigned long long)tensor->offset, (unsigned long long)room,
                              (unsigned long long)size);
  return ADZE_OK;
}

/* How often each part was used, as whole numbers, which is how llama-quantize takes them. */
static adze_status
read_counts (const reader *r, const numbers *counts, float *divisors)
{
  memcpy (divisors, r->file->bytes + r->begin + counts->offset, (size_t)counts->count * sizeof *divisors);
  for (uint64_t i = 0; i < counts->count; i++) {
    if (!(divisors[i] >= 0 && divisors[i] < 0x1p31f))
      return imatrix_malformed (r->file, r->begin + (size_t)counts->offset,
                                "count %llu of '%.200s' is %g; needed is a number of times", (unsigned long long)i,
                                counts->name, (double)divisors[i]);
    divisors[i] = (float)(int64_t)((double)divisors[i] + 0.5);
  }
  return ADZE_OK;
}

static adze_status
add_entry (const reader *r, const char *name, const numbers *sums, const numbers *counts)
{
  imatrix_sums all = { .name = name, .position = r->begin + (size_t)sums->offset, .count = sums->count };
  adze_status status = check_place (r, sums);
  if (status == ADZE_OK)
    status = check_place (r, counts);
  if (status == ADZE_OK && sums->count % counts->count != 0)
    return imatrix_malformed (r->file, counts->entry, "'%.200s' has %llu numbers for %llu sums", counts->name,
                              (unsigned long long)counts->count, (unsigned long long)sums->count);
  float *divisors = status == ADZE_OK ? (float *)malloc ((size_t)counts->count * sizeof *divisors) : NULL;
  if (status == ADZE_OK && !divisors)
    return adze_fail (r->file->host, ADZE_E_MEMORY, "no room for the counts of '%.200s'", name);
  if (status == ADZE_OK)
    status = read_counts (r, counts, divisors);
  all.divisors = divisors;
  all.each = sums->count / counts->count;
  if (status == ADZE_OK)
    status = imatrix_add (r->file, &all);
  free (divisors);
  return status;
}

static bool
ends_with (const char *name, const char *end)
{
  size_t length = strlen (name), size = strlen (end);
  return length > size && strcmp (name + length - size, end) == 0;
}

static adze_status
take_sums (reader *r, const numbers *sums)
{
  char name[NAME_MOST + 1], other[NAME_MOST + sizeof COUNTS];
  int length = (int)(strlen (sums->name) - strlen (SUMS));
  snprintf (name, sizeof name, "%.*s", length, sums->name);
  snprintf (other, sizeof other, "%.*s" COUNTS, length, sums->name);
  numbers *counts = (numbers *)adze_entries_find (&r->tensors, other);
  if (!counts)
    return imatrix_malformed (r->file, sums->entry, "there is '%.200s', and no '" COUNTS "' beside it", sums->name);
  counts->taken = true;
  return add_entry (r, name, sums, counts);
}

static adze_status
take_all (reader *r)
{
  adze_status status = adze_entries_sort (r->file->host, &r->tensors);
  for (size_t i = 0; i < r->tensors.count && status == ADZE_OK; i++) {
    const numbers *tensor = (const numbers *)adze_entries_at (&r->tensors, i);
    if (ends_with (tensor->name, SUMS))
      status = take_sums (r, tensor);
  }
  for (size_t i = 0; i < r->tensors.count && status == ADZE_OK; i++) {
    const numbers *tensor = (const numbers *)adze_entries_at (&r->tensors, i);
    if (ends_with (tensor->name, COUNTS) && !tensor->taken)
      return imatrix_malformed (r->file, tensor->entry, "there is '%.200s', and no '" SUMS "' beside it",
                                tensor->name);
  }
  return status;
}

/* ---- The file. */

static adze_status
read_head (reader *r)
{
  imatrix_file *file = r->file;
  uint32_t version = 0;
  adze_status status = imatrix_skip (file, 4, "the word GGUF");
  if (status == ADZE_OK)
    status = imatrix_u32 (file, "the version", &version);
  if (status == ADZE_OK && version != 2 && version != 3)
    return imatrix_malformed (file, 4, "the version is %u; 2 and 3 are read", version);
  if (status == ADZE_OK)
    status = imatrix_u64 (file, "the number of tensors", &r->tensor_count);
  if (status == ADZE_OK)
    status = imatrix_u64 (file, "the number of named values", &r->key_count);
  for (uint64_t i = 0; i < r->key_count && status == ADZE_OK; i++)
    status = read_key (r);
  for (uint64_t i = 0; i < r->tensor_count && status == ADZE_OK; i++)
    status = read_tensor (r);
  uint64_t gap = (r->alignment - file->at % r->alignment) % r->alignment;
  if (status == ADZE_OK && r->tensor_count > 0)
    status = imatrix_skip (file, gap, "what stands in front of the tensors");
  r->begin = file->at;
  return status;
}

adze_status
imatrix_read_gguf (imatrix_file *file)
{
  reader r = { .file = file, .alignment = ALIGNMENT };
  adze_status status = read_head (&r);
  if (status == ADZE_OK)
    status = take_all (&r);
  adze_entries_end (file->host, &r.tensors);
  return status;
}
