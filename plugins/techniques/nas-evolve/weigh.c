/* SPDX-License-Identifier: Apache-2.0 */
/* weigh.c: what a network costs: parameters, multiplications and additions, time. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trained.h"

/* ---- Parameters. */

static double
count_parameters (const nas_trained *t, const adze_graph *graph)
{
  double sum = 0;
  for (uint32_t i = 0; i < t->graphs->value_count (graph); i++) {
    const adze_graph_value *value = t->graphs->value (graph, i);
    double count = value->role == ADZE_ROLE_WEIGHT ? 1 : 0;
    for (int32_t d = 0; count > 0 && d < value->rank; d++)
      count *= (double)value->shape[d];
    sum += count;
  }
  return sum;
}

/* ---- Arithmetic: of the products of an example, which are nearly all of it. */

static double
flops_of (const build_layer *layer)
{
  double places = 1, window = 1;
  if (layer->kind == BUILD_DENSE)
    return 2 * (double)layer->in[layer->in_rank - 1] * (double)layer->size
           * (layer->in_rank == 2 ? (double)layer->in[0] : 1);
  if (layer->kind != BUILD_CONV)
    return 0;
  for (int32_t d = 1; d < layer->in_rank; d++) {
    places *= (double)layer->out[d];
    window *= (double)layer->kernel[d - 1];
  }
  return 2 * places * (double)layer->size * window * (double)(layer->in[0] / layer->count);
}

static adze_status
count_flops (const nas_trained *t, const build_plan *plan, double *flops)
{
  *flops = 0;
  for (size_t i = 0; i < plan->count; i++) {
    build_kind kind = plan->layers[i].kind;
    if (kind == BUILD_ATTENTION || kind == BUILD_LSTM || kind == BUILD_GRU)
      return adze_fail (t->n->host, ADZE_E_UNSUPPORTED,
                        "parameter 'costs': flops are counted of dense and conv, and a candidate has \"%s\"; use "
                        "parameters or latency", plan->layers[i].text);
    *flops += flops_of (&plan->layers[i]);
  }
  return ADZE_OK;
}

/* ---- Time. */

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

/* As many rounds in front of those that count, a fifth of them: the first one compiles. */
static adze_status
measure (nas_trained *t, const adze_feed *feed, adze_feed_runner *runner, double *seconds, uint64_t runs)
{
  uint64_t warm_up = runs / 5 + 1;
  for (uint64_t i = 0; i < warm_up + runs; i++) {
    double began = now ();
    adze_status status = adze_feed_execute (t->n->host, t->n->context, runner, feed);
    if (status != ADZE_OK)
      return status;
    if (i >= warm_up)
      seconds[i - warm_up] = now () - began;
  }
  qsort (seconds, (size_t)runs, sizeof *seconds, by_size);
  return ADZE_OK;
}

/* Of one example, in milliseconds. */
static adze_status
find_latency (nas_trained *t, adze_graph *graph, uint32_t scores, double *latency)
{
  const adze_host *host = t->n->host;
  uint64_t runs = (uint64_t)adze_param_int (host, t->n->params, "latency-runs");
  adze_feed feed;
  adze_feed_runner runner = { .graph = graph };
  const adze_feed_wish wish = { .params = t->n->params, .graph = graph, .output = scores, .classes = 1,
                                .target_input = ADZE_NONE, .batch = 1 };
  double *seconds = (double *)host->allocate (host, (size_t)runs * sizeof *seconds);
  adze_status status = adze_feed_open (host, t->validation, &wish, &feed);
  if (status == ADZE_OK && !seconds)
    status = adze_fail (host, ADZE_E_MEMORY, "no room for %llu times", (unsigned long long)runs);
  if (status == ADZE_OK)
    status = adze_feed_read (host, &feed, 0, 0);
  if (status == ADZE_OK)
    status = measure (t, &feed, &runner, seconds, runs);
  if (status == ADZE_OK)
    *latency = seconds[runs / 2] * 1000;
  adze_feed_runner_close (host, t->n->context, &runner);
  adze_feed_close (host, &feed);
  host->release (host, seconds);
  return status;
}

/* ---- All that were asked for. */

static adze_status
weigh (nas_trained *t, const build_plan *plan, adze_graph *graph, uint32_t scores, double costs[NAS_COSTS])
{
  adze_status status = ADZE_OK;
  for (uint32_t c = 0; status == ADZE_OK && c < t->n->settings.costs; c++)
    switch (t->costs[c]) {
    case NAS_PARAMETERS:
      costs[c] = count_parameters (t, graph);
      break;
    case NAS_FLOPS:
      status = count_flops (t, plan, &costs[c]);
      break;
    default:
      status = find_latency (t, graph, scores, &costs[c]);
    }
  return status;
}

/* In front of the jobs of a batch, so that nobody is timed while others train. */
adze_status
nas_weigh (nas_trained *t, const uint8_t genes[NAS_GENES], double costs[NAS_COSTS])
{
  const adze_host *host = t->n->host;
  adze_graph *graph = NULL;
  uint32_t scores = ADZE_NONE;
  if (t->n->settings.costs == 0)
    return ADZE_OK;
  nas_network *network = (nas_network *)host->allocate (host, sizeof *network);
  adze_status status = network ? nas_build (t, genes, network, &graph)
                               : adze_fail (host, ADZE_E_MEMORY, "no room for a network of %d layers", NAS_LAYERS);
  if (status == ADZE_OK)
    status = nas_find_scores (t, graph, &scores);
  if (status == ADZE_OK)
    status = t->graphs->verify (host, graph);
  if (status == ADZE_OK)
    status = weigh (t, &network->plan, graph, scores, costs);
  host->release (host, network);
  return status;
}
