/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors in memory through an instance, step by step. */
#include "stage/feed.h"

#include <string.h>

#include "base/digest.h"
#include "stage/wire.h"

enum { ALIGNMENT = 64, ROUNDS_MOST = 100 };

struct adze_feeding {
  adze_instance *instance;
  adze_feed_options options; /* of the preparation */
  const adze_instance_facts *facts;
  const adze_tensor *const *inputs;
  size_t count;
  adze_tensor_meta *metas;
  const void **data; /* of each input, compact */
  void **owned;      /* where it had to be made so */
  adze_outline_tensor *shown;
  adze_outline_port *ports;
  adze_outline outline;
};

/* One call's worth. */
typedef struct portion {
  const adze_feed_options *options;
  adze_cut cut;
  adze_work work;
  adze_piece *pieces; /* of the inputs, then of the outputs */
  const adze_tensor **inputs;
  adze_room *rooms;
  uint64_t *sums; /* of the inputs' bytes, before the call */
} portion;

/* ---- What there is. */

static adze_error *
gather (adze_feeding *all)
{
  all->metas = calloc (all->count + 1, sizeof *all->metas);
  all->data = calloc (all->count + 1, sizeof *all->data);
  all->owned = calloc (all->count + 1, sizeof *all->owned);
  all->shown = calloc (all->count + 1, sizeof *all->shown);
  if (!all->metas || !all->data || !all->owned || !all->shown)
    return adze_error_memory ();
  for (size_t i = 0; i < all->count; i++) {
    ADZE_TRY (adze_piece_meta (all->inputs[i], &all->metas[i]));
    ADZE_TRY (adze_wire_compact (all->inputs[i], &all->data[i], &all->owned[i]));
    all->shown[i].meta = &all->metas[i];
  }
  return NULL;
}

static adze_error *
describe (adze_feeding *all, uint32_t ports, bool final)
{
  if (!all->ports)
    all->ports = calloc ((size_t)ports + 1, sizeof *all->ports);
  if (!all->ports)
    return adze_error_memory ();
  for (uint32_t i = 0; i < ports; i++)
    all->ports[i] = (adze_outline_port){ all->shown, all->count };
  all->outline.ports = all->ports;
  all->outline.port_count = ports;
  all->outline.final = final;
  return adze_instance_describe (all->instance, &all->outline);
}

void
adze_feed_close (adze_feeding *all)
{
  if (!all)
    return;
  for (size_t i = 0; all->owned && i < all->count; i++)
    free (all->owned[i]);
  adze_outline_clear (&all->outline);
  free (all->ports);
  free (all->shown);
  free (all->owned);
  free (all->data);
  free (all->metas);
  free (all);
}

/* ---- Portions. */

static void
portion_cleanup (portion *one)
{
  free (one->pieces);
  free (one->inputs);
  free (one->rooms);
  free (one->sums);
  *one = (portion){ 0 };
}

static adze_error *
portion_make (const adze_outline_group *group, const adze_feed_options *options, adze_cut cut,
              portion *one)
{
  *one = (portion){ .options = options, .cut = cut };
  one->pieces = calloc (group->input_count + group->output_count, sizeof *one->pieces);
  one->inputs = calloc (group->input_count, sizeof *one->inputs);
  one->rooms = calloc (group->output_count + 1, sizeof *one->rooms);
  one->sums = calloc (group->input_count, sizeof *one->sums);
  if (one->pieces && one->inputs && one->rooms && one->sums)
    return NULL;
  portion_cleanup (one);
  return adze_error_memory ();
}

/* Elements of META that belong to the first COUNT of the group's first input. */
static uint64_t
share_of (const portion *one, const adze_tensor_meta *meta, uint64_t count)
{
  return adze_piece_share (one->work.whole, meta, one->cut, count);
}

static uint64_t
offset_of (const portion *one, const adze_tensor_meta *meta)
{
  return one->work.first == 0 ? 0 : adze_piece_offset (meta, share_of (one, meta, one->work.first));
}

/* The bytes of a piece where the instance wants them. One that is shown whole keeps the strides that
 * it came with. */
static adze_error *
put_input (adze_feeding *all, const adze_outline_group *group, size_t index, portion *one)
{
  const adze_pick pick = group->inputs[index];
  const adze_tensor_meta *meta = &all->metas[pick.index];
  adze_piece *piece = &one->pieces[index];
  void *buffer = NULL;
  adze_piece_make (meta, one->cut, share_of (one, meta, one->work.count), NULL, piece);
  one->inputs[index] = &piece->tensor;
  if (all->owned[pick.index] && one->cut.grain == ADZE_GRAIN_TENSOR) {
    piece->tensor.view = all->inputs[pick.index]->view;
    return NULL;
  }
  ADZE_TRY (adze_instance_buffer (all->instance, one->options->lane, false, index,
                                  piece->tensor.byte_size, &buffer));
  if (piece->tensor.byte_size > 0)
    memcpy (buffer, (const char *)all->data[pick.index] + offset_of (one, meta), piece->tensor.byte_size);
  piece->tensor.view.data = buffer;
  one->sums[index] = adze_hash64 (buffer, piece->tensor.byte_size, 0);
  return NULL;
}

static adze_error *
put_inputs (adze_feeding *all, size_t number, uint64_t first, uint64_t count, portion *one)
{
  const adze_outline_group *group = &all->outline.groups[number];
  one->work = (adze_work){ .inputs = one->inputs,
                           .input_count = group->input_count,
                           .group = number,
                           .whole = &all->metas[group->inputs[0].index],
                           .first = first,
                           .count = count };
  for (size_t i = 0; i < group->input_count; i++)
    ADZE_TRY (put_input (all, group, i, one));
  return NULL;
}

static adze_error *
check_inputs (const portion *one)
{
  for (size_t i = 0; one->options->watch_inputs && i < one->work.input_count; i++) {
    const adze_tensor *input = one->inputs[i];
    if (one->sums[i]
        && adze_hash64 (input->view.data, input->byte_size, 0) != one->sums[i])
      return adze_error_new (ADZE_E_CONTRACT, "it wrote into its input");
  }
  return NULL;
}

/* Elements of the pieces that a group is cut into. */
static uint64_t
piece_size (const adze_feeding *all, const adze_outline_group *group, adze_cut cut, uint64_t wanted)
{
  const adze_tensor_meta *first = &all->metas[group->inputs[0].index];
  uint64_t step = adze_piece_step (first, cut);
  for (size_t i = 0; cut.row_rank == 0 && i < group->input_count; i++) {
    uint64_t own = adze_piece_step (&all->metas[group->inputs[i].index], cut);
    step = own > step ? own : step;
  }
  for (size_t i = 0; cut.row_rank == 0 && i < group->output_count; i++) {
    uint64_t own = adze_piece_step (group->outputs[i], cut);
    step = own > step ? own : step;
  }
  if (wanted == 0 || cut.grain == ADZE_GRAIN_TENSOR)
    return adze_tensor_meta_elements (first);
  return wanted > step ? wanted / step * step : step;
}

/* A tensor of no elements is one piece, too. */
static uint64_t
next_count (uint64_t elements, uint64_t first, uint64_t piece)
{
  return elements - first < piece ? elements - first : piece;
}

/* ---- Observe and decide. */

typedef struct gathered {
  unsigned char *accumulators; /* one after the other */
  size_t size;
  size_t count;
} gathered;

static adze_error *
one_more (gathered *all, unsigned char **accumulator)
{
  unsigned char *grown = reallocarray (all->accumulators, all->count + 1, all->size);
  if (!grown)
    return adze_error_memory ();
  all->accumulators = grown;
  *accumulator = grown + all->count++ * all->size;
  memset (*accumulator, 0, all->size);
  return NULL;
}

static adze_error *
observe_group (adze_feeding *all, size_t number, gathered *sums)
{
  const adze_outline_group *group = &all->outline.groups[number];
  const adze_cut cut = adze_outline_cut (&all->outline, group, true);
  portion one;
  ADZE_TRY (portion_make (group, &all->options, cut, &one));
  uint64_t elements = adze_tensor_meta_elements (&all->metas[group->inputs[0].index]), first = 0;
  uint64_t piece = piece_size (all, group, cut, all->options.observed);
  adze_error *error = NULL;
  do {
    unsigned char *accumulator = sums->accumulators;
    bool apart = all->options.merge == ADZE_FEED_LEFT || all->options.merge == ADZE_FEED_BALANCED;
    if (apart || sums->count == 0)
      error = one_more (sums, &accumulator);
    if (!error)
      error = put_inputs (all, number, first, next_count (elements, first, piece), &one);
    if (!error)
      error = adze_instance_observe (all->instance, all->options.lane, &one.work, accumulator);
    if (!error)
      error = check_inputs (&one);
    first += one.work.count;
  } while (!error && first < elements);
  portion_cleanup (&one);
  return error;
}

static adze_error *
merge_two (adze_feeding *all, gathered *sums, size_t left, size_t right)
{
  return adze_instance_merge (all->instance, all->options.lane,
                              sums->accumulators + left * sums->size,
                              sums->accumulators + right * sums->size);
}

/* Neighbours at growing distance, so that no order but the tree's decides. */
static adze_error *
merge_balanced (adze_feeding *all, gathered *sums)
{
  for (size_t step = 1; step < sums->count; step *= 2)
    for (size_t i = 0; i + step < sums->count; i += 2 * step)
      ADZE_TRY (merge_two (all, sums, i, i + step));
  return NULL;
}

static adze_error *
merge_all (adze_feeding *all, gathered *sums)
{
  unsigned char *empty;
  if (all->options.merge == ADZE_FEED_BALANCED)
    return merge_balanced (all, sums);
  if (all->options.merge == ADZE_FEED_EMPTY) {
    ADZE_TRY (one_more (sums, &empty));
    ADZE_TRY (merge_two (all, sums, 0, 1));
    memset (sums->accumulators + sums->size, 0, sums->size);
    ADZE_TRY (merge_two (all, sums, 1, 0));
    memcpy (sums->accumulators, sums->accumulators + sums->size, sums->size);
    return NULL;
  }
  for (size_t i = 1; all->options.merge == ADZE_FEED_LEFT && i < sums->count; i++)
    ADZE_TRY (merge_two (all, sums, 0, i));
  return NULL;
}

/* Without pieces the empty one is what there is. */
static adze_error *
close_sums (adze_feeding *all, gathered *sums)
{
  unsigned char *empty;
  if (sums->count == 0)
    return one_more (sums, &empty);
  return merge_all (all, sums);
}

/* The group without data, for decide. */
static adze_error *
decide_group (adze_feeding *all, size_t number, const gathered *sums, bool *again)
{
  const adze_outline_group *group = &all->outline.groups[number];
  const adze_cut whole = { ADZE_GRAIN_TENSOR, 0 };
  portion one;
  ADZE_TRY (portion_make (group, &all->options, whole, &one));
  const adze_tensor_meta *first = &all->metas[group->inputs[0].index];
  one.work = (adze_work){ .inputs = one.inputs, .input_count = group->input_count,
                          .group = number, .whole = first, .count = adze_tensor_meta_elements (first) };
  for (size_t i = 0; i < group->input_count; i++) {
    adze_piece_make (&all->metas[group->inputs[i].index], whole, 0, NULL, &one.pieces[i]);
    one.inputs[i] = &one.pieces[i].tensor;
  }
  adze_error *error = adze_instance_decide (all->instance, &one.work, sums->accumulators,
                                            sums->size, again);
  portion_cleanup (&one);
  return error;
}

static adze_error *
one_round (adze_feeding *all, size_t size, bool *again)
{
  gathered sums = { .size = size };
  adze_error *error = NULL;
  for (size_t i = 0; !error && i < all->outline.group_count; i++) {
    if (!adze_outline_seen (&all->outline, &all->outline.groups[i]))
      continue;
    error = observe_group (all, i, &sums);
    if (error || all->facts->accumulate != ADZE_OVER_GROUP)
      continue;
    error = close_sums (all, &sums);
    if (!error)
      error = decide_group (all, i, &sums, again);
    sums.count = 0;
  }
  bool stage = all->facts->accumulate != ADZE_OVER_GROUP;
  if (!error && stage)
    error = close_sums (all, &sums);
  if (!error)
    error = adze_instance_decide (all->instance, NULL, stage ? sums.accumulators : NULL,
                                  stage ? size : 0, again);
  free (sums.accumulators);
  return error;
}

static adze_error *
observe (adze_feeding *all)
{
  bool again = true;
  for (int i = 0; again; i++) {
    size_t size = 0;
    again = false;
    if (i == ROUNDS_MOST)
      return adze_error_new (ADZE_E_LIMIT, "it was not settled after %d rounds", ROUNDS_MOST);
    ADZE_TRY (adze_instance_accumulator (all->instance, &size));
    ADZE_TRY (one_round (all, size, &again));
  }
  return NULL;
}

/* ---- Apply. */

static adze_error *
make_output (adze_fed *fed, const adze_tensor_meta *meta, size_t group)
{
  adze_fed_output *grown = reallocarray (fed->outputs, fed->count + 1, sizeof *grown);
  if (!grown)
    return adze_error_memory ();
  fed->outputs = grown;
  adze_fed_output *output = &grown[fed->count++];
  *output = (adze_fed_output){ .group = group };
  size_t size = meta->byte_size > SIZE_MAX - 2 * ALIGNMENT ? SIZE_MAX - ALIGNMENT
                                                           : (size_t)meta->byte_size;
  output->meta = adze_tensor_meta_copy (meta);
  output->memory = aligned_alloc (ALIGNMENT, (size / ALIGNMENT + 1) * ALIGNMENT);
  return output->meta && output->memory ? NULL : adze_error_memory ();
}

/* The tensor of an output, which can be pointed to once the list no longer grows. */
static void
finish_outputs (adze_fed *fed)
{
  for (size_t i = 0; i < fed->count; i++) {
    adze_fed_output *output = &fed->outputs[i];
    adze_piece piece;
    adze_piece_make (output->meta, (adze_cut){ ADZE_GRAIN_TENSOR, 0 }, 0, output->memory, &piece);
    output->tensor = piece.tensor;
    output->tensor.view.shape = (int64_t *)output->meta->shape;
    output->tensor.block_shape = NULL;
  }
}

static adze_error *
make_rooms (adze_feeding *all, const adze_outline_group *group, portion *one)
{
  const adze_cut whole = { ADZE_GRAIN_TENSOR, 0 };
  one->work.rooms = one->rooms;
  one->work.room_count = group->output_count;
  for (size_t i = 0; i < group->output_count; i++) {
    const adze_tensor_meta *meta = group->outputs[i];
    const bool once = adze_outline_once (group, i);
    adze_piece *piece = &one->pieces[group->input_count + i];
    void *buffer = NULL;
    if (once && one->work.first > 0)
      adze_piece_make_absent (meta, piece);
    else
      adze_piece_make (meta, once ? whole : one->cut, share_of (one, meta, one->work.count), NULL, piece);
    ADZE_TRY (adze_instance_buffer (all->instance, one->options->lane, true, i,
                                    piece->tensor.byte_size, &buffer));
    /* Not touched without need: how much there is has only been claimed. */
    if (one->options->poison)
      memset (buffer, one->options->poison, piece->tensor.byte_size);
    piece->tensor.view.data = buffer;
    one->rooms[i] = (adze_room){ .whole = meta, .tensor = piece->tensor };
  }
  return NULL;
}

/* What apply left comes from its first input. */
static void
keep_rooms (const adze_feeding *all, adze_fed_output *outputs, const portion *one)
{
  for (size_t i = 0; i < one->work.room_count; i++) {
    const adze_room *room = &one->rooms[i];
    const adze_tensor *from = room->given ? &room->tensor : one->inputs[0];
    adze_fed_output *output = &outputs[i];
    if (adze_room_is_absent (room))
      continue;
    char *to = (char *)output->memory + offset_of (one, room->whole);
    output->given = output->given || room->given;
    if (!room->given && from->view.strides)
      memcpy (to, all->data[all->outline.groups[one->work.group].inputs[0].index],
              room->tensor.byte_size);
    else if (room->tensor.byte_size > 0)
      memcpy (to, from->view.data, room->tensor.byte_size);
  }
}

static adze_error *
apply_pieces (adze_feeding *all, size_t number, const adze_feed_options *options,
              adze_fed_output *outputs)
{
  const adze_outline_group *group = &all->outline.groups[number];
  const adze_cut cut = adze_outline_cut (&all->outline, group, false);
  portion one;
  ADZE_TRY (portion_make (group, options, cut, &one));
  uint64_t elements = adze_tensor_meta_elements (&all->metas[group->inputs[0].index]), first = 0;
  uint64_t piece = piece_size (all, group, cut, options->piece);
  adze_error *error;
  do {
    error = put_inputs (all, number, first, next_count (elements, first, piece), &one);
    if (!error)
      error = make_rooms (all, group, &one);
    if (!error)
      error = adze_instance_apply (all->instance, options->lane, &one.work);
    if (!error)
      error = check_inputs (&one);
    if (!error)
      keep_rooms (all, outputs, &one);
    first += one.work.count;
  } while (!error && first < elements);
  portion_cleanup (&one);
  return error;
}

static adze_error *
apply_group (adze_feeding *all, size_t number, const adze_feed_options *options, adze_fed *fed)
{
  const adze_outline_group *group = &all->outline.groups[number];
  const adze_tensor_meta *input = &all->metas[group->inputs[0].index];
  size_t first = fed->count;
  for (size_t i = 0; i < group->output_count; i++)
    ADZE_TRY (make_output (fed, group->outputs[i], number));
  if (group->output_count == 0 && all->facts->effect != ADZE_INSPECTS)
    fed->dropped += group->input_count;
  if (group->same_bytes)
    memcpy (fed->outputs[first].memory, all->data[group->inputs[0].index], input->byte_size);
  else if (adze_outline_seen (&all->outline, group)
           && (all->facts->applies || group->output_count > 0))
    ADZE_TRY (apply_pieces (all, number, options, fed->outputs + first));
  /* Left as it was under another name or shape is something else all the same. */
  if (group->output_count == 1 && !adze_tensor_meta_equal (input, group->outputs[0]))
    fed->outputs[first].given = true;
  return NULL;
}

static adze_error *
apply_all (adze_feeding *all, const adze_feed_options *options, adze_fed *fed)
{
  fed->untouched = all->count;
  for (size_t i = 0; i < all->outline.group_count; i++) {
    for (size_t k = 0; k < all->outline.groups[i].input_count; k++)
      fed->untouched -= all->outline.groups[i].inputs[k].port == 0;
    ADZE_TRY (apply_group (all, i, options, fed));
  }
  finish_outputs (fed);
  return NULL;
}

adze_error *
adze_feed_apply (adze_feeding *all, const adze_feed_options *options, adze_fed *fed)
{
  *fed = (adze_fed){ 0 };
  adze_error *error = apply_all (all, options, fed);
  if (error)
    adze_fed_cleanup (fed);
  return error;
}

/* ---- The whole. */

static adze_error *
prepare (adze_feeding *all, uint32_t ports)
{
  bool observes = all->facts->observes;
  if (all->facts->runs)
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "the technique takes whole artifacts (it has a run), and needs a pipeline "
                           "to be given them");
  ADZE_TRY (gather (all));
  ADZE_TRY (describe (all, ports, !observes));
  if (!observes)
    return NULL;
  ADZE_TRY (observe (all));
  return describe (all, ports, true);
}

adze_error *
adze_feed_open (adze_instance *instance, uint32_t ports, const adze_tensor *const *inputs,
                size_t count, const adze_feed_options *options, adze_feeding **feeding)
{
  adze_feeding *all = calloc (1, sizeof *all);
  if (!all)
    return adze_error_memory ();
  all->instance = instance;
  all->options = *options;
  all->facts = adze_instance_facts_of (instance);
  all->inputs = inputs;
  all->count = count;
  adze_error *error = prepare (all, ports);
  if (error)
    adze_feed_close (all);
  else
    *feeding = all;
  return error;
}

adze_error *
adze_feed (adze_instance *instance, uint32_t ports, const adze_tensor *const *inputs, size_t count,
           const adze_feed_options *options, adze_fed *fed)
{
  adze_feeding *feeding = NULL;
  *fed = (adze_fed){ 0 };
  ADZE_TRY (adze_feed_open (instance, ports, inputs, count, options, &feeding));
  adze_error *error = adze_feed_apply (feeding, options, fed);
  adze_feed_close (feeding);
  return error;
}

void
adze_fed_cleanup (adze_fed *fed)
{
  for (size_t i = 0; i < fed->count; i++) {
    free (fed->outputs[i].meta);
    free (fed->outputs[i].memory);
  }
  free (fed->outputs);
  *fed = (adze_fed){ 0 };
}

uint32_t
adze_feed_ports (const adze_manifest_component *component)
{
  size_t count = 0;
  uint32_t models = 0;
  const adze_port *ports = adze_manifest_ports (component, &count);
  for (size_t i = 0; i < count; i++)
    models += ports[i].direction == ADZE_PORT_IN && ports[i].required && strcmp (ports[i].type, "model") == 0;
  return models > 0 ? models : 1;
}
