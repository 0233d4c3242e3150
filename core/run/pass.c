/* SPDX-License-Identifier: Apache-2.0 */
/* run/pass.c: items handed out to lanes, accumulators merged, units finished. */
#include "run/pass.h"

#include <string.h>
#include <time.h>

/* ---- Items. */

static uint64_t
items_of (const adze_unit *unit)
{
  return unit->pieces ? (unit->pieces + ADZE_ITEM_PIECES - 1) / ADZE_ITEM_PIECES : 1;
}

/* The next item, in order; false: there is none. */
static bool
take_item (adze_pass *pass, size_t *unit, uint64_t *item)
{
  bool found = false;
  pthread_mutex_lock (&pass->lock);
  while (pass->next_unit < pass->units.count
         && (pass->state[pass->next_unit].finished
             || pass->next_item == items_of (&pass->units.units[pass->next_unit]))) {
    pass->next_unit++;
    pass->next_item = 0;
  }
  if (pass->next_unit < pass->units.count) {
    *unit = pass->next_unit;
    *item = pass->next_item++;
    found = true;
  }
  pthread_mutex_unlock (&pass->lock);
  return found;
}

/* ---- What a unit needs while it is under way. */

static bool
is_hashed (const adze_pass *pass, const adze_unit_value *value)
{
  return value->sink != SIZE_MAX
         || (pass->source_hashes && value->model && value->model == pass->segment->source);
}

static void
end_unit (adze_pass *pass, size_t number)
{
  adze_pass_unit *state = &pass->state[number];
  for (size_t i = 0; state->hashes && i < pass->units.units[number].value_count; i++)
    free (state->hashes[i]);
  free (state->hashes);
  state->hashes = NULL;
  adze_leaves_clear (&state->open);
}

static adze_error *
begin_unit (adze_pass *pass, size_t number)
{
  const adze_unit *unit = &pass->units.units[number];
  adze_hash128 **hashes = calloc (unit->value_count, sizeof *hashes);
  bool sound = hashes != NULL;
  for (size_t i = 0; sound && i < unit->value_count; i++) {
    const adze_unit_value *value = &unit->values[i];
    if (!is_hashed (pass, value))
      continue;
    hashes[i] = calloc (adze_leaf_count (value->meta) + 1, sizeof **hashes);
    sound = hashes[i] != NULL;
  }
  pass->state[number].hashes = hashes;
  if (sound)
    return NULL;
  end_unit (pass, number);
  return adze_error_memory ();
}

/* The first lane to come makes it. */
static adze_error *
enter_unit (adze_pass *pass, size_t number)
{
  adze_error *error = NULL;
  pthread_mutex_lock (&pass->lock);
  if (!pass->state[number].hashes)
    error = begin_unit (pass, number);
  pthread_mutex_unlock (&pass->lock);
  return error;
}

/* ---- Accumulators. */

typedef struct merge_context {
  adze_instance *instance;
  unsigned lane;
} merge_context;

static adze_error *
merge (void *context, void *left, const void *right)
{
  merge_context *m = context;
  return adze_instance_merge (m->instance, m->lane, left, right);
}

static adze_error *
take_accumulators (adze_pass *pass, adze_lane *lane, size_t number)
{
  const adze_pass_unit *state = &pass->state[number];
  if (state->strand_count > lane->accumulator_room) {
    void **more = realloc (lane->accumulators, state->strand_count * sizeof *more);
    if (!more)
      return adze_error_memory ();
    lane->accumulators = more;
    lane->accumulator_room = state->strand_count;
  }
  for (size_t i = 0; i < state->strand_count; i++) {
    adze_stock *stock = &pass->strands[state->first_strand + i].observer->stock;
    lane->accumulators[i] = adze_stock_take (stock);
    if (lane->accumulators[i])
      continue;
    while (i-- > 0)
      adze_stock_give (&pass->strands[state->first_strand + i].observer->stock,
                       lane->accumulators[i]);
    return adze_error_memory ();
  }
  return NULL;
}

static void
drop_accumulators (adze_pass *pass, adze_lane *lane, size_t number, size_t from)
{
  const adze_pass_unit *state = &pass->state[number];
  for (size_t i = from; i < state->strand_count; i++)
    adze_stock_give (&pass->strands[state->first_strand + i].observer->stock,
                     lane->accumulators[i]);
}

static adze_error *
put_accumulators (adze_pass *pass, adze_lane *lane, size_t number, uint64_t item)
{
  const adze_pass_unit *state = &pass->state[number];
  for (size_t i = 0; i < state->strand_count; i++) {
    adze_pass_strand *strand = &pass->strands[state->first_strand + i];
    merge_context context
        = { pass->plan->stages[strand->observer->stage].instance, lane->number };
    bool done;
    adze_error *error
        = adze_tree_put (&strand->items, &pass->lock, &strand->observer->stock, item,
                         lane->accumulators[i], merge, &context, &done);
    if (error) {
      drop_accumulators (pass, lane, number, i + 1);
      return error;
    }
  }
  return NULL;
}

/* A strand's accumulator is complete and goes to its stage; that of a group goes out of memory, or a model
 * of many tensors would fill it. */
static adze_error *
put_strand (adze_pass *pass, adze_lane *lane, adze_pass_strand *strand, void *accumulator)
{
  adze_pass_observer *observer = strand->observer;
  if (observer->by_group) {
    adze_error *error = adze_ledger_put (observer->ledger, strand->group, accumulator);
    adze_stock_give (&observer->stock, accumulator);
    return error;
  }
  merge_context context = { pass->plan->stages[observer->stage].instance, lane->number };
  bool done;
  return adze_tree_put (&observer->whole, &pass->lock, &observer->stock, strand->number,
                        accumulator, merge, &context, &done);
}

/* ---- A unit is finished. */

/* Of what was read, for the content of the source. */
static void
settle_hashes (adze_pass *pass, size_t number)
{
  const adze_unit *unit = &pass->units.units[number];
  for (size_t i = 0; pass->source_hashes && i < unit->value_count; i++) {
    const adze_unit_value *value = &unit->values[i];
    if (!value->model || value->model != pass->segment->source)
      continue;
    pass->source_hashes[value->tensor]
        = adze_tensor_hash (&value->model->view.tensors[value->tensor],
                            pass->state[number].hashes[i], adze_leaf_count (value->meta));
    pass->source_known[value->tensor] = true;
  }
}

static adze_error *
finish_unit (adze_pass *pass, adze_lane *lane, size_t number)
{
  adze_pass_unit *state = &pass->state[number];
  settle_hashes (pass, number);
  if (pass->sink)
    ADZE_TRY (adze_unit_note (pass, number));
  end_unit (pass, number);
  for (size_t i = 0; i < state->strand_count; i++) {
    adze_pass_strand *strand = &pass->strands[state->first_strand + i];
    ADZE_TRY (put_strand (pass, lane, strand, adze_take (&strand->items.root)));
  }
  return NULL;
}

/* Units that an earlier try has finished take their results from the journal. */
static adze_error *
find_finished (adze_pass *pass)
{
  adze_lane lane = { 0 };
  for (size_t i = 0; pass->sink && pass->resumed && i < pass->units.count; i++) {
    adze_pass_unit *state = &pass->state[i];
    ADZE_TRY (adze_unit_recall (pass, i, &state->finished));
    if (!state->finished)
      continue;
    for (size_t k = 0; k < state->strand_count; k++) {
      adze_pass_strand *strand = &pass->strands[state->first_strand + k];
      ADZE_TRY (put_strand (pass, &lane, strand, adze_take (&strand->items.root)));
    }
    pass->bytes_found += pass->units.units[i].source_bytes;
  }
  atomic_fetch_add (pass->bytes_found_all, pass->bytes_found);
  return NULL;
}

/* ---- Lanes. */

/* The first failure counts, and everybody stops. */
static void
fail_pass (adze_pass *pass, adze_error *error)
{
  pthread_mutex_lock (&pass->lock);
  if (!pass->error)
    pass->error = error;
  else
    adze_error_free (error);
  pthread_mutex_unlock (&pass->lock);
  atomic_store (&pass->stop, true);
}

static int64_t
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* About ten times a second, whoever comes by. */
static void
tell_progress (adze_pass *pass)
{
  enum { EVERY_NS = 100000000 };
  int64_t now = now_ns ();
  bool tell = false;
  if (pthread_mutex_trylock (&pass->lock) != 0)
    return;
  if (now - pass->told_ns >= EVERY_NS) {
    pass->told_ns = now;
    tell = true;
  }
  pthread_mutex_unlock (&pass->lock);
  if (!tell)
    return;
  const adze_field fields[] = {
    ADZE_FIELD_NUMBER ("segment", (int64_t)pass->number),
    ADZE_FIELD_NUMBER ("done", (int64_t)atomic_load (&pass->bytes_done)),
    ADZE_FIELD_NUMBER ("bytes", (int64_t)pass->units.source_bytes),
    ADZE_FIELD_NUMBER ("found", (int64_t)pass->bytes_found),
  };
  adze_event_bus_emit (pass->plan->runtime->bus, NULL, "segment.progress", fields,
                       ADZE_COUNT_OF (fields));
}

/* The last one has what remains, so that all of them are all of it. */
static uint64_t
bytes_of_piece (const adze_unit *unit, uint64_t which)
{
  uint64_t each = unit->source_bytes / (unit->pieces ? unit->pieces : 1);
  return which + 1 < unit->pieces ? each : unit->source_bytes - each * which;
}

static adze_error *
run_item (adze_pass *pass, adze_lane *lane, size_t number, uint64_t item)
{
  const adze_unit *unit = &pass->units.units[number];
  uint64_t first = item * ADZE_ITEM_PIECES, last = first + ADZE_ITEM_PIECES;
  ADZE_TRY (enter_unit (pass, number));
  ADZE_TRY (take_accumulators (pass, lane, number));
  if (last > unit->pieces)
    last = unit->pieces;
  for (uint64_t i = first; i < last; i++) {
    adze_error *error = atomic_load (&pass->stop) || atomic_load (pass->cancel)
                            ? adze_error_new (ADZE_E_CANCELLED, "somebody asked to stop")
                            : adze_piece_run (pass, lane, number, i);
    if (error) {
      drop_accumulators (pass, lane, number, 0);
      return error;
    }
    uint64_t bytes = bytes_of_piece (unit, i);
    atomic_fetch_add (&pass->bytes_done, bytes);
    atomic_fetch_add (pass->bytes_read, bytes);
    tell_progress (pass);
  }
  ADZE_TRY (put_accumulators (pass, lane, number, item));
  if (atomic_fetch_sub (&pass->state[number].items_left, 1) != 1)
    return NULL;
  return finish_unit (pass, lane, number);
}

static adze_status
run_lanes (void *argument, size_t first, size_t last)
{
  adze_pass *pass = argument;
  for (size_t i = first; i < last; i++) {
    adze_lane lane = { .number = (unsigned)i };
    size_t unit;
    uint64_t item;
    while (!atomic_load (&pass->stop) && take_item (pass, &unit, &item)) {
      adze_error *error = run_item (pass, &lane, unit, item);
      if (error)
        fail_pass (pass, error);
    }
    adze_lane_close (&lane);
  }
  return ADZE_OK;
}

/* ---- Setting up. */

size_t
adze_pass_entries (const adze_plan_stage *planned)
{
  return planned->facts->accumulate == ADZE_OVER_GROUP ? planned->outline.group_count : 1;
}

static adze_error *
open_observer (adze_pass *pass, size_t stage)
{
  const adze_plan_stage *planned = &pass->plan->stages[stage];
  adze_pass_observer *observer = &pass->observers[pass->observer_count];
  *observer = (adze_pass_observer){ .stage = stage };
  ADZE_TRY (adze_instance_accumulator (planned->instance, &observer->size));
  adze_stock_open (&observer->stock, observer->size);
  pass->observer_count++;
  observer->by_group = planned->facts->accumulate == ADZE_OVER_GROUP;
  adze_ledger **ledger = &pass->ledgers[stage - pass->segment->first];
  if (!*ledger)
    ADZE_TRY (adze_ledger_make (pass->folder, planned->stage->id, observer->size, ledger));
  observer->ledger = *ledger;
  return adze_ledger_begin (*ledger, observer->size, adze_pass_entries (planned));
}

adze_pass_observer *
adze_pass_observer_of (adze_pass *pass, size_t number)
{
  for (size_t i = 0; i < pass->observer_count; i++)
    if (pass->observers[i].stage == number)
      return &pass->observers[i];
  return NULL;
}

static adze_error *
open_observers (adze_pass *pass)
{
  const adze_plan_segment *segment = pass->segment;
  pass->observers = calloc (segment->count + 1, sizeof *pass->observers);
  pass->effects = calloc (segment->count + 1, sizeof *pass->effects);
  if (!pass->observers || !pass->effects)
    return adze_error_memory ();
  for (size_t i = 0; i < segment->count; i++) {
    size_t stage = segment->first + i;
    const adze_instance_facts *facts = pass->plan->stages[stage].facts;
    bool looks = pass->observed == stage
                 || (pass->observed == SIZE_MAX && facts->effect == ADZE_INSPECTS);
    if (looks && facts->observes)
      ADZE_TRY (open_observer (pass, stage));
  }
  return NULL;
}

static void
count_parts (adze_pass *pass)
{
  for (size_t i = 0; i < pass->units.count; i++) {
    const adze_unit *unit = &pass->units.units[i];
    adze_pass_unit *state = &pass->state[i];
    state->first_step = pass->step_count;
    state->first_strand = pass->strand_count;
    atomic_init (&state->items_left, items_of (unit));
    for (size_t k = 0; k < unit->step_count; k++) {
      pass->output_count += unit->steps[k].output_count;
      state->strand_count += adze_pass_observer_of (pass, unit->steps[k].stage) != NULL;
    }
    pass->step_count += unit->step_count;
    pass->strand_count += state->strand_count;
  }
}

static void
fill_strands (adze_pass *pass)
{
  size_t next = 0;
  for (size_t i = 0; i < pass->units.count; i++)
    for (size_t k = 0; k < pass->units.units[i].step_count; k++) {
      const adze_unit_step *step = &pass->units.units[i].steps[k];
      adze_pass_observer *observer = adze_pass_observer_of (pass, step->stage);
      if (!observer)
        continue;
      pass->strands[next++]
          = (adze_pass_strand){ .observer = observer,
                                .number = observer->strands++,
                                .group = step->group,
                                .items = { .leaves = items_of (&pass->units.units[i]) } };
    }
  for (size_t i = 0; i < pass->observer_count; i++)
    pass->observers[i].whole.leaves = pass->observers[i].strands;
}

static adze_error *
open_promises (adze_pass *pass)
{
  size_t step_number = 0, next = 0;
  for (size_t i = 0; i < pass->units.count; i++) {
    const adze_unit *unit = &pass->units.units[i];
    for (size_t k = 0; k < unit->step_count; k++) {
      const adze_unit_step *step = &unit->steps[k];
      pass->first_output[step_number++] = next;
      for (size_t o = 0; o < step->output_count; o++) {
        const adze_unit_value *in = &unit->values[step->inputs[0]];
        const adze_unit_value *out = &unit->values[step->outputs[o]];
        adze_error *error = adze_promise_open (out->traits, in->traits,
                                               adze_tensor_meta_same_shape (in->meta, out->meta),
                                               &pass->promises[next++]);
        if (error)
          return adze_error_wrap (error, "the traits of '%s' cannot be verified", out->meta->name);
      }
    }
  }
  return NULL;
}

static adze_error *
open_pass (adze_pass *pass)
{
  pthread_mutex_init (&pass->lock, NULL);
  pthread_mutex_init (&pass->writing, NULL);
  ADZE_TRY (adze_units_make (pass->plan, pass->segment, pass->observed, &pass->units));
  ADZE_TRY (open_observers (pass));
  pass->state = calloc (pass->units.count + 1, sizeof *pass->state);
  if (!pass->state)
    return adze_error_memory ();
  count_parts (pass);
  pass->strands = calloc (pass->strand_count + 1, sizeof *pass->strands);
  pass->changed = calloc (pass->step_count + 1, sizeof *pass->changed);
  pass->promises = calloc (pass->output_count + 1, sizeof *pass->promises);
  pass->first_output = calloc (pass->step_count + 1, sizeof *pass->first_output);
  if (!pass->strands || !pass->changed || !pass->promises || !pass->first_output)
    return adze_error_memory ();
  fill_strands (pass);
  ADZE_TRY (open_promises (pass));
  ADZE_TRY (find_finished (pass));
  atomic_store (&pass->bytes_done, pass->bytes_found);
  return NULL;
}

/* ---- Effects. */

/* Groups that no step works on: what keeps its bytes under another name or shape, and what is
 * dropped. */
static void
count_stepless (adze_pass *pass, const adze_plan_stage *planned)
{
  const adze_outline *outline = &planned->outline;
  adze_pass_effect *effect = &pass->effects[planned->number - pass->segment->first];
  if (planned->facts->effect != ADZE_CHANGES)
    return;
  for (size_t i = 0; i < outline->group_count; i++) {
    if (adze_outline_seen (outline, &outline->groups[i]))
      continue;
    atomic_fetch_add (&effect->tensors, 1);
    atomic_fetch_add (&effect->tensors_changed, adze_plan_group_edits (planned, i));
  }
}

static void
count_effects (adze_pass *pass)
{
  for (size_t i = 0; i < pass->segment->count; i++)
    count_stepless (pass, &pass->plan->stages[pass->segment->first + i]);
  size_t number = 0;
  for (size_t i = 0; i < pass->units.count; i++) {
    const adze_unit *unit = &pass->units.units[i];
    for (size_t k = 0; k < unit->step_count; k++, number++) {
      const adze_unit_step *step = &unit->steps[k];
      if (pass->plan->stages[step->stage].facts->effect != ADZE_CHANGES || step->observes)
        continue;
      adze_pass_effect *effect = &pass->effects[step->stage - pass->segment->first];
      bool changed = atomic_load (&pass->changed[number])
                     || adze_plan_group_edits (&pass->plan->stages[step->stage], step->group);
      atomic_fetch_add (&effect->tensors, 1);
      atomic_fetch_add (&effect->tensors_changed, changed);
    }
  }
}

/* ---- Public. */

adze_error *
adze_pass_run (adze_pass *pass)
{
  ADZE_TRY (open_pass (pass));
  adze_status status = adze_pool_for (pass->plan->runtime->pool, NULL, pass->lanes, 1, run_lanes,
                                      pass);
  if (pass->error)
    return adze_take (&pass->error);
  if (status != ADZE_OK)
    return adze_error_new (status, "the threads of a pass could not be started");
  count_effects (pass);
  return NULL;
}

void
adze_pass_cleanup (adze_pass *pass)
{
  for (size_t i = 0; i < pass->strand_count && pass->strands; i++)
    if (pass->strands[i].observer)
      adze_tree_clear (&pass->strands[i].items, &pass->strands[i].observer->stock);
  for (size_t i = 0; i < pass->observer_count; i++) {
    adze_pass_observer *observer = &pass->observers[i];
    adze_tree_clear (&observer->whole, &observer->stock);
    adze_stock_close (&observer->stock);
  }
  for (size_t i = 0; pass->state && i < pass->units.count; i++)
    end_unit (pass, i);
  for (size_t i = 0; pass->promises && i < pass->output_count; i++)
    adze_promise_close (&pass->promises[i]);
  adze_units_cleanup (&pass->units);
  free (pass->observers);
  free (pass->effects);
  free (pass->state);
  free (pass->strands);
  free (pass->changed);
  free (pass->promises);
  free (pass->first_output);
  adze_error_free (pass->error);
  pthread_mutex_destroy (&pass->writing);
  pthread_mutex_destroy (&pass->lock);
}
