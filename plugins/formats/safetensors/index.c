/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: a model in several files. The index must say of each tensor where it is, and of no
 * other; so it is held against the files both ways. */
#include <stdlib.h>

#include "safetensors.h"

typedef struct place {
  adze_text tensor;
  adze_text file;
} place;

typedef struct shards {
  const adze_host *host;
  const char *name; /* of the index */
  adze_file *index;
  adze_catalog *catalog;
  uint64_t limit; /* bytes of structure that may still be read */
  char *text;
  place *places; /* by file, then by tensor */
  size_t count, room;
  safetensors_header first; /* what its metadata says, the other files may say again */
} shards;

/* ---- The index itself. */

static adze_status
read_map (shards *all, safetensors_json *json)
{
  bool first = true, more = false;
  char shown[SAFETENSORS_SHOWN];
  adze_status status = safetensors_expect (json, '{', "at the beginning of weight_map");
  while (status == ADZE_OK) {
    status = safetensors_more (json, '}', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    if (!safetensors_grow ((void **)&all->places, &all->room, all->count, sizeof *all->places))
      return adze_fail (json->host, ADZE_E_MEMORY, "%s: no room for its weight_map", json->file);
    place *next = &all->places[all->count];
    size_t at = json->at;
    status = safetensors_count_entry (json);
    if (status == ADZE_OK)
      status = safetensors_name (json, "a tensor's name", &next->tensor);
    if (status == ADZE_OK)
      status = safetensors_string (json, "a file's name", &next->file);
    if (status == ADZE_OK && strlen (next->file.data) != next->file.size)
      return safetensors_malformed (json, at, "there is a zero byte in the name of the file '%s'",
                                    safetensors_shown (next->file.data, next->file.size, shown));
    if (status == ADZE_OK)
      all->count++;
  }
  return status;
}

/* A value of the index's own metadata becomes one of the model's. */
static adze_status
tell_value (shards *all, safetensors_json *json, adze_text key)
{
  const adze_catalog_service *service = adze_catalog_of (all->host);
  adze_meta value = { 0 };
  adze_text text;
  const char *word = NULL;
  char shown[SAFETENSORS_SHOWN];
  size_t at = json->at;
  int c = safetensors_peek (json);
  adze_status status;
  if (c == '"') {
    status = safetensors_string (json, "a value", &text);
    if (status == ADZE_OK)
      value = adze_meta_text (text.data, text.size);
  } else if (c == 't' || c == 'f') {
    status = safetensors_literal (json, "true or false", &word);
    value.type = ADZE_META_BOOL;
    value.bits = word && strcmp (word, "true") == 0;
  } else if (c == '{' || c == '[' || c == 'n')
    return safetensors_malformed (
        json, at, "the value of '%s' is %s; texts, whole numbers, true and false are kept",
        safetensors_shown (key.data, key.size, shown),
        c == '{'   ? "an object"
        : c == '[' ? "a list"
                   : "null");
  else {
    status = safetensors_whole (json, "a value", &value.bits);
    value.type = ADZE_META_U64;
  }
  return status == ADZE_OK ? service->metadata (all->host, all->catalog, key, &value) : status;
}

/* Sums that follow from the tensors: whoever writes an index makes them anew. */
static bool
is_derived (adze_text key)
{
  return safetensors_text_is (key, "total_size") || safetensors_text_is (key, "total_parameters");
}

static adze_status
read_index_metadata (shards *all, safetensors_json *json)
{
  bool first = true, more = false;
  adze_status status = safetensors_expect (json, '{', "at the beginning of metadata");
  while (status == ADZE_OK) {
    adze_text key, number;
    status = safetensors_more (json, '}', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    status = safetensors_name (json, "a key of metadata", &key);
    if (status == ADZE_OK)
      status = is_derived (key) ? safetensors_number (json, "a sum", &number)
                                : tell_value (all, json, key);
  }
  return status;
}

static adze_status
parse (shards *all, safetensors_json *json)
{
  bool first = true, more = false, map = false, metadata = false;
  char shown[SAFETENSORS_SHOWN];
  adze_status status = safetensors_expect (json, '{', "at the beginning");
  while (status == ADZE_OK) {
    adze_text name;
    status = safetensors_more (json, '}', &first, &more);
    if (status != ADZE_OK || !more)
      break;
    size_t at = json->at;
    status = safetensors_name (json, "weight_map or metadata", &name);
    if (status != ADZE_OK)
      break;
    bool is_map = safetensors_text_is (name, "weight_map");
    bool is_metadata = safetensors_text_is (name, "metadata");
    if ((is_map && map) || (is_metadata && metadata))
      return safetensors_malformed (json, at, "'%s' comes twice", name.data);
    map |= is_map;
    metadata |= is_metadata;
    if (is_map)
      status = read_map (all, json);
    else if (is_metadata)
      status = read_index_metadata (all, json);
    else
      return safetensors_malformed (json, at,
                                    "'%s' is nothing that an index has; weight_map and "
                                    "metadata are",
                                    safetensors_shown (name.data, name.size, shown));
  }
  if (status == ADZE_OK)
    status = safetensors_end (json);
  if (status == ADZE_OK && !map)
    return safetensors_malformed (json, 0, "there is no weight_map");
  return status;
}

static int
compare_texts (adze_text a, adze_text b)
{
  size_t size = (size_t)(a.size < b.size ? a.size : b.size);
  int order = memcmp (a.data, b.data, size);
  return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int
compare_places (const void *a, const void *b)
{
  const place *one = a, *other = b;
  int order = compare_texts (one->file, other->file);
  return order ? order : compare_texts (one->tensor, other->tensor);
}

static adze_status
read_text (shards *all)
{
  uint64_t size = adze_file_size (all->host, all->index);
  if (size > all->limit)
    return adze_fail (all->host, ADZE_E_LIMIT,
                      "%s: has %" PRIu64 " bytes, and %" PRIu64
                      " are the most that is read of an index; a higher structure-limit lets it pass",
                      all->name, size, all->limit);
  all->text = malloc ((size_t)size + 1);
  if (!all->text)
    return adze_fail (all->host, ADZE_E_MEMORY, "%s: no room for %" PRIu64 " bytes", all->name,
                      size);
  adze_status status = adze_file_read_at (all->host, all->index, 0, all->text, (size_t)size);
  if (status != ADZE_OK)
    return status;
  safetensors_json json = { .host = all->host,
                            .file = all->name,
                            .where = "index",
                            .text = all->text,
                            .size = (size_t)size,
                            .most = safetensors_entries_limit (all->limit) };
  status = parse (all, &json);
  all->limit -= size;
  if (status == ADZE_OK && all->count == 0)
    return safetensors_malformed (&json, 0, "weight_map names no tensor");
  if (status == ADZE_OK)
    qsort (all->places, all->count, sizeof *all->places, compare_places);
  return status;
}

/* ---- The files. */

/* Are the tensors of HEADER those that the index says, the places [FIRST, LAST)? */
static adze_status
check_shard (const shards *all, const safetensors_header *header, const char *file, size_t first,
             size_t last)
{
  char shown[SAFETENSORS_SHOWN];
  for (size_t i = first + 1; i < last; i++)
    if (compare_texts (all->places[i - 1].tensor, all->places[i].tensor) == 0)
      return adze_fail (
          all->host, ADZE_E_FORMAT, "%s: weight_map names the tensor '%s' twice", all->name,
          safetensors_shown (all->places[i].tensor.data, all->places[i].tensor.size, shown));
  bool *seen = calloc (last - first, sizeof *seen);
  if (!seen)
    return adze_fail (all->host, ADZE_E_MEMORY, "%s: no room to compare it", all->name);
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < header->count && status == ADZE_OK; i++) {
    const char *name = header->tensors[i].name;
    place wanted = { .tensor = { name, strlen (name) }, .file = all->places[first].file };
    const place *found
        = bsearch (&wanted, all->places + first, last - first, sizeof wanted, compare_places);
    if (found)
      seen[found - all->places - first] = true;
    else
      status = adze_fail (all->host, ADZE_E_FORMAT,
                          "%s: the tensor '%s' is in it, but %s does not say so", file,
                          safetensors_shown (name, strlen (name), shown), all->name);
  }
  for (size_t i = first; i < last && status == ADZE_OK; i++)
    if (!seen[i - first])
      status = adze_fail (
          all->host, ADZE_E_FORMAT, "%s: says that the tensor '%s' is in %s, and it is not",
          all->name,
          safetensors_shown (all->places[i].tensor.data, all->places[i].tensor.size, shown), file);
  free (seen);
  return status;
}

/* What a further file says of the model: the same as the first, or something new. */
static adze_status
tell_more_metadata (const shards *all, const safetensors_header *header, const char *file)
{
  const adze_catalog_service *service = adze_catalog_of (all->host);
  char shown[SAFETENSORS_SHOWN];
  for (size_t i = 0; i < header->entry_count; i++) {
    const safetensors_entry *entry = &header->entries[i];
    const safetensors_entry *known = safetensors_find_entry (&all->first, entry->key);
    if (known && compare_texts (known->value, entry->value) == 0)
      continue;
    if (known || safetensors_text_is (entry->key, SAFETENSORS_VALUES))
      return adze_fail (all->host, ADZE_E_FORMAT,
                        "%s: its metadata has another '%s' than the first file of the model", file,
                        safetensors_shown (entry->key.data, entry->key.size, shown));
    adze_meta value = adze_meta_text (entry->value.data, entry->value.size);
    adze_status status = service->metadata (all->host, all->catalog, entry->key, &value);
    if (status != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

/* The file of the places [FIRST, LAST). */
static adze_status
read_shard (shards *all, size_t first, size_t last)
{
  const adze_file_service *files = adze_files_of (all->host);
  adze_file *file = NULL;
  safetensors_header header = { 0 };
  adze_status status = files->beside (all->host, all->index, all->places[first].file.data, &file);
  if (status != ADZE_OK)
    return status;
  const char *name = files->name (all->host, file);
  status = safetensors_read_header (all->host, file, all->limit, &header);
  all->limit -= status == ADZE_OK ? header.data : 0;
  if (status == ADZE_OK)
    status = check_shard (all, &header, name, first, last);
  if (status == ADZE_OK)
    status = first == 0 ? safetensors_tell_metadata (all->host, name, &header, all->catalog)
                        : tell_more_metadata (all, &header, name);
  if (status == ADZE_OK)
    status = safetensors_tell_tensors (all->host, file, &header, all->catalog);
  if (status == ADZE_OK && first == 0) {
    all->first = header;
    safetensors_sort_entries (&all->first);
  } else
    safetensors_header_free (&header);
  return status;
}

adze_status
safetensors_read_index (const adze_host *host, adze_file *file, adze_catalog *catalog)
{
  shards all = { .host = host,
                 .name = adze_files_of (host)->name (host, file),
                 .index = file,
                 .catalog = catalog,
                 .limit = adze_catalog_of (host)->limit (host, catalog) };
  adze_status status = read_text (&all);
  for (size_t first = 0; first < all.count && status == ADZE_OK;) {
    size_t last = first + 1;
    while (last < all.count && compare_texts (all.places[first].file, all.places[last].file) == 0)
      last++;
    status = read_shard (&all, first, last);
    first = last;
  }
  safetensors_header_free (&all.first);
  free (all.places);
  free (all.text);
  return status;
}
