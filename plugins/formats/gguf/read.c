/* SPDX-License-Identifier: Apache-2.0 */
/* read.c: what there is in a file, or in the files of a model that was split. */
#include <stdlib.h>

#include "gguf.h"

typedef struct gguf_reader {
  const adze_host *host;
  const adze_catalog_service *service;
  adze_catalog *catalog;
  uint64_t limit; /* bytes of structure that may still be read */
} gguf_reader;

bool
gguf_shard_name (const char *name, size_t *prefix, uint32_t *number, uint32_t *count)
{
  size_t length = strlen (name);
  const size_t suffix = strlen ("-00001-of-00003.gguf");
  if (length <= suffix)
    return false;
  const char *tail = name + length - suffix;
  const char *pattern = "-#####-of-#####.gguf";
  uint32_t numbers[2] = { 0, 0 };
  for (size_t i = 0; i < suffix; i++) {
    if (pattern[i] != '#') {
      if (tail[i] != pattern[i])
        return false;
    } else if (tail[i] < '0' || tail[i] > '9')
      return false;
    else
      numbers[i > 6] = numbers[i > 6] * 10 + (uint32_t)(tail[i] - '0');
  }
  *prefix = length - suffix;
  *number = numbers[0];
  *count = numbers[1];
  return true;
}

/* The first bytes of formats that came before this one. */
static adze_status
check_magic (gguf_window *window)
{
  static const struct {
    const char *magic;
    const char *is;
  } others[] = {
    { "lmgg", "a file of GGML, which came before GGUF; llama.cpp's older converters read it" },
    { "fmgg", "a file of GGMF, which came before GGUF; llama.cpp's older converters read it" },
    { "tjgg", "a file of GGJT, which came before GGUF; llama.cpp's older converters read it" },
    { "algg", "a file of GGLA, which holds a low-rank adapter from before GGUF" }
  };
  adze_status status = gguf_need (window, 4, "the word GGUF at the beginning");
  if (status != ADZE_OK)
    return status;
  const unsigned char *bytes = window->bytes;
  if (memcmp (bytes, GGUF_MAGIC, 4) == 0) {
    window->at += 4;
    return ADZE_OK;
  }
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (memcmp (bytes, others[i].magic, 4) == 0)
      return adze_fail (window->host, ADZE_E_UNSUPPORTED, "%s: this is %s", window->name,
                        others[i].is);
  return gguf_malformed (window, 0,
                         "needed are the letters GGUF, found are the bytes %02x %02x %02x %02x",
                         bytes[0], bytes[1], bytes[2], bytes[3]);
}

static adze_status
check_version (gguf_window *window)
{
  uint32_t version = 0;
  adze_status status = gguf_read_u32 (window, "the version", &version);
  if (status != ADZE_OK)
    return status;
  if (version == 2 || version == 3)
    return ADZE_OK;
  if (version != 0 && (version & 0xffff) == 0)
    return adze_fail (window->host, ADZE_E_UNSUPPORTED,
                      "%s: version %" PRIu32 " with its bytes reversed: this is a big-endian GGUF "
                      "file, and only little-endian ones are read; convert it with llama.cpp's "
                      "gguf-convert-endian",
                      window->name, __builtin_bswap32 (version));
  if (version == 1)
    return adze_fail (window->host, ADZE_E_UNSUPPORTED,
                      "%s: version 1 of GGUF, which nobody reads any more; versions 2 and 3 are "
                      "read: convert the original model again",
                      window->name);
  if (version == 0)
    return gguf_malformed (window, 4, "version 0 is no version of GGUF; 2 and 3 are read");
  return adze_fail (window->host, ADZE_E_UNSUPPORTED,
                    "%s: version %" PRIu32
                    " of GGUF; 2 and 3 are read, a later release of adze may "
                    "know more",
                    window->name, version);
}

/* ---- Keys that say how the file itself is laid out. */

static bool
is_integer (uint32_t type)
{
  return adze_meta_number_size (type) && type != ADZE_META_BOOL && type != ADZE_META_F32
         && type != ADZE_META_F64;
}

static adze_status
take_alignment (gguf_window *window, uint64_t position, const adze_meta *value, gguf_part *part)
{
  if (value->type != ADZE_META_U32)
    return gguf_malformed (window, position,
                           GGUF_KEY_ALIGNMENT " has the type %" PRIu32 "; it is a u32 (4)",
                           value->type);
  if (value->bits == 0 || (value->bits & (value->bits - 1)) != 0
      || value->bits > GGUF_ALIGNMENT_MAX)
    return gguf_malformed (window, position,
                           GGUF_KEY_ALIGNMENT
                           " is %" PRIu64 "; it must be a power of two, and %" PRIu32 " at most",
                           value->bits, GGUF_ALIGNMENT_MAX);
  part->alignment = (uint32_t)value->bits;
  return ADZE_OK;
}

/* *IS_SPLIT: it was one of the keys that are no content, since they say which file of how many
 * this is. */
static adze_status
take_split (gguf_window *window, uint64_t position, const char *key, size_t size,
            const adze_meta *value, gguf_part *part, bool *is_split)
{
  const struct {
    const char *key;
    uint64_t *into;
  } keys[] = { { GGUF_KEY_SPLIT_NO, &part->split_no },
               { GGUF_KEY_SPLIT_COUNT, &part->split_count },
               { GGUF_KEY_SPLIT_TENSORS, &part->split_tensors } };
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
    if (size == strlen (keys[i].key) && memcmp (key, keys[i].key, size) == 0) {
      *is_split = true;
      if (!is_integer (value->type))
        return gguf_malformed (window, position,
                               "%s has the type %" PRIu32 "; it is a whole number", keys[i].key,
                               value->type);
      *keys[i].into = value->bits;
      part->has_split_tensors |= keys[i].into == &part->split_tensors;
    }
  return ADZE_OK;
}

/* ---- Named values. */

static adze_status
tell_value (gguf_reader *reader, gguf_window *window, size_t key_size, const adze_meta *value,
            uint64_t position, gguf_part *part)
{
  const char *key = (const char *)window->bytes + window->mark + 8;
  bool is_split = false;
  if (key_size == strlen (GGUF_KEY_ALIGNMENT) && memcmp (key, GGUF_KEY_ALIGNMENT, key_size) == 0) {
    adze_status status = take_alignment (window, position, value, part);
    /* Each file of a split model has it; the model has it once. */
    if (status != ADZE_OK || part->split_no > 0)
      return status;
  }
  adze_status status = take_split (window, position, key, key_size, value, part, &is_split);
  if (status != ADZE_OK || is_split)
    return status;
  return reader->service->metadata (reader->host, reader->catalog, (adze_text){ key, key_size },
                                    value);
}

static adze_status
read_key (gguf_reader *reader, gguf_window *window, gguf_part *part)
{
  uint64_t key_size = 0, position = gguf_position (window);
  uint32_t type = 0;
  size_t memory_size = 0;
  window->mark = window->at;
  adze_status status = gguf_read_text (window, "a key", &key_size);
  if (status != ADZE_OK)
    return status;
  if (key_size == 0 || key_size > GGUF_KEY_MAX)
    return gguf_malformed (window, position, "a key has %" PRIu64 " bytes; 1 to %d are needed",
                           key_size, GGUF_KEY_MAX);
  status = gguf_read_u32 (window, "the type of a value", &type);
  if (status == ADZE_OK)
    status = gguf_skim_value (window, type, 0, &memory_size);
  if (status != ADZE_OK)
    return status;
  void *memory = memory_size ? malloc (memory_size) : NULL;
  if (memory_size && !memory)
    return adze_fail (reader->host, ADZE_E_MEMORY, "%s: no room for %zu bytes of an array",
                      window->name, memory_size);
  adze_meta value;
  gguf_build_value (window->bytes + window->mark + 8 + key_size + 4, type, memory, &value);
  status = tell_value (reader, window, (size_t)key_size, &value, position, part);
  free (memory);
  return status;
}

/* ---- Files. */

/* A key, its length, a type and a value: 14 bytes at least. */
#define KEY_LEAST (8 + 1 + 4 + 1)

static adze_status
read_keys (gguf_reader *reader, gguf_window *window, gguf_part *part)
{
  adze_status status = check_magic (window);
  if (status == ADZE_OK)
    status = check_version (window);
  if (status == ADZE_OK)
    status = gguf_read_u64 (window, "the number of tensors", &part->tensor_count);
  if (status == ADZE_OK)
    status = gguf_read_u64 (window, "the number of named values", &part->key_count);
  if (status == ADZE_OK)
    status = gguf_check_count (window, part->key_count, KEY_LEAST, "named values");
  if (status == ADZE_OK)
    status = gguf_check_count (window, part->tensor_count, 1, "tensors");
  if (status == ADZE_OK)
    status = gguf_check_entries (window, part->key_count, "named values");
  if (status == ADZE_OK)
    status = gguf_check_entries (window, part->tensor_count, "tensors");
  for (uint64_t i = 0; i < part->key_count && status == ADZE_OK; i++)
    status = read_key (reader, window, part);
  return status;
}

/* One file; NUMBER is which of a split model, and *PART comes with what must be true of it. */
static adze_status
read_file (gguf_reader *reader, adze_file *file, uint32_t number, gguf_part *part)
{
  gguf_window window;
  gguf_window_open (&window, reader->host, file, reader->limit);
  gguf_part found = { .alignment = GGUF_ALIGNMENT, .split_no = number };
  adze_status status = read_keys (reader, &window, &found);
  if (status == ADZE_OK && found.split_no != number && (number > 0 || found.split_count > 1))
    status = adze_fail (reader->host, ADZE_E_FORMAT,
                        "%s: by its split.no this is file %" PRIu64 " of %" PRIu64
                        ", needed is file %" PRIu32 "; open the one whose name ends "
                        "with -00001-of-%05" PRIu64 ".gguf",
                        window.name, found.split_no + 1, found.split_count, number + 1,
                        found.split_count);
  if (status == ADZE_OK && number > 0 && found.split_count != part->split_count)
    status = adze_fail (reader->host, ADZE_E_FORMAT,
                        "%s: split.count is %" PRIu64 " here and %" PRIu64 " in the first file",
                        window.name, found.split_count, part->split_count);
  if (status == ADZE_OK)
    status = gguf_read_tensors (&window, &found, reader->service, reader->catalog);
  uint64_t used = gguf_position (&window);
  reader->limit -= used < reader->limit ? used : reader->limit;
  gguf_window_close (&window);
  *part = found;
  return status;
}

/* The others of a split model, each beside the first under the name that convention gives it. */
static adze_status
read_others (gguf_reader *reader, adze_file *file, const gguf_part *first)
{
  const adze_file_service *files = adze_files_of (reader->host);
  const char *name = files->name (reader->host, file);
  const char *slash = strrchr (name, '/');
  const char *base = slash ? slash + 1 : name;
  size_t prefix = 0;
  uint32_t number = 0, count = 0;
  if (!gguf_shard_name (base, &prefix, &number, &count) || number != 1
      || count != first->split_count)
    return adze_fail (reader->host, ADZE_E_FORMAT,
                      "%s: is the first of %" PRIu64 " files (split.count), so its name must end "
                      "with -00001-of-%05" PRIu64 ".gguf",
                      name, first->split_count, first->split_count);
  uint64_t total = first->tensor_count;
  for (uint32_t i = 1; i < count; i++) {
    char next[4096];
    int length
        = snprintf (next, sizeof next, "%.*s" GGUF_SHARD_SUFFIX, (int)prefix, base, i + 1, count);
    adze_file *other = NULL;
    gguf_part part = *first;
    if (length < 0 || (size_t)length >= sizeof next)
      return adze_fail (reader->host, ADZE_E_LIMIT, "%s: the name is too long", name);
    adze_status status = files->beside (reader->host, file, next, &other);
    if (status == ADZE_OK)
      status = read_file (reader, other, i, &part);
    if (status != ADZE_OK)
      return status;
    total += part.tensor_count;
  }
  if (first->has_split_tensors && total != first->split_tensors)
    return adze_fail (reader->host, ADZE_E_FORMAT,
                      "%s: split.tensors.count is %" PRIu64 ", but the %" PRIu32
                      " files have %" PRIu64 " tensors together",
                      name, first->split_tensors, count, total);
  return ADZE_OK;
}

adze_status
gguf_read (const adze_host *host, const adze_params *params, adze_file *file, adze_catalog *catalog)
{
  const adze_catalog_service *service = adze_catalog_of (host);
  (void)params;
  if (!service || !adze_files_of (host))
    return adze_fail (host, ADZE_E_NOT_FOUND, "this host has no " ADZE_CATALOG " or no " ADZE_FILE);
  gguf_reader reader = { host, service, catalog, service->limit (host, catalog) };
  gguf_part first = { 0 };
  adze_status status = read_file (&reader, file, 0, &first);
  if (status != ADZE_OK || first.split_count < 2)
    return status;
  return read_others (&reader, file, &first);
}
