/* SPDX-License-Identifier: Apache-2.0 */
/* run/leaves.h: what pieces have of a value is hashed leaf by leaf, and written.
 *
 * Mostly a piece is a leaf. Of a value that has fewer elements than others of its unit, as the scales of rows
 * have, a leaf is made of many pieces, on any lane and in any order: it is gathered in memory, and hashed and
 * written when it is complete. Not more leaves wait than lanes can have begun. */
#ifndef ADZE_RUN_LEAVES_H
#define ADZE_RUN_LEAVES_H

#include "pipeline/units.h"

struct adze_pass;
struct adze_pass_unit;

/* A leaf that waits for more of its bytes. */
typedef struct adze_open_leaf adze_open_leaf;

/* What a piece is of a value of a unit that is under way. */
typedef struct adze_leaf_share {
  struct adze_pass *pass;
  struct adze_pass_unit *state;
  const adze_unit *unit;
  size_t value;
  uint64_t which; /* piece */
  const void *data;
} adze_leaf_share;

/* After it was read: hashed where anybody wants to know, and it is not written. */
ADZE_MUST_CHECK adze_error *adze_leaves_read (const adze_leaf_share *share);
/* The hash of all of a piece that was read; NULL: it is not known. */
const adze_hash128 *adze_leaves_known (const adze_leaf_share *share);
/* After the last step, of a value with a sink. */
ADZE_MUST_CHECK adze_error *adze_leaves_write (const adze_leaf_share *share);

/* Frees those that were never completed: a pass that failed. */
void adze_leaves_clear (adze_open_leaf **open);

#endif
