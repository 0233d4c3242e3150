/* SPDX-License-Identifier: Apache-2.0 */
/* qat: how far that reaches which flows through the network, from some batches of the data that it learns from. */
#include "qat.h"

#include <adze/draft/tap.h>

/* Levels of 8 bits. What is never below 0, as behind a Relu, has all of them above. */
static const qat_grid above = { 0, 255, 0 }, around = { -127, 127, 0 };

/* What is looked at, and with which data. */
typedef struct look {
  qat *q;
  adze_graph *graph;
  adze_feed feed;
  uint32_t *values;
  size_t count;
  adze_taps *taps;
} look;

/* The data goes in as when it learns, target and all: what is read of a batch is the same. */
static adze_status
open_data (look *l)
{
  adze_lesson *t = l->q->lesson;
  uint32_t scores = ADZE_NONE, target = ADZE_NONE, loss = ADZE_NONE;
  adze_status status = t->run->graph (t->host, t->context, t->model, &l->graph);
  if (status == ADZE_OK)
    status = adze_lesson_add_loss (t, l->graph, false, &scores, &target, &loss);
  if (status == ADZE_OK)
    status = t->graphs->verify (t->host, l->graph);
  return status == ADZE_OK ? adze_lesson_feed_with (t, t->data, l->graph, scores, target, &l->feed) : status;
}

static adze_status
open_taps (look *l)
{
  const adze_tap_service *tap = adze_tap_of (l->q->host);
  adze_eval_options options = { .struct_size = sizeof options };
  l->values = (uint32_t *)l->q->host->allocate (l->q->host, (l->q->count + 1) * sizeof *l->values);
  if (!l->values)
    return adze_fail (l->q->host, ADZE_E_MEMORY, "no room for what is looked at");
  for (size_t i = 0; i < l->q->count; i++)
    if (!l->q->items[i].weight)
      l->values[l->count++] = l->q->items[i].value;
  options.shapes = l->feed.shapes;
  return tap->open (l->q->host, l->q->lesson->context, l->graph, l->values, l->count, &options, &l->taps);
}

static adze_status
check_batches (const look *l)
{
  const adze_host *host = l->q->host;
  long long wanted = (long long)adze_param_int (host, l->q->params, "calibration");
  if (!adze_param_is_given (host, l->q->params, "calibration") || (uint64_t)wanted <= l->feed.batches)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter 'calibration' is %lld batches, and the data bound to 'data' has %llu; needed are as many at "
                    "most",
                    wanted, (unsigned long long)l->feed.batches);
}

/* Whole batches alone: the network was made ready for their size. An epoch of one short batch is looked at as it is. */
static adze_status
watch_batches (look *l)
{
  const adze_host *host = l->q->host;
  uint64_t wanted = (uint64_t)adze_param_int (host, l->q->params, "calibration");
  adze_status status = ADZE_OK;
  for (uint64_t i = 0; status == ADZE_OK && i < wanted && i < l->feed.batches; i++) {
    uint64_t before = l->feed.count;
    status = adze_feed_read (host, &l->feed, 0, i);
    if (status == ADZE_OK && i > 0 && l->feed.count != before)
      break;
    if (status == ADZE_OK && i == 0)
      status = open_taps (l);
    if (status == ADZE_OK)
      status = adze_tap_of (host)->feed (host, l->taps, l->feed.inputs);
  }
  return status;
}

static double
range_of (const qat *q, const adze_tap_statistics *s, int levels)
{
  const char *by = adze_param_string (q->host, q->params, "ranges");
  double most = fmax (fabs (s->least), fabs (s->most));
  if (strcmp (by, "most") == 0)
    return most;
  double range = strcmp (by, "percentile") == 0
                     ? qat_range_share (s->bins, ADZE_TAP_BINS, s->range,
                                        adze_param_float (q->host, q->params, "percentile") / 100)
                     : qat_range_nearest (s->bins, ADZE_TAP_BINS, s->range, levels);
  return fmin (range, most);
}

/* The mean of the sizes; what is in a bin stands in its middle. */
static float
size_of (const adze_tap_statistics *s)
{
  double sum = 0;
  for (size_t i = 0; i < ADZE_TAP_BINS; i++)
    sum += (double)s->bins[i] * ((double)i + .5);
  double mean = s->least >= 0 ? s->mean : sum * s->range / ADZE_TAP_BINS / (double)s->count;
  return mean > 0 ? (float)mean : 1;
}

static adze_status
settle (const look *l, size_t index, qat_item *item)
{
  const qat *q = l->q;
  adze_tap_statistics s = { .struct_size = sizeof s };
  adze_status status = adze_tap_of (q->host)->statistics (q->host, l->taps, index, &s);
  if (status != ADZE_OK)
    return status;
  if (s.count == 0 || s.not_finite > 0)
    return adze_fail (q->host, ADZE_E_LIMIT,
                      "what flows through '%s' has %llu numbers that are none (NaN, or without end), and %llu others: no "
                      "range can be told from them",
                      item->name, (unsigned long long)s.not_finite, (unsigned long long)s.count);
  item->is_unsigned = s.least >= 0;
  item->grid = item->is_unsigned ? above : around;
  double range = range_of (q, &s, item->grid.high);
  item->steps[0] = range > 0 ? (float)(range / item->grid.high) : 1;
  item->sizes[0] = size_of (&s);
  return ADZE_OK;
}

static void
close_look (look *l)
{
  if (l->taps)
    adze_tap_of (l->q->host)->close (l->q->host, l->q->lesson->context, l->taps);
  adze_feed_close (l->q->host, &l->feed);
  l->q->host->release (l->q->host, l->values);
}

static bool
nothing_flows (const qat *q)
{
  return q->count == 0 || q->items[q->count - 1].weight;
}

adze_status
qat_calibrate (qat *q)
{
  look l = { .q = q };
  if (nothing_flows (q))
    return ADZE_OK;
  if (!adze_tap_of (q->host))
    return adze_fail (q->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_TAP);
  adze_status status = open_data (&l);
  if (status == ADZE_OK)
    status = check_batches (&l);
  if (status == ADZE_OK)
    status = watch_batches (&l);
  size_t index = 0;
  for (size_t i = 0; status == ADZE_OK && i < q->count; i++)
    if (!q->items[i].weight)
      status = settle (&l, index++, &q->items[i]);
  close_look (&l);
  return status;
}
