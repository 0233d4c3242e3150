/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/units.h: a pass over a segment's tensors as work that can be done in any order.
 *
 * A unit is a set of tensors that have to do with each other, from what is read of the source to
 * what is written, with the steps between: mostly one tensor on its way through all stages. Units
 * are independent. Where all stages of a unit can work on pieces, it is cut into pieces, which are
 * independent as well. A piece is a share of each value: of one that has fewer elements, as scales of rows
 * have, fewer. Units, pieces and items depend on shapes alone, never on threads. */
#ifndef ADZE_PIPELINE_UNITS_H
#define ADZE_PIPELINE_UNITS_H

#include "pipeline/plan.h"

/* A tensor at one point of its way. */
typedef struct adze_unit_value {
  const adze_tensor_meta *meta;
  const adze_value *traits;
  const adze_plan_model *model; /* where it is read from; NULL: a step gives it */
  size_t tensor;                /* number in MODEL */
  size_t same_as; /* another value of the unit with the same bytes; SIZE_MAX: none */
  size_t sink;    /* number in the segment's result; SIZE_MAX: it is not written */
  uint64_t elements;
  uint64_t piece; /* elements that belong to a piece; ELEMENTS: all at once */
  bool once;      /* it is one for all pieces, and is made with the first one; then PIECE is ELEMENTS */
  size_t slot;    /* of a lane's memory: nobody else's as long as anybody needs this one */
  /* The isolated stage that the memory is shared with: it makes the value, or is the first that gets
   * one that no such stage makes; SIZE_MAX: nobody, the lane's own. */
  size_t shared_with;
  bool made_there;
} adze_unit_value;

/* One stage's group. */
typedef struct adze_unit_step {
  size_t stage; /* of the plan */
  size_t group; /* of its outline */
  size_t variant;
  bool observes; /* else applies */
  size_t *inputs, *outputs; /* values */
  size_t input_count, output_count;
  adze_cut cut;
  bool once; /* all that it works on is; it is taken with the first piece */
} adze_unit_step;

typedef struct adze_unit {
  adze_unit_value *values;
  size_t value_count;
  adze_unit_step *steps;
  size_t step_count;
  size_t slot_count;
  uint64_t pieces;
  uint64_t source_bytes; /* that are read */
} adze_unit;

typedef struct adze_units {
  adze_unit *units;
  size_t count;
  uint64_t source_bytes;
  uint64_t structure; /* of all of this, and of what it was made from, at the most */
  size_t value_count, step_count; /* of all units */
  size_t *step_inputs; /* what all steps' inputs and outputs lie in */
} adze_units;

/* A pass of SEGMENT. OBSERVED: the number of the one stage whose observe is called, those in front
 * of it being applied; SIZE_MAX: the last pass, with all stages, and what inspects observes. */
ADZE_MUST_CHECK adze_error *adze_units_make (const adze_plan *plan,
                                             const adze_plan_segment *segment, size_t observed,
                                             adze_units *units);
void adze_units_cleanup (adze_units *units);

/* The value whose bytes VALUE has: another one, or itself. */
size_t adze_unit_owner (const adze_unit *unit, size_t value);

/* ---- units_cut.c */

/* Fills in what belongs to pieces, of UNIT's values and steps. */
void adze_unit_cut (const adze_plan *plan, adze_unit *unit);

/* Bytes of COUNT elements that begin at a piece's boundary. */
uint64_t adze_piece_bytes (const adze_tensor_meta *meta, uint64_t count);

/* The elements of VALUE that belong to piece number WHICH. */
typedef struct adze_span {
  uint64_t first, count;
} adze_span;
adze_span adze_unit_span (const adze_unit_value *value, uint64_t which);
/* Bytes of the largest piece. */
uint64_t adze_unit_piece_bytes (const adze_unit_value *value);
/* Do leaves of VALUE, which are hashed one by one, lie in several pieces? */
bool adze_unit_splits_leaves (const adze_unit_value *value);
/* Bytes of such leaves that wait for the rest of them, at the most, for each lane. */
uint64_t adze_unit_waiting_bytes (const adze_unit *unit);

/* Pieces are summed up in accumulators this many at a time. */
#define ADZE_ITEM_PIECES 4u

#endif
