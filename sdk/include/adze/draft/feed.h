/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/feed.h: columns of a dataset as what a network takes and is to give. Tier: draft.
 *
 * For techniques whose run computes with networks. Which column goes where, in which type and shape,
 * and how numbers are scaled is the same for all of them, and so are the parameters that say it
 * (ADZE_FEED_PARAMS). The first dimension of every input counts examples. All inline: what is compiled
 * in here belongs to the plugin.
 */
#ifndef ADZE_DRAFT_FEED_H
#define ADZE_DRAFT_FEED_H

#include <adze/draft/feed_column.h>

ADZE_BEGIN_DECLS

typedef struct adze_feed {
  adze_artifact *data;
  uint32_t batch;        /* examples in a whole batch */
  uint64_t batches;      /* of an epoch */
  uint64_t count;        /* examples in this batch */
  size_t input_count;    /* of the graph */
  const adze_view **inputs;      /* in the graph's order */
  const int64_t **shapes;        /* of them, for compile */
  adze_feed_slot *slots;         /* one an input, and the target */
  adze_feed_slot *target;
} adze_feed;

/* ---- How numbers are scaled. */

/* Entry number INDEX of a list, the only one being that of all. */
static inline double
adze_feed_entry (const adze_host *host, const adze_params *list, size_t index, double preset)
{
  const adze_params_service *service = adze_params_of (host);
  size_t count = service->count (list);
  return count == 0 ? preset
                    : service->get_float (list, service->name_at (list, count == 1 ? 0 : index));
}

static inline adze_status
adze_feed_check_channels (const adze_host *host, const adze_feed_slot *slot, const char *param,
                          size_t count)
{
  int64_t channels = slot->view.rank > 1 ? slot->shape[1] : 0;
  if (count <= 1 || (int64_t)count == channels)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter '%s' has %zu numbers, and '%s' of the network has %lld channels; "
                    "needed is one number, or one for each channel",
                    param, count, slot->name, (long long)channels);
}

static inline double
adze_feed_scaled (const adze_feed_slot *slot, double number, size_t channel)
{
  return (number * slot->scale / slot->divisor - slot->means[channel]) / slot->stds[channel];
}

static inline adze_status
adze_feed_tabulate (const adze_host *host, adze_feed_slot *slot)
{
  if (slot->column.dtype.code != ADZE_UINT || slot->column.dtype.bits != 8
      || slot->dtype.code != ADZE_FLOAT || slot->dtype.bits != 32)
    return ADZE_OK;
  slot->table = (float *)host->allocate (host, 256 * slot->channels * sizeof *slot->table);
  if (!slot->table)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a table of %zu channels", slot->channels);
  for (size_t i = 0; i < 256 * slot->channels; i++)
    slot->table[i] = adze_float_from_double (adze_feed_scaled (slot, (double)(i % 256), i / 256));
  return ADZE_OK;
}

static inline adze_status
adze_feed_set_scale (const adze_host *host, const adze_params *params, adze_feed_slot *slot)
{
  const adze_params_service *service = adze_params_of (host);
  const adze_params *means = service->get_nested (params, "mean");
  const adze_params *stds = service->get_nested (params, "std");
  double scale = adze_param_float (host, params, "scale");
  bool bytes = slot->column.dtype.code == ADZE_UINT && slot->column.dtype.bits == 8;
  size_t mean_count = service->count (means), std_count = service->count (stds);
  if (!adze_dtype_is_float (slot->dtype))
    return ADZE_OK; /* class numbers, tokens: a scale would make others of them */
  slot->scale = scale > 0 ? scale : 1;
  slot->divisor = scale == 0 && bytes ? 255 : 1;
  adze_status status = adze_feed_check_channels (host, slot, "mean", mean_count);
  if (status == ADZE_OK)
    status = adze_feed_check_channels (host, slot, "std", std_count);
  if (status != ADZE_OK)
    return status;
  slot->channels = mean_count > std_count ? mean_count : std_count;
  slot->channels = slot->channels > 1 ? slot->channels : 1;
  slot->inner = slot->channels > 1 ? slot->each / slot->channels : 1;
  if (slot->inner == 0)
    slot->inner = 1;
  if (slot->scale == 1 && slot->divisor == 1 && mean_count + std_count == 0)
    return ADZE_OK;
  slot->means = (double *)host->allocate (host, slot->channels * sizeof *slot->means);
  slot->stds = (double *)host->allocate (host, slot->channels * sizeof *slot->stds);
  if (!slot->means || !slot->stds)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu channels", slot->channels);
  for (size_t i = 0; i < slot->channels; i++) {
    slot->means[i] = adze_feed_entry (host, means, i, 0);
    slot->stds[i] = adze_feed_entry (host, stds, i, 1);
  }
  return adze_feed_tabulate (host, slot);
}

/* ---- Numbers that are none: NaN, and what has no end. */

/* Whole numbers, which are none of these, as floats of the slot's type: scales may be beyond it. */
static inline bool
adze_feed_stays_finite (const adze_feed_slot *slot)
{
  double most = slot->dtype.code == ADZE_FLOAT && slot->dtype.bits == 16 ? 65504 : 3.3e38;
  double top = 2.0 * (double)(UINT64_C (1) << (slot->column.dtype.bits - 1)); /* beyond all of them */
  const double ends[] = { slot->column.dtype.code == ADZE_INT ? -top : 0, top };
  for (size_t i = 0; i < 2; i++)
    for (size_t c = 0; c < slot->channels; c++) {
      double number = slot->means ? adze_feed_scaled (slot, ends[i], c) : ends[i];
      if (!(number >= -most && number <= most))
        return false;
    }
  return true;
}

/* Does a node get INPUT that tells such numbers from others? */
static inline bool
adze_feed_is_asked (const adze_host *host, const adze_graph *graph, uint32_t input)
{
  const adze_graph_service *graphs = adze_graph_of (host);
  for (uint32_t i = 0; i < graphs->node_count (graph); i++) {
    const adze_graph_node *node = graphs->node (graph, i);
    if (node && node->input_count > 0 && node->inputs[0] == input
        && (strcmp (node->op, "IsNaN") == 0 || strcmp (node->op, "IsInf") == 0))
      return true;
  }
  return false;
}

static inline bool
adze_feed_is_sound (const adze_host *host, const adze_graph *graph, const adze_feed_slot *slot,
                    uint32_t input)
{
  if (!adze_dtype_is_float (slot->dtype))
    return true; /* a float that is no whole number is refused */
  if (!adze_dtype_is_float (slot->column.dtype))
    return adze_feed_stays_finite (slot);
  return input != ADZE_NONE && adze_feed_is_asked (host, graph, input);
}

/* The first of what was read last that has such numbers; NULL: none has. */
static inline const adze_feed_slot *
adze_feed_strange (const adze_feed *feed)
{
  for (size_t i = 0; i <= feed->input_count; i++) {
    const adze_feed_slot *slot = &feed->slots[i];
    bool read = slot == feed->target || feed->inputs[i] == &slot->view;
    if (read && !slot->sound
        && !adze_numbers_are_finite (slot->dtype, adze_view_data (&slot->view),
                                     adze_view_count (&slot->view)))
      return slot;
  }
  return NULL;
}

/* ---- Opened and closed. */

static inline void
adze_feed_close (const adze_host *host, adze_feed *feed)
{
  for (size_t i = 0; feed->slots && i <= feed->input_count; i++) {
    host->release (host, feed->slots[i].means);
    host->release (host, feed->slots[i].stds);
    host->release (host, feed->slots[i].table);
    host->release (host, feed->slots[i].room);
  }
  host->release (host, feed->slots);
  host->release (host, (void *)feed->inputs);
  host->release (host, (void *)feed->shapes);
  memset (feed, 0, sizeof *feed);
}

/* Room for a whole batch, unless the column's own numbers will do. */
static inline adze_status
adze_feed_make_room (const adze_host *host, const adze_feed *feed, adze_feed_slot *slot)
{
  slot->view.shape = slot->shape;
  slot->view.dtype = slot->dtype;
  slot->view.device.type = ADZE_DEVICE_CPU;
  if (!slot->means && adze_dtype_same (slot->column.dtype, slot->dtype))
    return ADZE_OK;
  size_t size = slot->each * (slot->dtype.bits / 8u);
  if (size < SIZE_MAX / feed->batch)
    slot->room = host->allocate (host, size * feed->batch + 1);
  return slot->room ? ADZE_OK
                    : adze_fail (host, ADZE_E_MEMORY, "no room for %u examples of '%s'",
                                 (unsigned)feed->batch, slot->name);
}

static inline adze_status
adze_feed_set (const adze_host *host, const adze_feed *feed, const adze_feed_wish *wish,
               adze_feed_slot *slot, int32_t rank, const int64_t *shape)
{
  slot->column = *adze_run_of (host)->column (host, feed->data, slot->number);
  slot->scale = slot->divisor = 1;
  slot->channels = slot->inner = 1;
  adze_status status = adze_feed_check_types (host, slot);
  if (status == ADZE_OK)
    status = adze_feed_fit (host, wish->graph, slot, rank, shape);
  return status;
}

/* Class numbers are of 64 bits, and dimension 1 of the output is that of classes. */
static inline adze_status
adze_feed_set_target (const adze_host *host, const adze_feed *feed, const adze_feed_wish *wish)
{
  const adze_graph_value *output = adze_graph_of (host)->value (wish->graph, wish->output);
  adze_feed_slot *slot = feed->target;
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank = 0;
  char text[160];
  slot->name = output->name;
  slot->dtype = output->dtype;
  if (!wish->classes)
    return adze_feed_set (host, feed, wish, slot, output->rank, output->shape);
  adze_feed_shape (host, wish->graph, output->rank, output->shape, text, sizeof text);
  if (output->rank < 2)
    return adze_fail (host, ADZE_E_FORMAT,
                      "the output '%s' of the network is %s; needed is a second dimension, which is "
                      "that of classes",
                      output->name, output->rank < 0 ? "of an unknown shape" : text);
  for (int32_t i = 0; i < output->rank; i++)
    if (i != 1)
      shape[rank++] = output->shape[i];
  slot->dtype.code = ADZE_INT;
  slot->dtype.bits = 64;
  slot->dtype.lanes = 1;
  slot->classes = output->shape[1] > 0 ? (double)output->shape[1] : 0;
  return adze_feed_set (host, feed, wish, slot, rank, shape);
}

/* A network that is made for so many examples at once gets as many, and never fewer. */
static inline adze_status
adze_feed_check_batch (const adze_host *host, const adze_feed *feed, const char *name, int64_t fixed)
{
  const adze_run_service *run = adze_run_of (host);
  const void *data = NULL;
  size_t count = feed->batch;
  adze_status status = ADZE_OK;
  if (fixed < 0)
    return ADZE_OK;
  if (fixed != (int64_t)feed->batch)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'batch' is %u, and the network takes %lld example%s at once in "
                      "'%s'; needed is that, or a network whose first dimension is open",
                      (unsigned)feed->batch, (long long)fixed, fixed == 1 ? "" : "s", name);
  if (feed->batches > 0)
    status = run->batch (host, feed->data, 0, feed->batches - 1, feed->batch, 0, &data, &count);
  if (status != ADZE_OK || count == feed->batch)
    return status;
  return adze_fail (host, ADZE_E_FORMAT,
                    "the last batch has %zu examples, and the network takes %lld at once in '%s'; "
                    "limit = N in the table of the data makes it come out even",
                    count, (long long)fixed, name);
}

static inline void
adze_feed_choose_batch (const adze_host *host, const adze_feed_wish *wish, adze_feed *feed)
{
  const adze_graph_service *graphs = adze_graph_of (host);
  size_t count = 0;
  const uint32_t *inputs = graphs->inputs (wish->graph, &count);
  feed->batch = wish->batch ? wish->batch : wish->preset_batch;
  for (size_t i = count; wish->batch == 0 && i-- > 0;) {
    const adze_graph_value *value = graphs->value (wish->graph, inputs[i]);
    if (inputs[i] != wish->target_input && value->rank > 0 && value->shape[0] > 0
        && value->shape[0] <= INT32_MAX)
      feed->batch = (uint32_t)value->shape[0];
  }
}

static inline adze_status
adze_feed_set_input (const adze_host *host, const adze_feed_wish *wish, adze_feed *feed,
                     size_t index, uint32_t input)
{
  const adze_graph_value *value = adze_graph_of (host)->value (wish->graph, input);
  adze_feed_slot *slot = &feed->slots[index];
  bool only = feed->input_count == (wish->target_input != ADZE_NONE ? 2u : 1u);
  slot->name = value->name;
  slot->dtype = value->dtype;
  adze_status status = adze_feed_choose_input (host, feed->data, wish->params, value->name, only,
                                               feed->target->number, &slot->number);
  if (status == ADZE_OK)
    status = adze_feed_set (host, feed, wish, slot, value->rank, value->shape);
  if (status == ADZE_OK)
    status = adze_feed_set_scale (host, wish->params, slot);
  if (status == ADZE_OK)
    status = adze_feed_make_room (host, feed, slot);
  if (status == ADZE_OK)
    slot->sound = adze_feed_is_sound (host, wish->graph, slot, input);
  return status == ADZE_OK ? adze_feed_check_batch (host, feed, value->name,
                                                    value->rank > 0 ? value->shape[0] : -1)
                           : status;
}

static inline adze_status
adze_feed_make (const adze_host *host, const adze_feed_wish *wish, adze_feed *feed)
{
  size_t count = feed->input_count;
  const uint32_t *inputs = adze_graph_of (host)->inputs (wish->graph, &count);
  feed->slots = (adze_feed_slot *)host->allocate (host, (count + 1) * sizeof *feed->slots);
  feed->inputs = (const adze_view **)host->allocate (host, (count + 1) * sizeof *feed->inputs);
  feed->shapes = (const int64_t **)host->allocate (host, (count + 1) * sizeof *feed->shapes);
  if (!feed->slots || !feed->inputs || !feed->shapes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what the network takes");
  feed->target = &feed->slots[count];
  adze_status status
      = adze_feed_choose_target (host, feed->data, wish->params, &feed->target->number);
  if (status == ADZE_OK)
    status = adze_feed_set_target (host, feed, wish);
  if (status == ADZE_OK)
    status = adze_feed_make_room (host, feed, feed->target);
  if (status == ADZE_OK)
    feed->target->sound = adze_feed_is_sound (host, wish->graph, feed->target, ADZE_NONE);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    bool target = inputs[i] == wish->target_input;
    if (!target)
      status = adze_feed_set_input (host, wish, feed, i, inputs[i]);
    feed->inputs[i] = target ? &feed->target->view : &feed->slots[i].view;
    feed->shapes[i] = target ? feed->target->shape : feed->slots[i].shape;
  }
  return status;
}

/* FEED is to be closed also after a failure. The graph's types must have been inferred, and its names
 * must stay. */
static inline adze_status
adze_feed_open (const adze_host *host, adze_artifact *data, const adze_feed_wish *wish,
                adze_feed *feed)
{
  memset (feed, 0, sizeof *feed);
  feed->data = data;
  adze_graph_of (host)->inputs (wish->graph, &feed->input_count);
  adze_feed_choose_batch (host, wish, feed);
  feed->batches = adze_run_of (host)->batches (host, data, feed->batch);
  if (feed->batches == 0)
    return adze_fail (host, ADZE_E_FORMAT, "the data has no examples");
  adze_status status = adze_feed_check_names (host, wish);
  return status == ADZE_OK ? adze_feed_make (host, wish, feed) : status;
}

/* ---- A batch. */

static inline adze_status
adze_feed_bad_number (const adze_host *host, const adze_feed_slot *slot, size_t index,
                      uint64_t number, double found, double least, double most)
{
  return adze_fail (host, ADZE_E_FORMAT,
                    "example %zu of batch %llu has %.17g in the column '%s', and '%s' of the network "
                    "takes whole numbers from %.17g to %.17g",
                    index / (slot->each ? slot->each : 1) + 1, (unsigned long long)number + 1, found,
                    slot->column.name, slot->name, least, most);
}

/* What whole numbers of the type can be, as far as a double can tell them apart. */
static inline void
adze_feed_bounds (const adze_feed_slot *slot, double *least, double *most)
{
  const double exact = 9007199254740992.0;
  bool is_signed = slot->dtype.code == ADZE_INT;
  unsigned bits = slot->dtype.code == ADZE_BOOL ? 1 : slot->dtype.bits - (is_signed ? 1u : 0u);
  *most = bits > 52 ? exact : (double)((UINT64_C (1) << bits) - 1);
  *least = !is_signed ? 0 : bits > 52 ? -exact : -*most - 1;
  if (slot->classes > 0) {
    *least = 0;
    *most = slot->classes - 1;
  }
}

static inline void
adze_feed_write (adze_dtype dtype, void *into, size_t index, double number)
{
  int64_t whole = dtype.code == ADZE_INT ? (int64_t)number : 0;
  uint64_t natural = dtype.code == ADZE_UINT ? (uint64_t)number : 0;
  bool integer = dtype.code == ADZE_INT;
  if (dtype.code == ADZE_BFLOAT)
    ((uint16_t *)into)[index] = adze_bfloat_from_double (number);
  else if (dtype.code == ADZE_FLOAT && dtype.bits == 16)
    ((uint16_t *)into)[index] = adze_half_from_double (number);
  else if (dtype.code == ADZE_FLOAT && dtype.bits == 32)
    ((float *)into)[index] = adze_float_from_double (number);
  else if (dtype.code == ADZE_FLOAT)
    ((double *)into)[index] = number;
  else if (dtype.code == ADZE_BOOL)
    ((uint8_t *)into)[index] = number != 0;
  else if (dtype.bits == 64)
    ((uint64_t *)into)[index] = integer ? (uint64_t)whole : natural;
  else if (dtype.bits == 32)
    ((uint32_t *)into)[index] = integer ? (uint32_t)whole : (uint32_t)natural;
  else if (dtype.bits == 16)
    ((uint16_t *)into)[index] = integer ? (uint16_t)whole : (uint16_t)natural;
  else
    ((uint8_t *)into)[index] = integer ? (uint8_t)whole : (uint8_t)natural;
}

/* Several at a time: of one at a time the loop is the larger part. */
static inline void
adze_feed_look_up_all (const float *table, const uint8_t *from, size_t count, float *into)
{
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    into[i] = table[from[i]];
    into[i + 1] = table[from[i + 1]];
    into[i + 2] = table[from[i + 2]];
    into[i + 3] = table[from[i + 3]];
    into[i + 4] = table[from[i + 4]];
    into[i + 5] = table[from[i + 5]];
    into[i + 6] = table[from[i + 6]];
    into[i + 7] = table[from[i + 7]];
  }
  for (; i < count; i++)
    into[i] = table[from[i]];
}

/* INNER numbers of each channel lie one after the other, and COUNT are whole examples. */
static inline void
adze_feed_look_up (const adze_feed_slot *slot, const uint8_t *from, size_t count)
{
  float *into = (float *)slot->room;
  size_t run = slot->channels == 1 ? count : slot->inner;
  for (size_t first = 0, channel = 0; first < count; first += run) {
    adze_feed_look_up_all (slot->table + channel * 256, from + first, run, into + first);
    channel = channel + 1 < slot->channels ? channel + 1 : 0;
  }
}

static inline adze_status
adze_feed_convert (const adze_host *host, const adze_feed_slot *slot, const void *from,
                   size_t count, uint64_t number)
{
  double block[256], least = 0, most = 0;
  bool whole = !adze_dtype_is_float (slot->dtype);
  const char *at = (const char *)from;
  if (whole)
    adze_feed_bounds (slot, &least, &most);
  for (size_t first = 0, size; first < count; first += size) {
    size = count - first < 256 ? count - first : 256;
    adze_numbers_read (slot->column.dtype, at + first * (slot->column.dtype.bits / 8u), size, block);
    for (size_t i = 0; i < size; i++) {
      if (whole && !(block[i] >= least && block[i] <= most))
        return adze_feed_bad_number (host, slot, first + i, number, block[i], least, most);
      if (slot->means)
        block[i] = adze_feed_scaled (slot, block[i], (first + i) / slot->inner % slot->channels);
      if (slot->room)
        adze_feed_write (slot->dtype, slot->room, first + i, block[i]);
    }
  }
  return ADZE_OK;
}

static inline adze_status
adze_feed_fill (const adze_host *host, adze_feed *feed, adze_feed_slot *slot, uint64_t epoch,
                uint64_t number)
{
  const void *data = NULL;
  size_t count = 0;
  adze_status status = adze_run_of (host)->batch (host, feed->data, epoch, number, feed->batch,
                                                  slot->number, &data, &count);
  if (status != ADZE_OK)
    return status;
  feed->count = count;
  slot->shape[0] = (int64_t)count;
  slot->view.data = slot->room ? slot->room : (void *)(uintptr_t)data;
  if (slot->table)
    adze_feed_look_up (slot, (const uint8_t *)data, count * slot->each);
  else if (slot->room || slot->classes > 0)
    return adze_feed_convert (host, slot, data, count * slot->each, number);
  return ADZE_OK;
}

/* Batch NUMBER of EPOCH: .inputs, .target and .count are of it until the next one. */
static inline adze_status
adze_feed_read (const adze_host *host, adze_feed *feed, uint64_t epoch, uint64_t number)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i <= feed->input_count; i++)
    if (&feed->slots[i] == feed->target || feed->inputs[i] == &feed->slots[i].view)
      status = adze_feed_fill (host, feed, &feed->slots[i], epoch, number);
  return status;
}

ADZE_END_DECLS

#endif
