/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/layout.h: what a format makes of a model: files, and what comes where in them. */
#ifndef ADZE_ARTIFACT_LAYOUT_H
#define ADZE_ARTIFACT_LAYOUT_H

#include "artifact/session.h"

/* Bytes that are not a tensor's, from OFFSET of a file on; at AT of its LITERALS. What lies between
 * pieces and tensors is zeros. */
typedef struct adze_layout_piece {
  uint64_t offset;
  size_t at, size;
} adze_layout_piece;

typedef struct adze_layout_file {
  char *name; /* without folder */
  uint64_t length;
  adze_buffer literals;
  adze_layout_piece *pieces;
  size_t piece_count, piece_capacity;
} adze_layout_file;

#define ADZE_NOT_PLACED UINT32_MAX

typedef struct adze_layout_place {
  uint32_t file; /* ADZE_NOT_PLACED: nowhere yet */
  uint64_t offset;
} adze_layout_place;

struct adze_cargo {
  const adze_model *model;
  const char *file_name;
  char *traits; /* the entry that follows the model's metadata; NULL: none */
  adze_meta traits_value;
  adze_tensor_meta **as_bytes; /* of a model's tensors those that are shown as such; NULL: none is */
};

struct adze_layout {
  adze_format_session *session;
  const adze_model *model;
  adze_layout_file *files;
  uint32_t file_count;
  adze_layout_place *places; /* a tensor each */
  bool refused;
};

/* Asks the session's format how it writes MODEL as a file of this NAME (without folder). */
ADZE_MUST_CHECK adze_error *adze_layout_make (adze_format_session *session,
                                              const adze_model *model, const char *name,
                                              adze_layout **layout);
void adze_layout_free (adze_layout *layout);

#endif
