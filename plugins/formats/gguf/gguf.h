/* SPDX-License-Identifier: Apache-2.0 */
/* gguf.h: what the files of this plugin share.
 *
 * A GGUF file is: magic, version, two counts; named values; names, shapes, types and places of
 * tensors; and then, from the next multiple of an alignment on, the tensors' bytes. Nothing says
 * beforehand how long the part in front of the bytes is, so it is read through a window that grows.
 */
#ifndef GGUF_H
#define GGUF_H

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <adze/sdk.h>

#define GGUF_MAGIC "GGUF"
#define GGUF_VERSION 3 /* the one that is written; 2 is read as well */
#define GGUF_ALIGNMENT 32
#define GGUF_ALIGNMENT_MAX (UINT32_C (1) << 20)
#define GGUF_RANK_MAX 4
#define GGUF_KEY_MAX 65535
#define GGUF_NAME_MAX 1023    /* that is read; how much is written, a parameter says */
#define GGUF_SHARDS_MAX 99999 /* five digits in a file's name */

#define GGUF_KEY_ALIGNMENT "general.alignment"
#define GGUF_KEY_ARCHITECTURE "general.architecture"
#define GGUF_KEY_FILE_TYPE "general.file_type"
#define GGUF_KEY_SPLIT_NO "split.no"
#define GGUF_KEY_SPLIT_COUNT "split.count"
#define GGUF_KEY_SPLIT_TENSORS "split.tensors.count"

/* ---- types.c: the types that a tensor can have. */

typedef struct gguf_type {
  const char *name;  /* of the codec, or for messages; NULL: there is no such number */
  const char *gone;  /* it was taken out of ggml: what to do */
  adze_dtype dtype;  /* ADZE_OPAQUE: blocks */
  uint16_t elements; /* of a block */
  uint16_t bytes;
} gguf_type;

/* NULL for a number that nobody has given out. */
const gguf_type *gguf_type_of_number (uint32_t number);
/* The type that a tensor would have in a file, or ADZE_E_UNSUPPORTED with the reason. */
adze_status gguf_type_of_meta (const adze_host *host, const adze_tensor_meta *meta,
                               uint32_t *number);

/* A text for a message: printable, and not longer than a line. */
#define GGUF_SHOWN 81
const char *gguf_shown (const char *data, uint64_t size, char shown[GGUF_SHOWN]);

/* How many tensors, named values or arrays in arrays a structure of LIMIT bytes may have. Each
 * takes the host a while, and a file of nothing else would take seconds. No model has a tenth. */
static inline uint64_t
gguf_entries_limit (uint64_t limit)
{
  return limit / 100 > 100000 ? limit / 100 : 100000;
}

/* ---- window.c: the structure of one file, read piece by piece. */

typedef struct gguf_window {
  const adze_host *host;
  adze_file *file;
  const char *name; /* of the file, for messages */
  uint64_t size;    /* of the file */
  uint64_t limit;   /* the structure must end before this byte */
  uint64_t arrays;  /* in arrays, so far */
  uint64_t base;    /* where in the file bytes[0] lies */
  size_t held, room;
  size_t at;   /* the next byte to be looked at */
  size_t mark; /* what lies before is not needed any more */
  unsigned char *bytes;
} gguf_window;

void gguf_window_open (gguf_window *window, const adze_host *host, adze_file *file, uint64_t limit);
void gguf_window_close (gguf_window *window);
/* Where the next byte lies in the file. */
static inline uint64_t
gguf_position (const gguf_window *window)
{
  return window->base + window->at;
}
/* Goes to a byte of the file and forgets all others. */
void gguf_window_go (gguf_window *window, uint64_t position);
/* Afterwards the next SIZE bytes are held, or WHAT of the file is said to be cut off or too long.
 * Pointers into the window are no longer valid. */
adze_status gguf_need (gguf_window *window, uint64_t size, const char *what);
adze_status gguf_read_u32 (gguf_window *window, const char *what, uint32_t *value);
adze_status gguf_read_u64 (gguf_window *window, const char *what, uint64_t *value);
/* A length and so many bytes, which are passed over; they end where the window then is. */
adze_status gguf_read_text (gguf_window *window, const char *what, uint64_t *size);
/* A count of things that take at least LEAST bytes each: is there room for them in the file? */
adze_status gguf_check_count (gguf_window *window, uint64_t count, uint64_t least,
                              const char *what);
/* And is it one that the structure may have? */
adze_status gguf_check_entries (const gguf_window *window, uint64_t count, const char *what);
/* ADZE_E_FORMAT: "FILE: at byte N: ...". */
adze_status gguf_malformed (const gguf_window *window, uint64_t position, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static inline uint32_t
gguf_get_u32 (const unsigned char *bytes)
{
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline uint64_t
gguf_get_u64 (const unsigned char *bytes)
{
  return gguf_get_u32 (bytes) | (uint64_t)gguf_get_u32 (bytes + 4) << 32;
}

/* ---- values.c: named values. */

/* Passes over a value of TYPE and checks all of it; *MEMORY grows by what its arrays take beyond
 * the bytes in the window. */
adze_status gguf_skim_value (gguf_window *window, uint32_t type, unsigned depth, size_t *memory);
/* The value that lies at BYTES, which has been skimmed; MEMORY has the room that skimming said.
 * Texts and numbers of arrays stay where they are. */
void gguf_build_value (const unsigned char *bytes, uint32_t type, void *memory, adze_meta *value);

/* ---- tensors.c: names, shapes, types and places of tensors. */

/* What is known of one file of a model. */
typedef struct gguf_part {
  uint64_t tensor_count, key_count;
  uint32_t alignment;
  uint64_t split_no, split_count, split_tensors; /* split_count 0 or 1: it is the only one */
  bool has_split_tensors;
} gguf_part;

adze_status gguf_read_tensors (gguf_window *window, const gguf_part *part,
                               const adze_catalog_service *service, adze_catalog *catalog);

/* ---- read.c, write.c: the callbacks. */

adze_status gguf_read (const adze_host *host, const adze_params *params, adze_file *file,
                       adze_catalog *catalog);
adze_status gguf_write (const adze_host *host, const adze_params *params, const adze_cargo *cargo,
                        adze_layout *layout);
adze_status gguf_carries (const adze_host *host, const adze_params *params,
                          const adze_tensor_meta *meta);

/* "-00001-of-00003.gguf": what the name of a file of several ends with. *PREFIX: how much stands
 * before. False: it is no such name. */
bool gguf_shard_name (const char *name, size_t *prefix, uint32_t *number, uint32_t *count);
#define GGUF_SHARD_SUFFIX "-%05u-of-%05u.gguf"

/* ---- write_head.c: the part in front of the bytes. */

/* Bytes that grow; FAILED once there was no memory. */
typedef struct gguf_bytes {
  unsigned char *data;
  size_t size, room;
  bool failed;
} gguf_bytes;

void gguf_bytes_free (gguf_bytes *bytes);

/* Members of the cargo's table that came after the first ones. */
#define GGUF_CARGO_HAS(cargo, member) \
  ((cargo)->struct_size >= offsetof (adze_cargo_service, member) + sizeof ((cargo)->member) \
   && (cargo)->member)

typedef struct gguf_writer {
  const adze_host *host;
  const adze_cargo_service *cargo_service;
  const adze_layout_service *layout_service;
  const adze_cargo *cargo;
  adze_layout *layout;
  const char *architecture; /* to be added; NULL: the model has one, or has to do without */
  bool has_architecture;    /* the file will have one */
  uint32_t alignment;
  bool own_alignment; /* the model says which */
  uint64_t shard_size;
  uint32_t shard_count;
  size_t tensor_count;
  size_t *order; /* which tensor comes at each place; NULL: in the order of the model */
  size_t key_count; /* of the model */
  bool new_file_type; /* in the place of the model's own */
  adze_meta file_type;
} gguf_writer;

/* Can the model's named values be written at all? Fills in what the writer keeps of them. */
adze_status gguf_check_keys (gguf_writer *writer, const char *architecture);
/* The head of the file SHARD, which holds the tensors [FIRST, LAST). */
adze_status gguf_compose_head (const gguf_writer *writer, uint32_t shard, size_t first, size_t last,
                               gguf_bytes *head);

/* ---- file_type.c */

/* What the model says of its file type (NULL: nothing) may not be so any more. */
adze_status gguf_settle_file_type (gguf_writer *writer, const adze_meta *said);

/* ---- order.c */

adze_status gguf_settle_order (gguf_writer *writer, const adze_params *params);
/* The number, in the cargo, of the tensor that comes at POSITION. */
static inline size_t
gguf_index_at (const gguf_writer *writer, size_t position)
{
  return writer->order ? writer->order[position] : position;
}
/* And what it is. */
adze_status gguf_tensor_at (const gguf_writer *writer, size_t position, adze_tensor_meta *meta);

/* ---- vectors.c */

/* Has a stage made a vector something that programs of today stop at? */
adze_status gguf_check_vectors (const gguf_writer *writer, const adze_params *params);

#endif
