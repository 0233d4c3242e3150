/* SPDX-License-Identifier: Apache-2.0 */
/* Examples as they come to a layer: what goes into the network, computed with up to there.
 *
 * Nobody looks at labels, and data need not have any. So this opens a feed without a target, out of the parts of
 * adze/draft/feed.h. */
#include <string.h>

#include "hebbian.h"
#include "rules.h"

/* ---- Which columns. */

static adze_status
find_reward (hebbian_run *h)
{
  const char *name = adze_param_string (h->host, h->params, "reward");
  hebbian_stream *s = &h->stream;
  s->reward = SIZE_MAX;
  if (h->set.rule != HEBBIAN_REWARD)
    return ADZE_OK;
  s->reward = adze_feed_find (h->host, h->data, name);
  if (s->reward == SIZE_MAX)
    return adze_feed_no_column (h->host, h->data, "reward", name);
  const adze_column *column = h->run->column (h->host, h->data, s->reward);
  size_t each = 1;
  for (int32_t i = 0; i < column->rank; i++)
    each *= (size_t)column->shape[i];
  if (!column->is_text && each == 1 && adze_dtype_is_number (column->dtype))
    return ADZE_OK;
  char found[60];
  adze_feed_column_text (h->host, column, found, sizeof found);
  return adze_fail (h->host, ADZE_E_UNSUPPORTED, "parameter 'reward': an example has %s in the column '%s'; needed is one "
                    "number", found, name);
}

/* What is no input though nobody says so. */
static size_t
column_beside (const hebbian_run *h)
{
  size_t label = adze_feed_find (h->host, h->data, "label");
  return h->stream.reward != SIZE_MAX ? h->stream.reward
         : label != SIZE_MAX          ? label
                                      : adze_feed_find (h->host, h->data, "target");
}

static adze_status
open_slots (hebbian_run *h, const adze_feed_wish *wish)
{
  adze_feed *feed = &h->stream.feed;
  size_t count = 0;
  const uint32_t *inputs = h->graphs->inputs (h->graph, &count);
  feed->slots = (adze_feed_slot *)h->host->allocate (h->host, (count + 1) * sizeof *feed->slots);
  feed->inputs = (const adze_view **)h->host->allocate (h->host, (count + 1) * sizeof *feed->inputs);
  feed->shapes = (const int64_t **)h->host->allocate (h->host, (count + 1) * sizeof *feed->shapes);
  if (!feed->slots || !feed->inputs || !feed->shapes)
    return adze_fail (h->host, ADZE_E_MEMORY, "no room for what the network takes");
  feed->target = &feed->slots[count];
  feed->target->number = column_beside (h);
  feed->target->sound = true;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    status = adze_feed_set_input (h->host, wish, feed, i, inputs[i]);
    feed->inputs[i] = &feed->slots[i].view;
    feed->shapes[i] = feed->slots[i].shape;
  }
  return status;
}

static adze_status
open_feed (hebbian_run *h)
{
  adze_feed *feed = &h->stream.feed;
  const adze_feed_wish wish = { .params = h->params, .graph = h->graph, .target_input = ADZE_NONE,
                                .batch = (uint32_t)adze_param_int (h->host, h->params, "batch") };
  feed->data = h->data;
  h->graphs->inputs (h->graph, &feed->input_count);
  adze_feed_choose_batch (h->host, &wish, feed);
  feed->batches = h->run->batches (h->host, h->data, feed->batch);
  if (feed->batches == 0)
    return adze_fail (h->host, ADZE_E_FORMAT, "the data has no examples");
  adze_status status = adze_feed_check_names (h->host, &wish);
  return status == ADZE_OK ? open_slots (h, &wish) : status;
}

/* ---- A batch. */

static adze_status
read_feed (hebbian_run *h, uint64_t epoch, uint64_t number)
{
  adze_feed *feed = &h->stream.feed;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < feed->input_count; i++)
    status = adze_feed_fill (h->host, feed, &feed->slots[i], epoch, number);
  const adze_feed_slot *strange = status == ADZE_OK && epoch == 0 ? adze_feed_strange (feed) : NULL;
  if (strange)
    return adze_fail (h->host, ADZE_E_LIMIT,
                      "the column '%s' of the data bound to 'data' has numbers that are none (NaN, or without end), in "
                      "batch %llu; leave out, or fill, examples with such numbers",
                      strange->column.name, (unsigned long long)number + 1);
  return status;
}

static adze_status
read_rewards (hebbian_run *h, uint64_t epoch, uint64_t number)
{
  hebbian_stream *s = &h->stream;
  const void *data = NULL;
  size_t count = 0;
  const adze_column *column = h->run->column (h->host, h->data, s->reward);
  adze_status status = h->run->batch (h->host, h->data, epoch, number, s->feed.batch, s->reward, &data, &count);
  if (status != ADZE_OK)
    return status;
  if (count != s->rows)
    return adze_fail (h->host, ADZE_E_UNSUPPORTED,
                      "'%s' is given %zu rows for %zu examples, and each has one reward; needed is a layer that sees "
                      "an example as a whole",
                      h->layers[h->at].name, s->rows, count);
  adze_numbers_read (column->dtype, data, count, s->rewards);
  if (adze_doubles_are_finite ((const char *)s->rewards, count))
    return ADZE_OK;
  return adze_fail (h->host, ADZE_E_LIMIT, "the column '%s' has rewards that are no numbers (NaN, or without end), in batch "
                    "%llu", column->name, (unsigned long long)number + 1);
}

static adze_status
make_room (hebbian_run *h, size_t rows)
{
  hebbian_stream *s = &h->stream;
  s->rows = rows;
  if (rows <= s->room)
    return ADZE_OK;
  h->host->release (h->host, s->x);
  h->host->release (h->host, s->rewards);
  s->x = NULL;
  s->rewards = NULL;
  s->room = 0;
  if (rows < SIZE_MAX / sizeof (double) / s->inputs) {
    s->x = (double *)h->host->allocate (h->host, rows * s->inputs * sizeof *s->x);
    s->rewards = (double *)h->host->allocate (h->host, rows * sizeof *s->rewards);
  }
  if (!s->x || !s->rewards)
    return adze_fail (h->host, ADZE_E_MEMORY, "no room for %zu examples of %zu numbers", rows, s->inputs);
  s->room = rows;
  return ADZE_OK;
}

typedef struct placing {
  hebbian_stream *stream;
  const double *centre;
  bool unit;
} placing;

static adze_status
place_rows (void *argument, size_t first, size_t last)
{
  const placing *p = (const placing *)argument;
  for (size_t r = first; r < last; r++)
    rules_place (p->centre, p->unit, p->stream->inputs, p->stream->x + r * p->stream->inputs);
  return ADZE_OK;
}

/* COMES is what the network gives to the layer; whatever stands in front of its last dimension counts examples. */
static adze_status
take_view (hebbian_run *h, const adze_view *comes, bool placed)
{
  enum { GRAIN = 16 };
  hebbian_stream *s = &h->stream;
  size_t count = adze_view_count (comes);
  adze_status status = make_room (h, count / s->inputs);
  if (status != ADZE_OK)
    return status;
  adze_numbers_read (comes->dtype, adze_view_data (comes), count, s->x);
  placing p = { s, h->set.centre != HEBBIAN_AS_IT_COMES ? h->state.centre : NULL, h->set.unit_length };
  return placed && (p.centre || p.unit) ? adze_parallel_for (h->host, s->rows, GRAIN, place_rows, &p) : ADZE_OK;
}

adze_status
hebbian_read_stream (hebbian_run *h, uint64_t epoch, uint64_t number, bool placed)
{
  hebbian_stream *s = &h->stream;
  adze_status status = read_feed (h, epoch, number);
  if (status == ADZE_OK && !s->direct)
    status = adze_feed_execute (h->host, h->context, &s->runner, &s->feed);
  if (status == ADZE_OK)
    status = take_view (h, s->direct ? s->direct : s->runner.outputs[s->output], placed);
  return status == ADZE_OK && s->reward != SIZE_MAX ? read_rewards (h, epoch, number) : status;
}

/* ---- Opened and closed. */

static adze_status
find_value (hebbian_run *h, uint32_t value)
{
  hebbian_stream *s = &h->stream;
  size_t count = 0;
  const uint32_t *inputs = h->graphs->inputs (h->graph, &count);
  for (size_t i = 0; i < count; i++)
    if (inputs[i] == value)
      s->direct = &s->feed.slots[i].view;
  if (s->direct)
    return ADZE_OK;
  const uint32_t *outputs = h->graphs->outputs (h->graph, &count);
  for (s->output = 0; s->output < count && outputs[s->output] != value; s->output++)
    continue;
  return s->output < count ? ADZE_OK : h->graphs->add_output (h->host, h->graph, value);
}

/* The network is computed with once in any case: so a rehearsal, which ends there, sees what that takes, and
 * mistakes in what stands behind the layer are found before anything is learnt. */
static adze_status
try_network (hebbian_run *h)
{
  adze_status status = read_feed (h, 0, 0);
  return status == ADZE_OK ? adze_feed_execute (h->host, h->context, &h->stream.runner, &h->stream.feed) : status;
}

adze_status
hebbian_open_stream (hebbian_run *h)
{
  hebbian_stream *s = &h->stream;
  const hebbian_layer *layer = &h->layers[h->at];
  memset (s, 0, sizeof *s);
  s->runner.graph = h->graph;
  s->inputs = layer->inputs;
  adze_status status = find_reward (h);
  if (status == ADZE_OK)
    status = open_feed (h);
  if (status == ADZE_OK)
    status = find_value (h, layer->input);
  return status == ADZE_OK ? try_network (h) : status;
}

void
hebbian_close_stream (hebbian_run *h)
{
  adze_feed_runner_close (h->host, h->context, &h->stream.runner);
  adze_feed_close (h->host, &h->stream.feed);
  h->host->release (h->host, h->stream.x);
  h->host->release (h->host, h->stream.rewards);
  memset (&h->stream, 0, sizeof h->stream);
}
