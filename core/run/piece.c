/* SPDX-License-Identifier: Apache-2.0 */
/* run/piece.c: one piece on its way: read, through the steps, written. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "artifact/decode.h"
#include "run/pass.h"

typedef struct passage {
  adze_pass *pass;
  adze_lane *lane;
  const adze_unit *unit;
  adze_pass_unit *state;
  size_t number;  /* of the unit */
  uint64_t which; /* of its pieces */
  void **kept;    /* of each value that is one for all pieces, its bytes; NULL: nobody wants to look at them */
} passage;

/* What a value has of the piece. */
static adze_span
span_of (const passage *piece, size_t number)
{
  return adze_unit_span (&piece->unit->values[number], piece->which);
}

static uint64_t
bytes_of (const passage *piece, size_t number)
{
  const adze_unit_value *value = &piece->unit->values[number];
  adze_span span = span_of (piece, number);
  return span.count == value->elements ? value->meta->byte_size
                                       : adze_piece_bytes (value->meta, span.count);
}

/* ---- Memory. */

/* Pages of their own, for malloc keeps what was freed between other things: with tensors of many sizes, and
 * threads, that came to several times of what is in use. */
static adze_error *
renew_slot (adze_lane *lane, size_t slot, size_t size)
{
  if (lane->slots[slot])
    munmap (lane->slots[slot], lane->sizes[slot]);
  lane->slots[slot] = NULL;
  void *fresh = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh == MAP_FAILED)
    return adze_error_memory ();
  lane->slots[slot] = fresh;
  lane->sizes[slot] = size;
  return NULL;
}

static adze_error *
own_slot (adze_lane *lane, size_t slot, size_t size, void **memory)
{
  if (slot >= lane->slot_count) {
    size_t count = slot + 4;
    void **slots = realloc (lane->slots, count * sizeof *slots);
    if (!slots)
      return adze_error_memory ();
    lane->slots = slots;
    size_t *sizes = realloc (lane->sizes, count * sizeof *sizes);
    if (!sizes)
      return adze_error_memory ();
    lane->sizes = sizes;
    for (size_t i = lane->slot_count; i < count; i++) {
      slots[i] = NULL;
      sizes[i] = 0;
    }
    lane->slot_count = count;
  }
  if (lane->sizes[slot] < size || !lane->slots[slot])
    ADZE_TRY (renew_slot (lane, slot, size ? size : 1));
  *memory = lane->slots[slot];
  return NULL;
}

void
adze_lane_close (adze_lane *lane)
{
  for (size_t i = 0; i < lane->slot_count; i++)
    if (lane->slots[i])
      munmap (lane->slots[i], lane->sizes[i]);
  free (lane->slots);
  free (lane->sizes);
  free (lane->data);
  free (lane->accumulators);
}

/* Memory for a value: where an isolated stage makes it or gets it, the memory that is shared with
 * its worker; else the lane's own. Values of a unit that are needed at one time have different slots. */
static adze_error *
memory_for (const passage *piece, size_t number)
{
  const adze_unit_value *value = &piece->unit->values[number];
  void **memory = &piece->lane->data[number];
  size_t size = bytes_of (piece, number);
  if (value->shared_with == SIZE_MAX)
    return own_slot (piece->lane, value->slot, size, memory);
  return adze_instance_buffer (piece->pass->plan->stages[value->shared_with].instance,
                               piece->lane->number, value->made_there, value->slot, size, memory);
}

/* ---- Reading. */

/* What the next pieces will want: while this one is computed, the system reads it. */
static void
read_ahead (const passage *piece, const adze_model *file, const adze_model_tensor *tensor,
            uint64_t behind, uint64_t size)
{
  if (tensor->file < 0 || behind >= tensor->meta.byte_size)
    return;
  uint64_t distance = size * piece->pass->lanes;
  (void)posix_fadvise (file->files[tensor->file].fd, (off_t)(tensor->offset + behind),
                       (off_t)distance, POSIX_FADV_WILLNEED);
}

static adze_leaf_share
share_of (const passage *piece, size_t number)
{
  return (adze_leaf_share){ .pass = piece->pass,
                            .state = piece->state,
                            .unit = piece->unit,
                            .value = number,
                            .which = piece->which,
                            .data = piece->lane->data[adze_unit_owner (piece->unit, number)] };
}

static adze_error *
read_value (const passage *piece, size_t number)
{
  const adze_unit_value *value = &piece->unit->values[number];
  const adze_model *file = value->model->file;
  const adze_model_tensor *tensor = &file->tensors[value->tensor];
  uint64_t offset = adze_piece_bytes (value->meta, span_of (piece, number).first);
  uint64_t size = bytes_of (piece, number);
  ADZE_TRY (memory_for (piece, number));
  read_ahead (piece, file, tensor, offset + size, size);
  ADZE_TRY (adze_model_read (file, tensor, offset, piece->lane->data[number], size));
  const adze_leaf_share share = share_of (piece, number);
  return adze_leaves_read (&share);
}

/* ---- Steps. */

static void
show (const passage *piece, size_t number, adze_cut cut, adze_piece *view)
{
  const adze_unit_value *value = &piece->unit->values[number];
  const adze_cut whole = { ADZE_GRAIN_TENSOR, 0 };
  if (value->once && piece->which > 0)
    adze_piece_make_absent (value->meta, view);
  else
    adze_piece_make (value->meta, value->once ? whole : cut, span_of (piece, number).count,
                     piece->lane->data[number], view);
}

typedef struct piece_step {
  const adze_unit_step *step;
  const adze_plan_stage *stage;
  size_t number; /* of the pass */
  adze_piece *views; /* of inputs, then of outputs */
  const adze_tensor **inputs;
  adze_room *rooms;
  uint64_t *sums; /* of the inputs' bytes, before the call */
  bool *summed;   /* which of them there are */
  adze_work work;
} piece_step;

static adze_error *
prepare (const passage *piece, piece_step *s)
{
  const adze_unit_step *step = s->step;
  size_t all = step->input_count + step->output_count;
  s->views = calloc (all + 1, sizeof *s->views);
  s->inputs = calloc (step->input_count + 1, sizeof *s->inputs);
  s->rooms = calloc (step->output_count + 1, sizeof *s->rooms);
  s->sums = calloc (step->input_count + 1, sizeof *s->sums);
  s->summed = calloc (step->input_count + 1, sizeof *s->summed);
  if (!s->views || !s->inputs || !s->rooms || !s->sums || !s->summed)
    return adze_error_memory ();
  for (size_t i = 0; i < step->input_count; i++) {
    show (piece, step->inputs[i], step->cut, &s->views[i]);
    s->inputs[i] = &s->views[i].tensor;
  }
  for (size_t i = 0; i < step->output_count; i++) {
    size_t value = step->outputs[i];
    ADZE_TRY (memory_for (piece, value));
    adze_piece *view = &s->views[step->input_count + i];
    show (piece, value, step->cut, view);
    s->rooms[i] = (adze_room){ .whole = piece->unit->values[value].meta, .tensor = view->tensor };
  }
  const adze_span span = span_of (piece, step->inputs[0]);
  s->work = (adze_work){ .inputs = s->inputs,
                         .input_count = step->input_count,
                         .rooms = s->rooms,
                         .room_count = step->output_count,
                         .variant = step->variant,
                         .group = step->group,
                         .whole = piece->unit->values[step->inputs[0]].meta,
                         .first = span.first,
                         .count = span.count };
  return NULL;
}

static void
piece_step_cleanup (piece_step *s)
{
  free (s->views);
  free (s->inputs);
  free (s->rooms);
  free (s->sums);
  free (s->summed);
}

/* A piece that the technique left as it is. */
static adze_error *
fill_untouched (const piece_step *s)
{
  const adze_unit_step *step = s->step;
  for (size_t i = 0; i < step->output_count; i++) {
    if (s->rooms[i].given || adze_room_is_absent (&s->rooms[i]))
      continue;
    const adze_tensor *from = s->inputs[0], *to = &s->rooms[i].tensor;
    if (step->output_count != 1 || from->byte_size != to->byte_size
        || from->view.dtype.code != to->view.dtype.code
        || from->view.dtype.bits != to->view.dtype.bits)
      return adze_error_new (ADZE_E_CONTRACT,
                             "stage '%s' announced '%s' and did not write it (%llu elements from "
                             "[%llu])",
                             s->stage->stage->id, s->rooms[i].whole->name,
                             (unsigned long long)s->work.count, (unsigned long long)s->work.first);
    memcpy (to->view.data, from->view.data, to->byte_size);
  }
  return NULL;
}

/* Did this step change anything? Once it is known to, nobody compares any more. */
static void
note_change (const passage *piece, const piece_step *s)
{
  atomic_bool *changed = &piece->pass->changed[s->number];
  if (atomic_load_explicit (changed, memory_order_relaxed))
    return;
  const adze_tensor *from = s->inputs[0], *to = &s->rooms[0].tensor;
  if (from->byte_size != to->byte_size
      || memcmp (from->view.data, to->view.data, to->byte_size) != 0)
    atomic_store (changed, true);
}

/* A stage is blamed only when the file that its input was read from has been looked at. What another
 * stage made of it was verified when it did. */
static adze_error *
broken (const passage *piece, const piece_step *s, const adze_promise *promise,
        const adze_tensor_meta *out, adze_breach *breach)
{
  size_t input = s->step->inputs[0];
  const adze_unit_value *read = &piece->unit->values[adze_unit_owner (piece->unit, input)];
  if (read->model)
    ADZE_TRY (adze_breach_look (promise, read->model, read->tensor, breach));
  return adze_promise_broken (s->stage, piece->unit->values[input].meta, out, breach);
}

static adze_error *
verify (const passage *piece, const piece_step *s)
{
  const adze_unit_step *step = s->step;
  for (size_t i = 0; i < step->output_count; i++) {
    adze_promise *promise = &piece->pass->promises[piece->pass->first_output[s->number] + i];
    if (adze_promise_is_empty (promise))
      continue;
    const adze_tensor_meta *in = piece->unit->values[step->inputs[0]].meta;
    const adze_tensor_meta *out = s->rooms[i].whole;
    const adze_span before = span_of (piece, step->inputs[0]), after = span_of (piece, step->outputs[i]);
    const adze_verified_piece verified
        = { .in = { in, s->inputs[0]->view.data, before.count, before.first },
            .out = { out, s->rooms[i].tensor.view.data, after.count, after.first } };
    adze_breach breach;
    adze_promise_check (promise, &verified, &breach);
    if (breach.trait)
      return broken (piece, s, promise, out, &breach);
  }
  return NULL;
}

/* ---- Inputs are read only. Where anybody looks at one after the technique, it is made sure that
 * it is as it was: who writes into it changes a model that is only to be looked at, and what comes
 * out would be held against bytes that the technique made itself. */

/* Is the value read by a later step, or written? By whatever name it goes there. */
static bool
goes_on (const adze_unit *unit, size_t step_of_unit, size_t value)
{
  size_t owner = adze_unit_owner (unit, value);
  for (size_t i = 0; i < unit->value_count; i++)
    if (unit->values[i].sink != SIZE_MAX && adze_unit_owner (unit, i) == owner)
      return true;
  for (size_t i = step_of_unit + 1; i < unit->step_count; i++)
    for (size_t k = 0; k < unit->steps[i].input_count; k++)
      if (adze_unit_owner (unit, unit->steps[i].inputs[k]) == owner)
        return true;
  return false;
}

/* Does the host itself hold what comes out against what went in? It does for the effect, until a
 * change is known, always for traits, and for `adze why`, which notes no changes. Who only looks is
 * held to it always: that it changes nothing is all that its inputs are given for. */
static bool
is_compared (const passage *piece, const piece_step *s)
{
  if (s->step->output_count == 0 || s->step->observes || !piece->pass->changed)
    return true;
  bool compared = !atomic_load (&piece->pass->changed[s->number]);
  for (size_t i = 0; !compared && i < s->step->output_count; i++)
    compared = !adze_promise_is_empty (
        &piece->pass->promises[piece->pass->first_output[s->number] + i]);
  return compared;
}

static uint64_t
short_of (adze_hash128 hash)
{
  return hash.low ^ hash.high;
}

static uint64_t
sum_of (const adze_tensor *input)
{
  return short_of (adze_leaf_hash (input->view.data, input->byte_size));
}

/* What was hashed as it was read is not hashed again. */
static uint64_t
sum_before (const passage *piece, const piece_step *s, size_t input)
{
  const adze_leaf_share share = share_of (piece, s->step->inputs[input]);
  const adze_hash128 *known = adze_leaves_known (&share);
  return known ? short_of (*known) : sum_of (s->inputs[input]);
}

static void
sum_inputs (const passage *piece, piece_step *s, size_t step_of_unit)
{
  const bool compared = is_compared (piece, s);
  for (size_t i = 0; i < s->step->input_count; i++) {
    s->summed[i] = compared || goes_on (piece->unit, step_of_unit, s->step->inputs[i]);
    if (s->summed[i])
      s->sums[i] = sum_before (piece, s, i);
  }
}

static adze_error *
wrote_into_input (const piece_step *s, const char *input)
{
  adze_error *error = adze_error_new (
      ADZE_E_CONTRACT,
      "stage '%s' (%s) wrote into its input '%s', which is read only (among the %llu elements from "
      "[%llu])",
      s->stage->stage->id, s->stage->stage->use, input, (unsigned long long)s->work.count,
      (unsigned long long)s->work.first);
  adze_error_set (error, "stage", s->stage->stage->id);
  adze_error_set (error, "tensor", input);
  adze_error_set (error, "hint", "use another technique, and tell whoever wrote this one; "
                                 "`adze plugin check` finds such");
  return error;
}

static adze_error *
check_inputs (const piece_step *s)
{
  for (size_t i = 0; i < s->step->input_count; i++)
    if (s->summed[i] && sum_of (s->inputs[i]) != s->sums[i])
      return wrote_into_input (s, s->inputs[i]->name);
  return NULL;
}

static adze_error *
apply (const passage *piece, piece_step *s, size_t step_of_unit)
{
  sum_inputs (piece, s, step_of_unit);
  ADZE_TRY (adze_instance_apply (s->stage->instance, piece->lane->number, &s->work));
  return check_inputs (s);
}

static adze_error *
observe (const passage *piece, piece_step *s, size_t step_of_unit)
{
  size_t strand = 0;
  /* A step of a stage that only applies may be for looking alone, and sums up nothing. */
  for (size_t i = 0; i < step_of_unit; i++)
    strand += adze_pass_observer_of (piece->pass, piece->unit->steps[i].stage) != NULL;
  sum_inputs (piece, s, step_of_unit);
  ADZE_TRY (adze_instance_observe (s->stage->instance, piece->lane->number, &s->work,
                                   piece->lane->accumulators[strand]));
  return check_inputs (s);
}

static adze_error *
take_step (const passage *piece, size_t step_of_unit)
{
  const adze_unit_step *step = &piece->unit->steps[step_of_unit];
  ADZE_AUTO (piece_step) s = { .step = step,
                               .stage = &piece->pass->plan->stages[step->stage],
                               .number = piece->state->first_step + step_of_unit };
  ADZE_TRY (prepare (piece, &s));
  const bool observes = step->observes && s.stage->facts->observes;
  if (!observes && !s.stage->facts->applies)
    return fill_untouched (&s);
  ADZE_TRY (observes ? observe (piece, &s, step_of_unit) : apply (piece, &s, step_of_unit));
  if (observes || step->output_count == 0)
    return NULL;
  ADZE_TRY (fill_untouched (&s));
  note_change (piece, &s);
  return verify (piece, &s);
}

static adze_error *
write_value (const passage *piece, size_t number)
{
  const adze_leaf_share share = share_of (piece, number);
  return adze_leaves_write (&share);
}

/* ---- All of it. */

/* What goes by another name as well. */
static void
share_bytes (const passage *piece)
{
  for (size_t i = 0; i < piece->unit->value_count; i++)
    if (piece->unit->values[i].same_as != SIZE_MAX)
      piece->lane->data[i] = piece->lane->data[piece->unit->values[i].same_as];
}

static adze_error *
grow_lane (adze_lane *lane, const adze_unit *unit)
{
  if (unit->value_count <= lane->data_room)
    return NULL;
  void **data = realloc (lane->data, unit->value_count * sizeof *data);
  if (!data)
    return adze_error_memory ();
  lane->data = data;
  lane->data_room = unit->value_count;
  return NULL;
}

adze_error *
adze_piece_run (adze_pass *pass, adze_lane *lane, size_t number, uint64_t which)
{
  const adze_unit *unit = &pass->units.units[number];
  passage piece = { .pass = pass,
                       .lane = lane,
                       .unit = unit,
                       .state = &pass->state[number],
                       .number = number,
                       .which = which };
  ADZE_TRY (grow_lane (lane, unit));
  for (size_t i = 0; i < unit->value_count; i++)
    if (unit->values[i].model)
      ADZE_TRY (read_value (&piece, i));
  share_bytes (&piece);
  for (size_t i = 0; i < unit->step_count; i++) {
    if (!unit->steps[i].once || which == 0)
      ADZE_TRY (take_step (&piece, i));
    share_bytes (&piece);
  }
  for (size_t i = 0; i < unit->value_count; i++)
    if (unit->values[i].sink != SIZE_MAX)
      ADZE_TRY (write_value (&piece, i));
  return NULL;
}

/* ---- Looking at one element on its way. */

/* Its value in an input or output of a step; false: it has none there. */
static bool
look_at (const adze_tensor_meta *meta, const adze_tensor *piece, uint64_t element, double *value)
{
  uint64_t bits = (uint64_t)meta->dtype.bits * meta->dtype.lanes;
  if (!adze_decodes (meta) || bits % 8 != 0)
    return false;
  adze_decode (meta->dtype, (const char *)piece->view.data + element * (bits / 8), 1, value);
  return true;
}

/* What another segment gave was kept by the run, and lies open no more; nor is there what is made of
 * it. */
static bool
is_all_there (const passage *piece, const adze_unit_step *step)
{
  for (size_t i = 0; i < step->input_count; i++)
    if (!piece->lane->data[step->inputs[i]])
      return false;
  return true;
}

/* The input of STEP that has the bytes of value AT; SIZE_MAX: none has. */
static size_t
input_of (const adze_unit *unit, const adze_unit_step *step, size_t at)
{
  for (size_t i = 0; at != SIZE_MAX && i < step->input_count; i++)
    if (adze_unit_owner (unit, step->inputs[i]) == adze_unit_owner (unit, at))
      return i;
  return SIZE_MAX;
}

static size_t
output_called (const adze_unit *unit, const adze_unit_step *step, const char *name)
{
  for (size_t i = 0; name && i < step->output_count; i++)
    if (strcmp (unit->values[step->outputs[i]].meta->name, name) == 0)
      return i;
  return SIZE_MAX;
}

/* Is an element of value FROM the one of the same number in TO? In a tensor of another form nobody knows which
 * it is, unless its bytes are the same. */
static bool
has_same_places (const adze_unit *unit, size_t from, size_t to)
{
  const adze_tensor_meta *before = unit->values[from].meta, *after = unit->values[to].meta;
  bool same = before->rank == after->rank;
  for (int32_t i = 0; same && i < before->rank; i++)
    same = before->shape[i] == after->shape[i];
  return same || adze_unit_owner (unit, from) == adze_unit_owner (unit, to);
}

static void
look_at_both (const passage *piece, const piece_step *s, size_t from, size_t to, uint64_t element,
              adze_element_trace *trace)
{
  const size_t in = s->step->inputs[from], out = s->step->outputs[to];
  const adze_span before = span_of (piece, in), after = span_of (piece, out);
  bool followed = element - before.first < before.count && element - after.first < after.count;
  trace->seen = followed
                && look_at (piece->unit->values[in].meta, s->inputs[from], element - before.first,
                            &trace->before)
                && look_at (s->rooms[to].whole, &s->rooms[to].tensor, element - after.first,
                            &trace->after);
}

/* What STEP has made that is one for all pieces. */
static adze_error *
keep_once (const passage *piece, const adze_unit_step *step)
{
  for (size_t i = 0; i < step->output_count; i++) {
    size_t number = step->outputs[i];
    if (!piece->unit->values[number].once || piece->kept[number] || !piece->lane->data[number]
        || span_of (piece, number).count == 0)
      continue;
    size_t size = bytes_of (piece, number);
    piece->kept[number] = malloc (size ? size : 1);
    if (!piece->kept[number])
      return adze_error_memory ();
    memcpy (piece->kept[number], piece->lane->data[number], size);
  }
  return NULL;
}

/* Where output TO lies as codes, its planes being all that the step gives. */
static adze_error *
look_at_codes (const passage *piece, const piece_step *s, size_t from, size_t to, uint64_t element,
               adze_element_trace *trace)
{
  const adze_unit_step *step = s->step;
  const size_t in = step->inputs[from];
  const adze_span before = span_of (piece, in);
  const adze_tensor_meta *metas[ADZE_PLANES_MAX];
  const void *data[ADZE_PLANES_MAX];
  const adze_value *trait = adze_value_get (piece->unit->values[step->outputs[to]].traits, ADZE_TRAIT_CODED);
  bool there = to == 0 && step->output_count <= ADZE_PLANES_MAX && element - before.first < before.count;
  for (size_t i = 0; there && i < step->output_count; i++) {
    metas[i] = s->rooms[i].whole;
    data[i] = piece->unit->values[step->outputs[i]].once ? piece->kept[step->outputs[i]]
                                                         : s->rooms[i].tensor.view.data;
    there = data[i] != NULL;
  }
  if (!there)
    return NULL;
  ADZE_TRY (adze_coded_look (piece->pass->plan->runtime, trait, metas, data, step->output_count,
                             element - before.first, &trace->coded));
  trace->seen = trace->coded.known
                && look_at (piece->unit->values[in].meta, s->inputs[from], element - before.first,
                            &trace->before);
  trace->after = trace->coded.number;
  return NULL;
}

/* *AT: the value that is followed; where the step takes it, what it makes of it from then on. SIZE_MAX: it is
 * lost. */
static adze_error *
trace_step (const passage *piece, size_t step_of_unit, uint64_t element, size_t *at,
            adze_element_trace *trace)
{
  const adze_unit_step *step = &piece->unit->steps[step_of_unit];
  ADZE_AUTO (piece_step) s
      = { .step = step, .stage = &piece->pass->plan->stages[step->stage], .number = step_of_unit };
  ADZE_TRY (prepare (piece, &s));
  if (step->observes)
    return NULL;
  if (s.stage->facts->applies)
    ADZE_TRY (apply (piece, &s, step_of_unit));
  if (step->output_count == 0)
    return NULL;
  ADZE_TRY (fill_untouched (&s));
  ADZE_TRY (keep_once (piece, step));
  size_t from = input_of (piece->unit, step, *at);
  size_t to = output_called (piece->unit, step, trace[step->stage].goes_on);
  if (from == SIZE_MAX)
    return NULL;
  if (to != SIZE_MAX && adze_value_get (piece->unit->values[step->outputs[to]].traits, ADZE_TRAIT_CODED)
      && !adze_value_get (piece->unit->values[step->inputs[from]].traits, ADZE_TRAIT_CODED)) {
    *at = SIZE_MAX;
    return look_at_codes (piece, &s, from, to, element, &trace[step->stage]);
  }
  bool lost = to == SIZE_MAX || !has_same_places (piece->unit, step->inputs[from], step->outputs[to]);
  if (!lost)
    look_at_both (piece, &s, from, to, element, &trace[step->stage]);
  *at = lost ? SIZE_MAX : step->outputs[to];
  return NULL;
}

static adze_error *
trace_piece (const passage *piece, uint64_t element, size_t value, adze_element_trace *trace)
{
  const adze_unit *unit = piece->unit;
  for (size_t i = 0; i < unit->value_count; i++)
    if (unit->values[i].model && unit->values[i].model->file)
      ADZE_TRY (read_value (piece, i));
  share_bytes (piece);
  for (size_t i = 0; i < unit->step_count; i++) {
    if (!is_all_there (piece, &unit->steps[i]) || (unit->steps[i].once && piece->which > 0))
      continue;
    ADZE_TRY (trace_step (piece, i, element, &value, trace));
    share_bytes (piece);
  }
  return NULL;
}

/* The first piece goes in front of any other, for what comes with it alone. */
static adze_error *
trace_both (passage *piece, uint64_t element, size_t value, adze_element_trace *trace)
{
  uint64_t which = piece->which;
  bool once = false;
  for (size_t i = 0; i < piece->unit->value_count; i++)
    once = once || piece->unit->values[i].once;
  if (which > 0 && once) {
    ADZE_AUTO_FREE adze_element_trace *none = calloc (piece->pass->plan->stage_count, sizeof *none);
    if (!none)
      return adze_error_memory ();
    piece->which = 0;
    ADZE_TRY (trace_piece (piece, 0, value, none));
    piece->which = which;
  }
  return trace_piece (piece, element, value, trace);
}

adze_error *
adze_piece_trace (adze_pass *pass, size_t number, size_t value, uint64_t element,
                  adze_element_trace *trace)
{
  const adze_unit *unit = &pass->units.units[number];
  adze_lane lane = { .data = calloc (unit->value_count, sizeof *lane.data),
                     .data_room = unit->value_count };
  adze_pass_unit state = { .hashes = calloc (unit->value_count + 1, sizeof (adze_hash128 *)) };
  passage piece = { .pass = pass,
                    .lane = &lane,
                    .unit = unit,
                    .state = &state,
                    .which = element / unit->values[value].piece,
                    .kept = calloc (unit->value_count + 1, sizeof *piece.kept) };
  adze_error *error = state.hashes && lane.data && piece.kept
                          ? trace_both (&piece, element, value, trace)
                          : adze_error_memory ();
  for (size_t i = 0; piece.kept && i < unit->value_count; i++)
    free (piece.kept[i]);
  free (piece.kept);
  free (state.hashes);
  adze_lane_close (&lane);
  return error;
}
