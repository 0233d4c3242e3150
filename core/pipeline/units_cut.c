/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/units_cut.c: how a unit is cut into pieces, and what of each value belongs to one. */
#include <adze/draft/traits.h>

#include "pipeline/units.h"

uint64_t
adze_piece_bytes (const adze_tensor_meta *meta, uint64_t count)
{
  if (meta->codec)
    return count / meta->block_elements * meta->block_bytes;
  uint64_t bits = (uint64_t)meta->dtype.bits * meta->dtype.lanes;
  return bits % 8 == 0 ? count * (bits / 8) : (count * bits + 7) / 8;
}

adze_span
adze_unit_span (const adze_unit_value *value, uint64_t which)
{
  if (value->once || value->piece >= value->elements)
    return (adze_span){ 0, which == 0 ? value->elements : 0 };
  adze_span span = { which * value->piece, value->elements - which * value->piece };
  if (span.count > value->piece)
    span.count = value->piece;
  return span;
}

uint64_t
adze_unit_piece_bytes (const adze_unit_value *value)
{
  return value->piece >= value->elements ? value->meta->byte_size
                                         : adze_piece_bytes (value->meta, value->piece);
}

bool
adze_unit_splits_leaves (const adze_unit_value *value)
{
  return value->piece < value->elements && value->piece % adze_leaf_elements (value->meta) != 0;
}

/* An item under way has parts of two leaves at the most that nobody else completes, and so has the front. */
uint64_t
adze_unit_waiting_bytes (const adze_unit *unit)
{
  enum { OPEN_MOST = 3 };
  uint64_t bytes = 0;
  for (size_t i = 0; i < unit->value_count; i++) {
    const adze_unit_value *value = &unit->values[i];
    uint64_t leaf = adze_leaf_elements (value->meta);
    if (adze_unit_splits_leaves (value) && (value->model || value->sink != SIZE_MAX))
      bytes += leaf < value->elements ? adze_piece_bytes (value->meta, leaf) : value->meta->byte_size;
  }
  return OPEN_MOST * bytes;
}

/* ---- Where a unit can be cut. */

/* Does a boundary after COUNT elements fall between bytes, and between blocks? */
static bool
divides (const adze_tensor_meta *meta, uint64_t count)
{
  if (meta->codec)
    return count % meta->block_elements == 0;
  return count % 8 * meta->dtype.bits * meta->dtype.lanes % 8 == 0;
}

/* One for all are outputs that say so, and what is made of nothing else. False: the step works on both, and
 * needs all of both at one time. */
static bool
find_once (const adze_plan *plan, adze_unit *unit, adze_unit_step *step)
{
  const adze_outline *outline = &plan->stages[step->stage].outline;
  size_t once = 0;
  for (size_t i = 0; i < step->input_count; i++)
    once += unit->values[adze_unit_owner (unit, step->inputs[i])].once;
  step->once = once > 0;
  for (size_t i = 0; i < step->output_count; i++)
    unit->values[step->outputs[i]].once
        = step->once || adze_outline_once (&outline->groups[step->group], i);
  return once == 0 || once == step->input_count;
}

static uint64_t
greatest_divisor (uint64_t a, uint64_t b)
{
  while (b > 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Elements of the unit's first value that must not be cut, for STEP to get whole rows; 0: they cannot be
 * told. */
static uint64_t
atom_of (const adze_unit *unit, const adze_unit_step *step)
{
  const adze_unit_value *first = &unit->values[step->inputs[0]];
  if (step->cut.grain != ADZE_GRAIN_ROW)
    return 1;
  uint64_t rows = first->elements / adze_piece_step (first->meta, step->cut);
  return rows > 0 && unit->values[0].elements % rows == 0 ? unit->values[0].elements / rows : 0;
}

/* *ATOM: what must not be cut, of the first value. False: pieces are not possible. */
static bool
can_be_cut (const adze_plan *plan, adze_unit *unit, uint64_t *atom)
{
  bool possible = unit->values[0].elements > 0;
  *atom = 1;
  for (size_t i = 0; i < unit->step_count; i++) {
    adze_unit_step *step = &unit->steps[i];
    possible = find_once (plan, unit, step) && possible;
    if (step->once || !possible)
      continue;
    uint64_t own = atom_of (unit, step);
    possible = step->cut.grain != ADZE_GRAIN_TENSOR && own > 0;
    if (possible)
      possible = !__builtin_mul_overflow (*atom, own / greatest_divisor (own, *atom), atom);
  }
  return possible;
}

/* What a trait says of neighbours is held against one piece at a time: they must not be parted. */
static bool
keeps_neighbours (const adze_unit_value *value)
{
  enum { NEIGHBOURS_MOST = 64 };
  const uint64_t row = adze_tensor_meta_row (value->meta), piece = value->piece;
  return piece % row == 0 || (row % piece == 0 && piece % NEIGHBOURS_MOST == 0)
         || !adze_value_get (value->traits, ADZE_TRAIT_NM);
}

/* A piece of each value that has the same share of all of it as PIECE elements have of the first one. */
static bool
share_out (adze_unit *unit, uint64_t piece)
{
  const uint64_t all = unit->values[0].elements;
  for (size_t i = 0; i < unit->value_count; i++) {
    adze_unit_value *value = &unit->values[i];
    unsigned __int128 share = (unsigned __int128)value->elements * piece;
    value->once = unit->values[adze_unit_owner (unit, i)].once;
    if (value->once)
      continue;
    value->piece = (uint64_t)(share / all);
    if (share % all != 0 || value->piece == 0 || !divides (value->meta, value->piece)
        || !keeps_neighbours (value))
      return false;
  }
  for (size_t i = 0; i < unit->step_count; i++) {
    const adze_unit_step *step = &unit->steps[i];
    const adze_unit_value *first = &unit->values[step->inputs[0]];
    if (!step->once && first->piece % adze_piece_step (first->meta, step->cut) != 0)
      return false;
  }
  return true;
}

/* A leaf of the first value where rows allow it: what is hashed then is a piece. */
void
adze_unit_cut (const adze_plan *plan, adze_unit *unit)
{
  uint64_t atom;
  for (size_t i = 0; i < unit->value_count; i++)
    unit->values[i].piece = unit->values[i].elements = adze_tensor_meta_elements (unit->values[i].meta);
  unit->pieces = 1;
  if (!can_be_cut (plan, unit, &atom))
    return;
  const uint64_t all = unit->values[0].elements, leaf = adze_leaf_elements (unit->values[0].meta);
  const uint64_t piece = atom < leaf ? leaf / atom * atom : atom;
  if (piece < all && share_out (unit, piece)) {
    unit->pieces = (all + piece - 1) / piece;
    return;
  }
  for (size_t i = 0; i < unit->value_count; i++)
    unit->values[i].piece = unit->values[i].elements;
}
