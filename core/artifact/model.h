/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/model.h: a model: tensors that lie somewhere, named values, parts of a format's own.
 *
 * Opening one reads the structure of its files and no weights. Tensors are read when asked for.
 */
#ifndef ADZE_ARTIFACT_MODEL_H
#define ADZE_ARTIFACT_MODEL_H

#include "artifact/meta.h"
#include "base/file.h"

typedef struct adze_model_file {
  char *path;
  int fd;
  adze_file_identity identity;
} adze_model_file;

typedef struct adze_model_tensor {
  adze_tensor_meta meta; /* its name and shape belong to the model */
  uint64_t elements;
  int32_t file;    /* number in FILES; -1: DATA */
  bool retyped;    /* a stage gave it another type than it was read with, or made it */
  uint64_t offset; /* in the file */
  void *data;      /* owned by the model */
  adze_value *traits; /* table of tables, by id; NULL: none */
} adze_model_tensor;

typedef struct adze_model_part {
  char *id;
  void *data;
  size_t size;
} adze_model_part;

typedef struct adze_model {
  char *path;   /* NULL: it never was in a file of its own */
  char *format; /* the format's id; NULL likewise. A plan's model has its input's, and no path */
  adze_model_tensor *tensors; /* in the file's order */
  size_t count;
  adze_metadata metadata; /* without "adze.traits", which TRAITS of the tensors hold */
  adze_model_part *parts;
  size_t part_count;
  adze_model_file *files;
  size_t file_count;
  size_t tensor_capacity, part_capacity;
  /* Names to numbers, and where names and shapes lie. A plan's model has its input's, or none. */
  struct adze_model_index *index;
} adze_model;

void adze_model_close (adze_model *model);
static inline void
adze_model_cleanup (adze_model **model)
{
  adze_model_close (*model);
}
#define ADZE_AUTO_MODEL __attribute__ ((cleanup (adze_model_cleanup))) adze_model *

/* ---- Building one. */

ADZE_MUST_CHECK adze_error *adze_model_new (adze_model **model);
/* One more tensor; META is copied, its byte_size (0: what type and shape give) must be right, and
 * its name new (ADZE_E_FORMAT otherwise). *ADDED has file -1, no data and no traits, for the caller
 * to fill in; it is valid until the next one is added. */
ADZE_MUST_CHECK adze_error *adze_model_add (adze_model *model, const adze_tensor_meta *meta,
                                            adze_model_tensor **added);
/* TENSOR, which takes the same bytes as before, as one of META, which is copied but for its name. */
ADZE_MUST_CHECK adze_error *adze_model_retype (adze_model *model, adze_model_tensor *tensor,
                                               const adze_tensor_meta *meta);
/* Copies. A part of this id is an error. */
ADZE_MUST_CHECK adze_error *adze_model_add_part (adze_model *model, const char *id,
                                                 const void *data, size_t size);
/* All of FROM's, copied. */
ADZE_MUST_CHECK adze_error *adze_model_copy_parts (const adze_model *from, adze_model *into);
const adze_model_part *adze_model_part_find (const adze_model *model, const char *id);

/* ---- Using one. */

adze_model_tensor *adze_model_find (const adze_model *model, const char *name);

/* Has nobody written into the files of MODEL since it was opened? What they are called and who owns them
 * may change, which *TOUCHED, initially false, tells; so may what is in them, by somebody who puts the
 * time back. TOUCHED NULL: nobody can hold the bytes against what was read, and that counts as well. */
ADZE_MUST_CHECK adze_error *adze_model_stands (const adze_model *model, bool *touched);
/* That the file at PATH changed. */
adze_error *adze_model_changed (const char *path);

/* SIZE bytes of a tensor from OFFSET on. */
ADZE_MUST_CHECK adze_error *adze_model_read (const adze_model *model,
                                             const adze_model_tensor *tensor, uint64_t offset,
                                             void *buffer, size_t size);

/* The content, whatever the file: 128 bits over names, types, shapes, bytes, metadata, parts, each in
 * the order in which the file has them: what is made of it is written so.
 *
 * Bytes are hashed in leaves, so that pieces can be hashed by whoever has them in hand: a leaf is
 * adze_leaf_elements (meta) consecutive elements of a tensor (the last one may be shorter), which
 * is always a number of whole rows, or a part of a longer row that divides it (the last row of all
 * excepted). It begins and ends with a whole block and a whole byte. */
typedef struct adze_hash128 {
  uint64_t low, high;
} adze_hash128;

static inline bool
adze_hash_equal (adze_hash128 a, adze_hash128 b)
{
  return a.low == b.low && a.high == b.high;
}

#define ADZE_LEAF_ELEMENTS ((uint64_t)1 << 18)
uint64_t adze_leaf_elements (const adze_tensor_meta *meta);
adze_hash128 adze_leaf_hash (const void *bytes, size_t size);
/* LEAVES in order; the hash of one tensor, name and traits included. Any tensor without bytes has no
 * leaf. */
adze_hash128 adze_tensor_hash (const adze_model_tensor *tensor, const adze_hash128 *leaves,
                               size_t leaf_count);
/* Of all of it, given those of its tensors: TENSORS[i] is that of tensor number i. */
adze_hash128 adze_model_hash (const adze_model *model, const adze_hash128 *tensors);
/* 32 hexadecimal digits and a NUL; and back. */
#define ADZE_HASH_TEXT 33
void adze_hash_text (adze_hash128 hash, char text[ADZE_HASH_TEXT]);
bool adze_hash_parse (const char *text, adze_hash128 *hash);

#endif
