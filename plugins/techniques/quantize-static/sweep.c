/* SPDX-License-Identifier: Apache-2.0 */
/* Data goes through a network batch by batch, and values in it are looked at by adze.tap/1. */
#include <string.h>

#include "static.h"

/* As evaluate has it: whole numbers, against an output with a dimension of classes, are class numbers. The target is
 * compared with nothing here, but feeding wants to know its shape. */
static adze_status
is_of_classes (const static_run *s, adze_artifact *data, const adze_graph_value *output, bool *classes)
{
  size_t number = 0;
  adze_status status = adze_feed_choose_target (s->host, data, s->params, &number);
  if (status != ADZE_OK)
    return status;
  const adze_column *column = s->run->column (s->host, data, number);
  bool whole = column->dtype.code == ADZE_INT || column->dtype.code == ADZE_UINT;
  *classes = !column->is_text && whole && output->rank >= 2 && output->shape[1] != 1;
  return ADZE_OK;
}

static adze_status
open_feed (const static_run *s, const static_sweep *sweep, adze_feed *feed)
{
  uint32_t output = ADZE_NONE;
  bool classes = false;
  memset (feed, 0, sizeof *feed);
  adze_status status = adze_feed_output (s->host, s->params, sweep->graph, &output);
  if (status == ADZE_OK)
    status = is_of_classes (s, sweep->data, s->graphs->value (sweep->graph, output), &classes);
  const adze_feed_wish wish = { .params = s->params,
                                .graph = sweep->graph,
                                .output = output,
                                .classes = classes,
                                .target_input = ADZE_NONE,
                                .batch = (uint32_t)adze_param_int (s->host, s->params, "batch"),
                                .preset_batch = 64 };
  return status == ADZE_OK ? adze_feed_open (s->host, sweep->data, &wish, feed) : status;
}

/* Taps are opened for a number of examples; the last batch may have fewer. */
typedef struct tapped {
  adze_taps *taps;
  uint64_t examples;
} tapped;

static void
close_taps (const static_run *s, tapped *t)
{
  if (t->taps)
    s->tap->close (s->host, s->context, t->taps);
  t->taps = NULL;
}

static adze_status
open_taps (const static_run *s, const static_sweep *sweep, const adze_feed *feed, tapped *t)
{
  const adze_eval_options options = { .struct_size = sizeof options, .shapes = feed->shapes };
  if (t->taps && t->examples == feed->count)
    return ADZE_OK;
  close_taps (s, t);
  t->examples = feed->count;
  return s->tap->open (s->host, s->context, sweep->graph, sweep->values, sweep->count, &options, &t->taps);
}

static adze_status
show (static_run *s, static_sweep *sweep, const tapped *t, const adze_view **views)
{
  for (size_t i = 0; i < sweep->count; i++)
    views[i] = s->tap->last (s->host, t->taps, i);
  return sweep->look (s, sweep->argument, views);
}

/* Whoever asks to stop is heard in front of a batch: so a rehearsal, which always asks, has got all ready. */
static adze_status
sweep_batch (static_run *s, static_sweep *sweep, adze_feed *feed, uint64_t number, uint64_t batches, tapped *t,
             const adze_view **views)
{
  adze_status status = adze_feed_read (s->host, feed, 0, number);
  if (status == ADZE_OK)
    status = open_taps (s, sweep, feed, t);
  if (status == ADZE_OK && !s->run->progress (s->host, s->context, number, batches))
    status = ADZE_E_CANCELLED;
  if (status == ADZE_OK)
    status = s->tap->feed (s->host, t->taps, feed->inputs);
  if (status == ADZE_OK)
    status = show (s, sweep, t, views);
  sweep->examples += status == ADZE_OK ? feed->count : 0;
  return status;
}

adze_status
static_sweep_data (static_run *s, static_sweep *sweep)
{
  adze_feed feed;
  tapped t = { .taps = NULL };
  adze_status status = open_feed (s, sweep, &feed);
  uint64_t batches = feed.batches;
  const adze_view **views
      = (const adze_view **)s->host->allocate (s->host, (sweep->count + 1) * sizeof (const adze_view *));
  if (status == ADZE_OK && !views)
    status = adze_fail (s->host, ADZE_E_MEMORY, "no room for %zu values", sweep->count);
  if (status == ADZE_OK && sweep->samples > 0 && (sweep->samples - 1) / feed.batch + 1 < batches)
    batches = (sweep->samples - 1) / feed.batch + 1;
  sweep->examples = 0;
  for (uint64_t i = 0; status == ADZE_OK && i < batches; i++)
    status = sweep_batch (s, sweep, &feed, i, batches, &t, views);
  close_taps (s, &t);
  s->host->release (s->host, (void *)views);
  adze_feed_close (s->host, &feed);
  return status;
}
