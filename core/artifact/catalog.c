/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/catalog.c: adze.catalog/1: what a format says of a file, and what it is not believed.
 *
 * Whatever a format tells comes out of a file that anybody may have made, so everything is checked
 * here, for all formats, before anything is allocated for it.
 */
#include <inttypes.h>
#include <string.h>

#include "artifact/name_index.h"
#include "artifact/radix.h"
#include "artifact/session.h"

typedef struct extent {
  size_t file;
  uint64_t first, last, alignment;
} extent;

struct adze_catalog {
  adze_format_session *session;
  adze_model *model;
  adze_name_index keys; /* of the metadata */
  extent *extents;
  size_t extent_count;
  uint64_t limit;
  uint64_t content; /* bytes of metadata, parts and tensors that are kept in memory */
  uint64_t heap;    /* what keeping all that was told takes, about */
  bool refused;     /* something was not taken; read must not say that all is well */
};

/* Heap for a byte of structure, at most. */
enum { HEAP_RATIO = 64, HEAP_FREE = 1 << 16 };

adze_error *
adze_catalog_open (adze_format_session *session, adze_model *model, uint64_t limit,
                   adze_catalog **catalog)
{
  *catalog = calloc (1, sizeof **catalog);
  if (!*catalog)
    return adze_error_memory ();
  (*catalog)->session = session;
  (*catalog)->model = model;
  (*catalog)->limit = limit ? limit : ADZE_STRUCTURE_LIMIT;
  return NULL;
}

void
adze_catalog_close (adze_catalog *catalog)
{
  if (!catalog)
    return;
  adze_name_index_cleanup (&catalog->keys);
  free (catalog->extents);
  free (catalog);
}

/* ---- What is refused, and how it is said. */

static const char *
shown_file (const adze_catalog *catalog, const adze_file *file)
{
  return file ? file->path : catalog->model->path;
}

/* "cannot take THING "NAME" of FILE, because CAUSE" */
static adze_error *
not_taken (const adze_catalog *catalog, const adze_file *file, const char *thing, const char *name,
           size_t size, adze_error *cause)
{
  char text[ADZE_QUOTED_NAME];
  const char *path = shown_file (catalog, file);
  adze_error *error = adze_error_wrap (cause, "cannot take %s %s of %s", thing,
                                       adze_quoted_name (name, size, text), path);
  adze_error_set (error, "file", path);
  adze_error_setf (error, "place", "%s %s", thing, text);
  return error;
}

static adze_error *
refusal (adze_status status, const char *message, uint64_t needed, uint64_t found)
{
  adze_error *error = adze_error_new (status, "%s: %" PRIu64 ", where %" PRIu64 " is the most",
                                      message, found, needed);
  adze_error_setf (error, "needed", "at most %" PRIu64, needed);
  adze_error_setf (error, "found", "%" PRIu64, found);
  return error;
}

/* CONTENT bytes of what the file says are to be kept, in HEAP bytes of memory. */
static adze_error *
account (adze_catalog *catalog, uint64_t content, uint64_t heap)
{
  catalog->content += content;
  catalog->heap += heap;
  uint64_t read = catalog->session->files.bytes_read;
  if (catalog->content > catalog->limit) {
    adze_error *error = refusal (ADZE_E_LIMIT, "bytes of structure (all but weights)",
                                 catalog->limit, catalog->content);
    adze_error_set (error, "hint", "raise the limit on structure if you trust the file");
    return error;
  }
  if (catalog->heap > HEAP_FREE && catalog->heap / HEAP_RATIO > read)
    return refusal (ADZE_E_LIMIT, "bytes of memory that its structure would take",
                    read * HEAP_RATIO, catalog->heap);
  return NULL;
}

/* Where the first byte is that is not ASCII. Nearly all names are nothing but. */
static size_t
skip_ascii (const char *text, size_t size)
{
  size_t at = 0;
  for (uint64_t word; size - at >= sizeof word; at += sizeof word) {
    memcpy (&word, text + at, sizeof word);
    if (word & UINT64_C (0x8080808080808080))
      break;
  }
  while (at < size && (unsigned char)text[at] < 0x80)
    at++;
  return at;
}

static adze_error *
check_utf8 (const char *text, size_t size)
{
  for (size_t at = skip_ascii (text, size); at < size;) {
    uint32_t code;
    size_t length = adze_utf8_read (text + at, size - at, &code);
    if (code == ADZE_UTF8_BAD) {
      adze_error *error = adze_error_new (ADZE_E_FORMAT, "byte %zu of the name is not UTF-8", at);
      adze_error_set (error, "needed", "UTF-8");
      adze_error_setf (error, "found", "0x%02x", (unsigned)(unsigned char)text[at]);
      return error;
    }
    at += length;
  }
  return NULL;
}

static adze_error *
check_name (const char *name, size_t size)
{
  if (size == 0) {
    adze_error *error = adze_error_new (ADZE_E_FORMAT, "it has no name");
    adze_error_set (error, "needed", "a name");
    adze_error_set (error, "found", "an empty one");
    return error;
  }
  return check_utf8 (name, size);
}

/* ---- Tensors. */

/* A type that has no word could neither be shown nor be asked for. */
static adze_error *
check_type (const adze_tensor_meta *meta)
{
  if (meta->codec) {
    if (meta->dtype.code != ADZE_OPAQUE)
      return adze_error_new (ADZE_E_CONTRACT,
                             "it has the codec '%s' and elements of type %u, which must be "
                             "ADZE_OPAQUE then",
                             meta->codec, (unsigned)meta->dtype.code);
    return check_name (meta->codec, strlen (meta->codec));
  }
  if (meta->block_elements || meta->block_bytes)
    return adze_error_new (ADZE_E_CONTRACT, "it has blocks and no codec");
  if (adze_dtype_name (meta->dtype))
    return NULL;
  adze_error *error = adze_error_new (ADZE_E_FORMAT, "its elements are of no known type");
  adze_error_setf (error, "found", "type %u of %u bits in %u lanes", (unsigned)meta->dtype.code,
                   (unsigned)meta->dtype.bits, (unsigned)meta->dtype.lanes);
  return error;
}

static adze_error *
check_place (const adze_found *found, uint64_t bytes)
{
  const adze_file *file = found->file;
  if (found->offset <= file->size && bytes <= file->size - found->offset)
    return NULL;
  adze_error *error = adze_error_new (ADZE_E_FORMAT,
                                      "its %" PRIu64 " bytes from byte %" PRIu64
                                      " on do not lie in the file, which has %" PRIu64,
                                      bytes, found->offset, file->size);
  adze_error_setf (error, "needed", "at most %" PRIu64, file->size);
  adze_error_setf (error, "found", "%" PRIu64 " + %" PRIu64, found->offset, bytes);
  return error;
}

/* Room for what lies in no file. */
static adze_error *
keep_data (adze_catalog *catalog, const adze_found *found, uint64_t bytes, void **data)
{
  *data = NULL;
  if (found->file)
    return check_place (found, bytes);
  if (bytes > 0 && !found->data)
    return adze_error_new (ADZE_E_CONTRACT, "it has neither a file nor data");
  ADZE_TRY (account (catalog, bytes, bytes));
  *data = malloc ((size_t)bytes + 1);
  if (!*data)
    return adze_error_memory ();
  if (bytes > 0)
    memcpy (*data, found->data, (size_t)bytes);
  return NULL;
}

/* A tensor's share of arrays that double as they grow, its name and shape, its slots in the index. */
static uint64_t
tensor_heap (const adze_tensor_meta *meta, size_t name)
{
  enum { SLOTS = 4 * 8 };
  uint64_t codec = meta->codec ? strlen (meta->codec) + 1 : 0;
  return 2 * sizeof (adze_model_tensor) + (uint64_t)meta->rank * 8 + name + codec + 8 + SLOTS;
}

static adze_error *
add_tensor (adze_catalog *catalog, const adze_found *found, size_t name)
{
  const adze_tensor_meta *meta = &found->meta;
  uint64_t elements, bytes;
  ADZE_AUTO_FREE void *data = NULL;
  ADZE_TRY (check_name (meta->name, name));
  ADZE_TRY (check_type (meta));
  ADZE_TRY (adze_tensor_meta_size (meta, &elements, &bytes));
  ADZE_TRY (account (catalog, 0, tensor_heap (meta, name)));
  ADZE_TRY (keep_data (catalog, found, bytes, &data));
  adze_model_tensor *added;
  ADZE_TRY (adze_model_add (catalog->model, meta, &added));
  added->file = found->file ? (int32_t)found->file->number : -1;
  added->offset = found->file ? found->offset : 0;
  added->data = adze_take (&data);
  return NULL;
}

/* ---- The service. */

static bool
allowed (const adze_host *host, const adze_catalog *catalog, const char *function)
{
  adze_desk *desk = adze_desk_of (host);
  if (!adze_desk_inside (desk, function))
    return false;
  const adze_format_session *session = adze_desk_own (desk);
  if (catalog && session->catalog == catalog)
    return true;
  adze_desk_broken ("it called %s with a catalog that is not this callback's", function);
  return false;
}

static adze_status
answer (adze_catalog *catalog, adze_error *error)
{
  if (!error)
    return ADZE_OK;
  catalog->refused = true;
  return adze_desk_fail (catalog->session->desk, error);
}

static adze_status
broken (adze_catalog *catalog, const char *message)
{
  catalog->refused = true;
  adze_desk_broken ("%s", message);
  return ADZE_E_CONTRACT;
}

static uint64_t
catalog_limit (const adze_host *host, const adze_catalog *catalog)
{
  return allowed (host, catalog, ADZE_CATALOG " limit") ? catalog->limit : 0;
}

static adze_status
catalog_tensor (const adze_host *host, adze_catalog *catalog, const adze_found *found)
{
  if (!allowed (host, catalog, ADZE_CATALOG " tensor"))
    return ADZE_E_CONTRACT;
  if (!found || found->struct_size != sizeof *found
      || found->meta.struct_size != sizeof found->meta || !found->meta.name)
    return broken (catalog, "it told of a tensor without a name, or whose struct_size is not set");
  if (found->file && !adze_files_has (&catalog->session->files, found->file))
    return broken (catalog, "it told of a tensor in a file that it has not open");
  if (found->file && found->data)
    return broken (catalog, "it told of a tensor that has both a file and data");
  size_t name = strlen (found->meta.name);
  adze_error *error = add_tensor (catalog, found, name);
  if (error)
    error = not_taken (catalog, found->file, "the tensor", found->meta.name, name, error);
  return answer (catalog, error);
}

static bool
same_key (const void *things, size_t number, const char *name, size_t size)
{
  const adze_metadata_entry *entry = &((const adze_model *)things)->metadata.entries[number];
  return entry->key_size == size && memcmp (entry->key, name, size) == 0;
}

/* What a value holds, and what keeping it takes. */
static void
weigh (const adze_meta *value, uint64_t *content, uint64_t *heap)
{
  enum { BLOCK = 32 };
  *heap += sizeof *value + BLOCK;
  *content += 8;
  if (value->type == ADZE_META_STRING) {
    *content += value->text.size;
    *heap += value->text.size;
  } else if (value->type == ADZE_META_ARRAY && value->item == ADZE_META_ARRAY) {
    for (uint64_t i = 0; i < value->count; i++)
      weigh ((const adze_meta *)value->items + i, content, heap);
  } else if (value->type == ADZE_META_ARRAY && value->item == ADZE_META_STRING) {
    for (uint64_t i = 0; i < value->count; i++) {
      uint64_t size = ((const adze_text *)value->items)[i].size;
      *content += size;
      *heap += size + 1 + sizeof (adze_text);
    }
  } else if (value->type == ADZE_META_ARRAY) {
    uint64_t size = value->count * adze_meta_number_size (value->item);
    *content += size;
    *heap += size;
  }
}

static adze_error *
add_metadata (adze_catalog *catalog, adze_text key, const adze_meta *value)
{
  adze_metadata *metadata = &catalog->model->metadata;
  ADZE_TRY (check_name (key.data, (size_t)key.size));
  ADZE_TRY (adze_meta_check (value));
  uint64_t content = key.size, heap = 2 * sizeof (adze_metadata_entry) + key.size + 64;
  weigh (value, &content, &heap);
  ADZE_TRY (account (catalog, content, heap));
  size_t earlier;
  ADZE_TRY (adze_name_index_add (&catalog->keys, key.data, (size_t)key.size, metadata->count,
                                 same_key, catalog->model, &earlier));
  if (earlier != ADZE_NAME_NONE)
    return adze_error_new (ADZE_E_FORMAT, "another value, number %zu, has the same name", earlier);
  return adze_metadata_append (metadata, key.data, (size_t)key.size, value);
}

static adze_status
catalog_metadata (const adze_host *host, adze_catalog *catalog, adze_text key,
                  const adze_meta *value)
{
  if (!allowed (host, catalog, ADZE_CATALOG " metadata"))
    return ADZE_E_CONTRACT;
  if (!value || (!key.data && key.size > 0))
    return broken (catalog, "it told of metadata without a value or a name");
  adze_error *error = add_metadata (catalog, key, value);
  if (error)
    error = not_taken (catalog, NULL, "the metadata", key.data ? key.data : "", (size_t)key.size,
                       error);
  return answer (catalog, error);
}

static adze_status
catalog_part (const adze_host *host, adze_catalog *catalog, const char *id, const void *bytes,
              size_t size)
{
  if (!allowed (host, catalog, ADZE_CATALOG " part"))
    return ADZE_E_CONTRACT;
  if (!id || !id[0] || (!bytes && size > 0))
    return broken (catalog, "it told of a part without an id or without bytes");
  adze_error *error = account (catalog, size, size);
  if (!error)
    error = adze_model_add_part (catalog->model, id, bytes, size);
  if (error)
    error = not_taken (catalog, NULL, "the part", id, strlen (id), error);
  return answer (catalog, error);
}

static adze_status
catalog_extent (const adze_host *host, adze_catalog *catalog, adze_file *file, uint64_t first,
                uint64_t last, uint64_t alignment)
{
  if (!allowed (host, catalog, ADZE_CATALOG " extent"))
    return ADZE_E_CONTRACT;
  if (!adze_files_has (&catalog->session->files, file) || alignment == 0)
    return broken (catalog, "it told of an extent of a file that it has not open, or of alignment 0");
  for (size_t i = 0; i < catalog->extent_count; i++)
    if (catalog->extents[i].file == file->number)
      return broken (catalog, "it told of two extents of one file");
  extent *grown
      = reallocarray (catalog->extents, catalog->extent_count + 1, sizeof *catalog->extents);
  if (!grown)
    return answer (catalog, adze_error_memory ());
  catalog->extents = grown;
  grown[catalog->extent_count++] = (extent){ file->number, first, last, alignment };
  return ADZE_OK;
}

const adze_catalog_service adze_catalogs = { .struct_size = sizeof adze_catalogs,
                                             .limit = catalog_limit,
                                             .tensor = catalog_tensor,
                                             .metadata = catalog_metadata,
                                             .part = catalog_part,
                                             .extent = catalog_extent };

/* ---- Afterwards: how the tensors lie to each other. */

typedef struct stretch {
  uint64_t first, last;
  uint64_t file;
  size_t tensor;
} stretch;

static bool
in_order_of (const stretch *one, const stretch *other)
{
  if (one->file != other->file)
    return one->file < other->file;
  if (one->first != other->first)
    return one->first < other->first;
  /* An empty one before the one whose place it shares. */
  return one->last <= other->last;
}

static adze_error *
order_stretches (stretch *all, size_t count)
{
  ADZE_AUTO_FREE stretch *scratch = calloc (count, sizeof *scratch);
  if (!scratch)
    return adze_error_memory ();
  /* What counts most comes last. */
  adze_radix_sort (all, scratch, count, sizeof *all, offsetof (stretch, last));
  adze_radix_sort (all, scratch, count, sizeof *all, offsetof (stretch, first));
  adze_radix_sort (all, scratch, count, sizeof *all, offsetof (stretch, file));
  return NULL;
}

/* All tensors that lie in files, by where they lie; most files have them so already. */
static adze_error *
sort_stretches (const adze_model *model, stretch **sorted, size_t *count)
{
  stretch *all = calloc (model->count + 1, sizeof *all);
  if (!all)
    return adze_error_memory ();
  bool in_order = true;
  *count = 0;
  for (size_t i = 0; i < model->count; i++) {
    const adze_model_tensor *tensor = &model->tensors[i];
    if (tensor->file < 0)
      continue;
    all[*count] = (stretch){ tensor->offset, tensor->offset + tensor->meta.byte_size,
                             (uint64_t)tensor->file, i };
    in_order = in_order && (*count == 0 || in_order_of (all + *count - 1, all + *count));
    ++*count;
  }
  *sorted = all;
  return in_order ? NULL : order_stretches (all, *count);
}

static const char *
name_of (const adze_catalog *catalog, const stretch *at, char text[ADZE_QUOTED_NAME])
{
  const char *name = catalog->model->tensors[at->tensor].meta.name;
  return adze_quoted_name (name, strlen (name), text);
}

static adze_error *
misplaced (const adze_catalog *catalog, const stretch *at, uint64_t needed, adze_error *error)
{
  adze_error_set (error, "file", catalog->session->files.files[at->file]->path);
  adze_error_setf (error, "place", "byte %" PRIu64, at->first);
  adze_error_setf (error, "needed", "an offset from %" PRIu64 " on", needed);
  adze_error_setf (error, "found", "%" PRIu64, at->first);
  return error;
}

static adze_error *
overlap (const adze_catalog *catalog, const stretch *before, const stretch *at)
{
  char one[ADZE_QUOTED_NAME], other[ADZE_QUOTED_NAME];
  return misplaced (catalog, at, before->last,
                    adze_error_new (ADZE_E_FORMAT,
                                    "%s: the tensors %s (bytes %" PRIu64 " to %" PRIu64 ") and %s "
                                    "(bytes %" PRIu64 " to %" PRIu64 ") overlap",
                                    catalog->session->files.files[at->file]->path,
                                    name_of (catalog, before, one), before->first, before->last,
                                    name_of (catalog, at, other), at->first, at->last));
}

static adze_error *
check_overlaps (const adze_catalog *catalog, const stretch *sorted, size_t count)
{
  const stretch *before = NULL;
  for (size_t i = 0; i < count; i++) {
    if (sorted[i].first == sorted[i].last)
      continue;
    if (before && before->file == sorted[i].file && before->last > sorted[i].first)
      return overlap (catalog, before, &sorted[i]);
    before = &sorted[i];
  }
  return NULL;
}

static adze_error *
hole (const adze_catalog *catalog, const extent *span, uint64_t from, uint64_t to, const char *what)
{
  const char *path = catalog->session->files.files[span->file]->path;
  adze_error *error = adze_error_new (ADZE_E_FORMAT,
                                      "%s: bytes %" PRIu64 " to %" PRIu64 " %s", path, from, to, what);
  adze_error_set (error, "file", path);
  adze_error_setf (error, "place", "byte %" PRIu64, from);
  if (span->alignment > 1)
    adze_error_setf (error, "needed",
                     "tensors that fill bytes %" PRIu64 " to %" PRIu64 " with less than %" PRIu64
                     " bytes between them",
                     span->first, span->last, span->alignment);
  else
    adze_error_setf (error, "needed",
                     "tensors that fill bytes %" PRIu64 " to %" PRIu64 " with nothing between them",
                     span->first, span->last);
  adze_error_setf (error, "found", "%" PRIu64 " byte%s", to - from, to - from == 1 ? "" : "s");
  return error;
}

static size_t
first_of_file (const stretch *sorted, size_t count, size_t file)
{
  size_t low = 0;
  while (low < count) {
    size_t middle = low + (count - low) / 2;
    if (sorted[middle].file < file)
      low = middle + 1;
    else
      count = middle;
  }
  return low;
}

static adze_error *
check_extent (const adze_catalog *catalog, const extent *span, const stretch *sorted, size_t count)
{
  uint64_t position = span->first;
  uint64_t size = catalog->session->files.files[span->file]->size;
  if (span->last < span->first || span->last > size)
    return hole (catalog, span, span->last < size ? span->last : size, span->last < size ? span->first : span->last,
                 "should be its tensors', and the file has no such place");
  for (size_t i = first_of_file (sorted, count, span->file); i < count; i++) {
    const stretch *at = &sorted[i];
    if (at->file != span->file)
      break;
    if (at->first < span->first || at->last > span->last)
      return hole (catalog, span, at->first, at->last, "are a tensor's, outside the place for them");
    if (at->first > position && at->first - position >= span->alignment)
      return hole (catalog, span, position, at->first, "belong to no tensor");
    position = at->last > position ? at->last : position;
  }
  if (span->last - position >= span->alignment)
    return hole (catalog, span, position, span->last, "behind the last tensor belong to none");
  return NULL;
}

adze_error *
adze_catalog_finish (adze_catalog *catalog)
{
  if (catalog->refused)
    return adze_error_new (ADZE_E_CONTRACT,
                           "the format '%s' says that %s was read, and the host had refused a part "
                           "of it",
                           catalog->session->component->id, catalog->model->path);
  ADZE_AUTO_FREE stretch *sorted = NULL;
  size_t count = 0;
  ADZE_TRY (sort_stretches (catalog->model, &sorted, &count));
  ADZE_TRY (check_overlaps (catalog, sorted, count));
  for (size_t i = 0; i < catalog->extent_count; i++)
    ADZE_TRY (check_extent (catalog, &catalog->extents[i], sorted, count));
  return NULL;
}
