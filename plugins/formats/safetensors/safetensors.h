/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.h: what the files of this plugin share.
 *
 * A file is: the length of its header in 8 bytes; the header, a JSON object that gives type, shape
 * and place of each tensor, and texts by name under "__metadata__"; the tensors' bytes, without a
 * gap. Several files are one model through an index, a JSON file that says which tensor is where.
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include <inttypes.h>
#include <string.h>

#include <adze/sdk.h>

/* The reference implementation reads no longer header, so none is written. */
#define SAFETENSORS_HEADER_MAX UINT64_C (100000000)
#define SAFETENSORS_METADATA "__metadata__"
/* Where values that are no texts are kept, with their types (metadata.c). */
#define SAFETENSORS_VALUES "adze.metadata"
#define SAFETENSORS_ENDING ".safetensors"
#define SAFETENSORS_INDEX_ENDING ".safetensors.index.json"
#define SAFETENSORS_SHARDS_MAX 99999 /* five digits in a file's name */

/* How many tensors, texts or lists in lists a structure of LIMIT bytes may have. Each takes the
 * host a while, and a file of nothing else would take seconds. No model has a tenth. */
static inline uint64_t
safetensors_entries_limit (uint64_t limit)
{
  return limit / 100 > 100000 ? limit / 100 : 100000;
}

/* How much work the numbers and texts in lists may be; a number with a point takes more of it the
 * longer it is. The vocabulary of a large model takes a tenth. */
static inline uint64_t
safetensors_items_limit (uint64_t limit)
{
  return limit / 20 > 500000 ? limit / 20 : 500000;
}

bool safetensors_ends_with (const char *name, const char *end);
/* A text for a message: printable, and not longer than a line. */
#define SAFETENSORS_SHOWN 81
const char *safetensors_shown (const char *data, uint64_t size, char shown[SAFETENSORS_SHOWN]);

/* ---- dtypes.c */

typedef struct safetensors_dtype {
  const char *name;
  adze_dtype dtype;
} safetensors_dtype;

/* NULL: there is no such type. */
const safetensors_dtype *safetensors_dtype_named (adze_text name);
/* The type that a tensor would have in a file, or ADZE_E_UNSUPPORTED with the reason. */
adze_status safetensors_dtype_of (const adze_host *host, const adze_tensor_meta *meta,
                                  const safetensors_dtype **dtype);
/* Do the elements end on a whole byte? */
bool safetensors_whole_bytes (adze_dtype dtype, uint32_t rank, const int64_t *shape);

/* ---- bytes.c: bytes that grow; FAILED once there was no memory. */

typedef struct safetensors_bytes {
  char *data;
  size_t size, room;
  bool failed;
} safetensors_bytes;

void safetensors_bytes_free (safetensors_bytes *bytes);
void safetensors_put (safetensors_bytes *bytes, const void *data, size_t size);
void safetensors_put_word (safetensors_bytes *bytes, const char *word);
void safetensors_put_format (safetensors_bytes *bytes, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
/* In quotes, and escaped as the reference implementation does. */
void safetensors_put_string (safetensors_bytes *bytes, const char *data, size_t size);
bool safetensors_is_utf8 (const char *data, size_t size);
/* How many bytes from the first on are ASCII. */
size_t safetensors_ascii (const char *data, size_t size);

/* An array that has room for one more of SIZE bytes; false: no memory. */
bool safetensors_grow (void **items, size_t *room, size_t count, size_t size);

/* ---- json.c: a strict reader that keeps nothing and calls nothing of itself again. */

typedef struct safetensors_json {
  const adze_host *host;
  const char *file;  /* for messages */
  const char *where; /* "header" */
  uint64_t origin;   /* where in the file the text begins */
  char *text;        /* strings are decoded where they stand */
  size_t size, at;
  uint64_t entries, most; /* so far, and how many there may be */
  uint64_t items, most_items; /* in lists of values */
} safetensors_json;

/* ADZE_E_FORMAT: "FILE: byte N of WHERE: ...". */
adze_status safetensors_malformed (const safetensors_json *json, size_t at, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
/* One more; ADZE_E_LIMIT when it is one too many. */
adze_status safetensors_count_entry (safetensors_json *json);
/* The same for what is in lists: WORK is 1, or more for what takes longer. */
adze_status safetensors_count_item (safetensors_json *json, uint64_t work);
/* The next character that is no space, as it stands there still; -1 at the end. */
int safetensors_peek (safetensors_json *json);
adze_status safetensors_expect (safetensors_json *json, char wanted, const char *what);
/* For the entries of an object or a list, up to CLOSE, which it consumes. *FIRST begins true. */
adze_status safetensors_more (safetensors_json *json, char close, bool *first, bool *more);
/* TEXT is decoded, UTF-8, and has a NUL behind it; it stands in the reader's text. */
adze_status safetensors_string (safetensors_json *json, const char *what, adze_text *text);
/* A string and the colon behind it. */
adze_status safetensors_name (safetensors_json *json, const char *what, adze_text *text);
adze_status safetensors_whole (safetensors_json *json, const char *what, uint64_t *number);
/* A number as it is written. */
adze_status safetensors_number (safetensors_json *json, const char *what, adze_text *number);
/* true, false and null: *WORD is one of them. */
adze_status safetensors_literal (safetensors_json *json, const char *what, const char **word);
/* Nothing but spaces may follow. */
adze_status safetensors_end (safetensors_json *json);

static inline bool
safetensors_text_is (adze_text text, const char *word)
{
  return text.size == strlen (word) && memcmp (text.data, word, text.size) == 0;
}

/* ---- header.c: the header of one file. */

typedef struct safetensors_tensor {
  const char *name; /* here and in shape: in the header's memory */
  const safetensors_dtype *dtype;
  uint64_t begin, end; /* in the data */
  size_t shape;        /* number of the first one in DIMS */
  uint32_t rank;
} safetensors_tensor;

typedef struct safetensors_entry {
  adze_text key, value;
} safetensors_entry;

typedef struct safetensors_header {
  char *text;
  uint64_t limit;              /* on structure */
  uint64_t data;               /* where the tensors' bytes begin */
  safetensors_tensor *tensors; /* by where they lie */
  size_t count, room;
  int64_t *dims;
  size_t dim_count, dim_room;
  safetensors_entry *entries; /* of the metadata */
  size_t entry_count, entry_room;
} safetensors_header;

/* NULL where all tensors are scalars. */
static inline const int64_t *
safetensors_shape (const safetensors_header *header, const safetensors_tensor *tensor)
{
  return header->dims ? header->dims + tensor->shape : NULL;
}

/* Reads the header of FILE, which may take LIMIT bytes. */
adze_status safetensors_read_header (const adze_host *host, adze_file *file, uint64_t limit,
                                     safetensors_header *header);
void safetensors_header_free (safetensors_header *header);

/* ---- sort.c: puts the tensors into the order of their bytes; false: no memory. */
bool safetensors_sort_tensors (safetensors_header *header);

/* ---- metadata.c, metadata_read.c: values that are no texts, as JSON in one of the texts.
 *
 *   {"general.name": null, "general.file_type": {"u32": 0}, "scores": {"f32": [0, 0.5]}}
 *
 * A name that has null is that of a text beside; it stands here for its place in the order. A list
 * is an array of that type; {"array": [...]} is an array of arrays. Floats that are not finite are
 * their bits, "0x7fc00000"; texts that are not UTF-8 are {"hex": "ff00"}. */

/* Does the model have any value that cannot stand as a text? */
adze_status safetensors_needs_values (const adze_host *host, const adze_cargo *cargo, bool *needs);
void safetensors_put_values (const adze_host *host, const adze_cargo *cargo,
                             safetensors_bytes *bytes);
/* Is the value one that stands in "__metadata__" itself? */
bool safetensors_is_text (const adze_meta *value);

/* Tells the catalog of a file's metadata, in order. */
adze_status safetensors_tell_metadata (const adze_host *host, const char *file,
                                       const safetensors_header *header, adze_catalog *catalog);
/* The entry of that name; NULL: none. */
const safetensors_entry *safetensors_find_entry (const safetensors_header *header, adze_text key);
/* Makes the entries ready to be found. They are ordered by name then. */
void safetensors_sort_entries (safetensors_header *header);

/* ---- read.c, index.c, write.c: the callbacks. */

adze_status safetensors_read (const adze_host *host, const adze_params *params, adze_file *file,
                              adze_catalog *catalog);
/* What a header says of tensors. */
adze_status safetensors_tell_tensors (const adze_host *host, adze_file *file,
                                      const safetensors_header *header, adze_catalog *catalog);
adze_status safetensors_read_index (const adze_host *host, adze_file *file, adze_catalog *catalog);
adze_status safetensors_carries (const adze_host *host, const adze_params *params,
                                 const adze_tensor_meta *meta);
adze_status safetensors_write (const adze_host *host, const adze_params *params,
                               const adze_cargo *cargo, adze_layout *layout);
adze_status safetensors_takes_name (const adze_host *host, const adze_params *params,
                                    const char *name);

#endif
