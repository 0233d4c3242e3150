/* SPDX-License-Identifier: Apache-2.0 */
/* move.h: elements from one place to another, both with strides: what transposing, slicing,
 * joining, repeating and rearranging have in common. */
#ifndef ADZE_REF_MOVE_H
#define ADZE_REF_MOVE_H

#include "ref.h"

/* Tile and the like split each dimension in two. */
#define REF_MOVE_RANK (2 * ADZE_GRAPH_RANK)

/* Strides in elements; they may be 0 where elements are repeated, and below 0. */
typedef struct ref_move {
  int32_t rank;
  size_t shape[REF_MOVE_RANK];
  ptrdiff_t to[REF_MOVE_RANK], from[REF_MOVE_RANK];
  char *into;
  const char *out_of;
  size_t size; /* of an element, in bytes */
} ref_move;

/* Who calls sees to it that all places lie in what was given, and no two are the same in INTO. */
adze_status ref_move_run (ref_call *call, const ref_move *move);

/* One more dimension, the last one. */
static inline void
ref_move_add (ref_move *move, size_t size, ptrdiff_t to, ptrdiff_t from)
{
  move->shape[move->rank] = size;
  move->to[move->rank] = to;
  move->from[move->rank++] = from;
}

/* Strides of compact elements. */
void ref_strides (const adze_view *view, ptrdiff_t *strides);

/* First input and first output of a node that moves elements: both there, of one type of whole
 * bytes, no more than ADZE_GRAPH_RANK dimensions. *OUT may be NULL all the same: it is not asked
 * for. */
adze_status ref_move_begin (ref_call *call, const adze_view **in, adze_view **out, ref_move *move);

/* For ref_kernel.takes: elements of whole bytes, of numbers rather than texts. */
bool ref_moves (const ref_question *question);

#endif
