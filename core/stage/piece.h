/* SPDX-License-Identifier: Apache-2.0 */
/* stage/piece.h: a stretch of a tensor as a technique of some grain is shown it. */
#ifndef ADZE_STAGE_PIECE_H
#define ADZE_STAGE_PIECE_H

#include <adze/draft/technique.h>

#include "artifact/meta.h"

/* How the tensors of a group are cut. */
typedef struct adze_cut {
  uint32_t grain;    /* adze_grain */
  uint32_t row_rank; /* ADZE_GRAIN_ROW: so many of the first dimensions count rows, which may be of different
                        lengths in the tensors of the group; 0: all but the last, of the same length */
} adze_cut;

typedef struct adze_piece {
  adze_tensor tensor; /* its name is the meta's; shapes lie here */
  int64_t shape[ADZE_RANK_MAX];
  int64_t block[ADZE_RANK_MAX];
} adze_piece;

/* Bytes of compact elements, or an error (ADZE_E_CONTRACT) when there cannot be such a tensor. */
ADZE_MUST_CHECK adze_error *adze_tensor_bytes (adze_dtype dtype, int32_t rank,
                                               const int64_t *shape, size_t *bytes);

/* Pieces begin at, and but for the last have as many elements as, a multiple of this: all for
 * ADZE_GRAIN_TENSOR, a row's, or what fills whole bytes. Never 0. */
uint64_t adze_piece_step (const adze_tensor_meta *meta, adze_cut cut);

/* Elements of META that belong to COUNT of the group's first input. */
uint64_t adze_piece_share (const adze_tensor_meta *first, const adze_tensor_meta *meta, adze_cut cut,
                           uint64_t count);

/* Can a technique of this grain be given pieces of such a tensor? META is one that can be. */
ADZE_MUST_CHECK adze_error *adze_piece_check (const adze_tensor_meta *meta, adze_cut cut);

/* Bytes from the tensor's start to element FIRST, which begins a piece. */
uint64_t adze_piece_offset (const adze_tensor_meta *meta, uint64_t first);

/* COUNT elements of META (all of them for ADZE_GRAIN_TENSOR, whatever it says), whose bytes lie at
 * DATA: those of the piece, not of the whole; NULL: not shown. PIECE must stay where it is. */
void adze_piece_make (const adze_tensor_meta *meta, adze_cut cut, uint64_t count, void *data,
                      adze_piece *piece);
/* An output that is one for all, in a piece that has not the first rows: no elements. */
void adze_piece_make_absent (const adze_tensor_meta *meta, adze_piece *piece);

/* A tensor that somebody handed over as a meta: NAME and shape are borrowed from it. Of blocks
 * the shape of one must be that of neighbours of the last dimension, and divide the bytes. */
ADZE_MUST_CHECK adze_error *adze_piece_meta (const adze_tensor *tensor, adze_tensor_meta *meta);

#endif
