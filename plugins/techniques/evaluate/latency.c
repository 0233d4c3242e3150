/* SPDX-License-Identifier: Apache-2.0 */
/* How long the network takes, as it came: the same examples again and again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evaluate.h"

static double
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int
by_size (const void *left, const void *right)
{
  double a = *(const double *)left, b = *(const double *)right;
  return a < b ? -1 : a > b;
}

/* Of the nearest rank: one that was measured. */
static double
percentile (const double *sorted, uint64_t count, double share)
{
  uint64_t rank = (uint64_t)ceil (share * (double)count);
  return sorted[rank > 0 ? rank - 1 : 0];
}

static adze_status
measure (evaluate_run *e, const adze_feed *feed, adze_feed_runner *runner, double *seconds)
{
  for (uint64_t i = 0; i < e->warm_up + e->runs; i++) {
    double began = now ();
    adze_status status = adze_feed_execute (e->host, e->context, runner, feed);
    if (status != ADZE_OK)
      return status;
    if (i >= e->warm_up)
      seconds[i - e->warm_up] = now () - began;
  }
  qsort (seconds, (size_t)e->runs, sizeof *seconds, by_size);
  e->p50 = percentile (seconds, e->runs, 0.50);
  e->p95 = percentile (seconds, e->runs, 0.95);
  e->latency_batch = feed->count;
  return ADZE_OK;
}

/* The first run compiles, and is none of those that count. */
static adze_status
measure_graph (evaluate_run *e, adze_graph *graph, uint32_t output)
{
  adze_feed feed;
  adze_feed_runner runner = { .graph = graph };
  const adze_feed_wish wish
      = { .params = e->params,
          .graph = graph,
          .output = output,
          .classes = e->classes,
          .target_input = ADZE_NONE,
          .batch = (uint32_t)adze_param_int (e->host, e->params, "latency-batch"),
          .preset_batch = 1 };
  double *seconds
      = (double *)e->host->allocate (e->host, (size_t)e->runs * sizeof *seconds);
  adze_status status = adze_feed_open (e->host, e->data, &wish, &feed);
  if (status == ADZE_OK && !seconds)
    status = adze_fail (e->host, ADZE_E_MEMORY, "no room for %llu times",
                        (unsigned long long)e->runs);
  if (status == ADZE_OK)
    status = adze_feed_read (e->host, &feed, 0, 0);
  if (status == ADZE_OK)
    status = adze_feed_execute (e->host, e->context, &runner, &feed);
  if (status == ADZE_OK)
    status = measure (e, &feed, &runner, seconds);
  adze_feed_runner_close (e->host, e->context, &runner);
  adze_feed_close (e->host, &feed);
  e->host->release (e->host, seconds);
  return status;
}

adze_status
evaluate_latency (evaluate_run *e)
{
  adze_graph *graph = NULL;
  uint32_t output = ADZE_NONE;
  e->p50 = e->p95 = NAN;
  e->runs = (uint64_t)adze_param_int (e->host, e->params, "latency-runs");
  e->warm_up = (uint64_t)adze_param_int (e->host, e->params, "warm-up");
  if (e->runs == 0)
    return ADZE_OK;
  adze_status status = evaluate_graph (e, &graph);
  if (status == ADZE_OK)
    status = adze_feed_output (e->host, e->params, graph, &output);
  return status == ADZE_OK ? measure_graph (e, graph, output) : status;
}
