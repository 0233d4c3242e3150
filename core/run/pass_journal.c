/* SPDX-License-Identifier: Apache-2.0 */
/* run/pass_journal.c: what is kept of finished units. All of it are entries of the journal, told
 * apart by the range that their number lies in:
 *
 *   tensor of the result    the hash of what was written
 *   CHANGED + unit          which of its steps changed something
 *   SOURCE + tensor         the hash of what was read
 *   SEEN + strand           where its accumulator lies
 */
#include <string.h>

#include "run/pass.h"

#define CHANGED ((uint64_t)1 << 40)
#define SOURCE ((uint64_t)2 << 40)
#define SEEN ((uint64_t)3 << 40)

/* So many steps have a bit of their own. A unit of more, which would be a pipeline of as many
 * stages, is done again. */
enum { STEPS_MOST = 64 };

uint64_t
adze_leaf_count (const adze_tensor_meta *meta)
{
  uint64_t elements = 1, leaf = adze_leaf_elements (meta);
  for (int32_t i = 0; i < meta->rank; i++)
    elements *= (uint64_t)meta->shape[i];
  return (elements + leaf - 1) / leaf;
}

static bool
is_source (const adze_pass *pass, const adze_unit_value *value)
{
  return pass->source_hashes && value->model && value->model == pass->segment->source;
}

/* ---- Noting. */

static adze_error *
note_strands (adze_pass *pass, size_t number)
{
  const adze_pass_unit *state = &pass->state[number];
  for (size_t i = 0; i < state->strand_count; i++) {
    const adze_pass_strand *strand = &pass->strands[state->first_strand + i];
    adze_hash128 where;
    ADZE_TRY (adze_seen_put (pass->seen, strand->items.root, strand->observer->size, &where));
    ADZE_TRY (adze_journal_add (pass->folder, pass->journal, SEEN + state->first_strand + i,
                                where));
  }
  return NULL;
}

static adze_error *
note_tensors (adze_pass *pass, size_t number)
{
  const adze_unit *unit = &pass->units.units[number];
  for (size_t i = 0; i < unit->value_count; i++) {
    const adze_unit_value *value = &unit->values[i];
    if (is_source (pass, value))
      ADZE_TRY (adze_journal_add (pass->folder, pass->journal, SOURCE + value->tensor,
                                  pass->source_hashes[value->tensor]));
    if (value->sink == SIZE_MAX)
      continue;
    const adze_model_tensor *tensor = &pass->segment->result->view.tensors[value->sink];
    adze_hash128 hash = adze_tensor_hash (tensor, pass->state[number].hashes[i],
                                          adze_leaf_count (value->meta));
    ADZE_TRY (adze_journal_add (pass->folder, pass->journal, value->sink, hash));
  }
  return NULL;
}

/* No journal knows of a fallback. It must be told again by whoever goes on after a kill, or else the
 * run would end as if there had been none: so what has fallen back is done again. */
static bool
fell_back (const adze_pass *pass)
{
  for (size_t i = 0; i < pass->segment->count; i++)
    if (adze_told_fell_back (pass->told, pass->plan->stages[pass->segment->first + i].stage->id))
      return true;
  return false;
}

adze_error *
adze_unit_note (adze_pass *pass, size_t number)
{
  const adze_unit *unit = &pass->units.units[number];
  uint64_t changed = 0;
  if (unit->step_count > STEPS_MOST || fell_back (pass))
    return NULL;
  for (size_t i = 0; i < unit->step_count; i++)
    if (atomic_load (&pass->changed[pass->state[number].first_step + i]))
      changed |= UINT64_C (1) << i;
  ADZE_TRY (adze_journal_add (pass->folder, pass->journal, CHANGED + number,
                              (adze_hash128){ .low = changed }));
  ADZE_TRY (note_strands (pass, number));
  /* Last, so that whoever finds a tensor finds all that belongs to it. */
  return note_tensors (pass, number);
}

/* ---- Recalling. */

/* After another boot nobody knows whether the bytes reached the disk. */
static adze_error *
read_again (const adze_sink *sink, const adze_model *model, size_t number, adze_hash128 hash,
            bool *sound)
{
  const adze_model_tensor *tensor = &model->tensors[number];
  adze_writer_place place = adze_sink_place (sink, number);
  uint64_t count = adze_leaf_count (&tensor->meta), bytes = tensor->meta.byte_size;
  uint64_t size = adze_piece_bytes (&tensor->meta, adze_leaf_elements (&tensor->meta));
  ADZE_AUTO_FREE adze_hash128 *leaves = calloc (count + 1, sizeof *leaves);
  ADZE_AUTO_FREE char *buffer = malloc (size + 1);
  if (!leaves || !buffer)
    return adze_error_memory ();
  for (uint64_t i = 0; i < count; i++) {
    uint64_t offset = i * size, part = bytes - offset < size ? bytes - offset : size;
    ADZE_TRY (adze_read_at (place.fd, tensor->meta.name, place.offset + offset, buffer, part));
    leaves[i] = adze_leaf_hash (buffer, part);
  }
  adze_hash128 found = adze_tensor_hash (tensor, leaves, count);
  *sound = found.low == hash.low && found.high == hash.high;
  return NULL;
}

static adze_error *
recall_tensors (adze_pass *pass, size_t number, bool *there)
{
  const adze_unit *unit = &pass->units.units[number];
  for (size_t i = 0; *there && i < unit->value_count; i++) {
    const adze_unit_value *value = &unit->values[i];
    adze_hash128 hash;
    bool sure = true;
    if (is_source (pass, value)) {
      *there = adze_journal_has (pass->folder, pass->journal, SOURCE + value->tensor,
                                 &pass->source_hashes[value->tensor], &sure);
      pass->source_known[value->tensor] = *there;
    }
    if (!*there || value->sink == SIZE_MAX)
      continue;
    *there = adze_journal_has (pass->folder, pass->journal, value->sink, &hash, &sure);
    if (*there && !sure)
      ADZE_TRY (read_again (pass->sink, &pass->segment->result->view, value->sink, hash,
                            there));
  }
  return NULL;
}

static adze_error *
recall_strands (adze_pass *pass, size_t number, bool *there)
{
  const adze_pass_unit *state = &pass->state[number];
  for (size_t i = 0; *there && i < state->strand_count; i++) {
    adze_pass_strand *strand = &pass->strands[state->first_strand + i];
    adze_hash128 where;
    bool sure;
    *there = adze_journal_has (pass->folder, pass->journal, SEEN + state->first_strand + i, &where,
                               &sure);
    if (!*there)
      break;
    if (!strand->items.root)
      strand->items.root = adze_stock_take (&strand->observer->stock);
    if (!strand->items.root)
      return adze_error_memory ();
    ADZE_TRY (adze_seen_get (pass->seen, where, strand->items.root, strand->observer->size,
                             there));
  }
  return NULL;
}

static void
give_roots_back (adze_pass *pass, size_t number)
{
  const adze_pass_unit *state = &pass->state[number];
  for (size_t i = 0; i < state->strand_count; i++) {
    adze_pass_strand *strand = &pass->strands[state->first_strand + i];
    adze_stock_give (&strand->observer->stock, adze_take (&strand->items.root));
  }
}

adze_error *
adze_unit_recall (adze_pass *pass, size_t number, bool *finished)
{
  const adze_unit *unit = &pass->units.units[number];
  adze_hash128 changed;
  bool sure;
  *finished = unit->step_count <= STEPS_MOST
              && adze_journal_has (pass->folder, pass->journal, CHANGED + number, &changed, &sure);
  if (!*finished)
    return NULL;
  ADZE_TRY (recall_tensors (pass, number, finished));
  if (*finished)
    ADZE_TRY (recall_strands (pass, number, finished));
  if (!*finished) {
    give_roots_back (pass, number);
    return NULL;
  }
  for (size_t i = 0; i < unit->step_count; i++)
    if (changed.low >> i & 1)
      atomic_store (&pass->changed[pass->state[number].first_step + i], true);
  return NULL;
}

/* ---- All of a result. */

bool
adze_journal_is_complete (const adze_folder *folder, adze_hash128 segment, const adze_model *model)
{
  adze_hash128 hash;
  bool sure;
  for (size_t i = 0; i < model->count; i++)
    if (!adze_journal_has (folder, segment, i, &hash, &sure))
      return false;
  return model->count > 0;
}

adze_error *
adze_journal_verify (const adze_folder *folder, adze_hash128 segment, const adze_sink *sink,
                     const adze_model *model, bool *sound)
{
  *sound = true;
  for (size_t i = 0; *sound && i < model->count; i++) {
    adze_hash128 hash;
    bool sure;
    *sound = adze_journal_has (folder, segment, i, &hash, &sure);
    if (*sound)
      ADZE_TRY (read_again (sink, model, i, hash, sound));
  }
  return NULL;
}
