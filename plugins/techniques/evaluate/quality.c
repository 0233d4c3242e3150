/* SPDX-License-Identifier: Apache-2.0 */
/* All of the data goes through the network once, and adze.eval/1 judges what comes out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate.h"

/* ---- What is compared. */

/* Whole numbers, against an output with a dimension of classes, are class numbers. */
static adze_status
choose_measure (evaluate_run *e, const adze_graph_value *output)
{
  const char *measure = adze_param_string (e->host, e->params, "measure");
  size_t number = 0;
  adze_status status = adze_feed_choose_target (e->host, e->data, e->params, &number);
  if (status != ADZE_OK)
    return status;
  const adze_column *column = e->run->column (e->host, e->data, number);
  bool whole = column->dtype.code == ADZE_INT || column->dtype.code == ADZE_UINT;
  bool has_classes = output->rank >= 2 && output->shape[1] != 1;
  snprintf (e->target, sizeof e->target, "%s", column->name);
  e->classes = strcmp (measure, "auto") == 0 ? !column->is_text && whole && has_classes
                                             : strcmp (measure, "classes") == 0;
  return ADZE_OK;
}

static adze_status
give_output (const evaluate_run *e, adze_graph *graph, uint32_t value, size_t *place)
{
  size_t count = 0;
  const uint32_t *outputs = e->graphs->outputs (graph, &count);
  for (*place = 0; *place < count && outputs[*place] != value; ++*place)
    continue;
  return *place < count ? ADZE_OK : e->graphs->add_output (e->host, graph, value);
}

/* ---- The data. */

/* The network once, as it is to be judged. */
typedef struct side {
  adze_feed_runner runner;
  size_t place; /* of the scores among its outputs */
  adze_judge *judge;
} side;

static adze_status
open_side (evaluate_run *e, adze_graph *graph, uint32_t scores, side *s)
{
  uint32_t most = (uint32_t)adze_param_int (e->host, e->params, "top");
  s->runner.graph = graph;
  adze_status status = give_output (e, graph, scores, &s->place);
  return status == ADZE_OK
             ? e->eval->judge (e->host, e->context,
                               e->classes ? ADZE_JUDGE_CLASSES : ADZE_JUDGE_VALUES, "data",
                               e->classes ? most : 0, &s->judge)
             : status;
}

static adze_status
judge_batch (evaluate_run *e, const adze_feed *feed, side *s)
{
  adze_status status = adze_feed_execute (e->host, e->context, &s->runner, feed);
  return status == ADZE_OK ? e->eval->add (e->host, s->judge, s->runner.outputs[s->place],
                                           &feed->target->view)
                           : status;
}

/* A rehearsal ends where the first batch would be computed. What the last one, which is often smaller,
 * and the other side are computed with lies beside it in a run: so all of that is got ready. */
static adze_status
rehearse_rest (evaluate_run *e, adze_feed *feed, side *sides)
{
  const uint64_t numbers[] = { 0, feed->batches - 1 };
  adze_status status = ADZE_E_CANCELLED;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    adze_status read = adze_feed_read (e->host, feed, 0, numbers[i]);
    if (read != ADZE_OK)
      return read;
    for (int k = 0; status == ADZE_E_CANCELLED && k <= e->both; k++)
      status = judge_batch (e, feed, &sides[k]);
  }
  return status;
}

/* Not every backend hands such numbers on: there might be a loss. */
static void
look_at_data (evaluate_run *e, const adze_feed *feed)
{
  const adze_feed_slot *slot = e->strange ? NULL : adze_feed_strange (feed);
  if (!slot)
    return;
  e->strange = true;
  adze_log (e->host, ADZE_LOG_WARNING,
            "the column '%s' of the data bound to 'data' has numbers that are none (NaN, or without end): "
            "what is computed with them says little, and there is no loss",
            slot->column.name);
}

static adze_status
judge_all (evaluate_run *e, adze_feed *feed, side *sides)
{
  adze_status status = ADZE_OK;
  for (uint64_t i = 0; status == ADZE_OK && i < feed->batches; i++) {
    status = adze_feed_read (e->host, feed, 0, i);
    for (int k = 0; status == ADZE_OK && k <= e->both; k++)
      status = judge_batch (e, feed, &sides[k]);
    if (status == ADZE_E_CANCELLED)
      return rehearse_rest (e, feed, sides);
    if (status == ADZE_OK)
      look_at_data (e, feed);
    if (status == ADZE_OK && e->both)
      evaluate_compare (e, sides[0].runner.outputs[sides[0].place],
                        sides[1].runner.outputs[sides[1].place]);
    if (status == ADZE_OK && !e->run->progress (e->host, e->context, i + 1, feed->batches))
      return ADZE_E_CANCELLED;
  }
  if (status != ADZE_OK)
    return status;
  e->eval->verdict (e->host, sides[0].judge, &e->verdict);
  if (e->both)
    e->eval->verdict (e->host, sides[1].judge, &e->integers);
  return ADZE_OK;
}

static adze_status
keep_facts (evaluate_run *e, const adze_feed_runner *runner)
{
  adze_status status = e->eval->facts (e->host, runner->compiled[0], &e->facts);
  if (status != ADZE_OK)
    return status;
  snprintf (e->backend, sizeof e->backend, "%s", e->facts.backend ? e->facts.backend : "");
  snprintf (e->identity, sizeof e->identity, "%s", e->facts.identity ? e->facts.identity : "");
  return ADZE_OK;
}

static adze_status
judge_graph (evaluate_run *e, adze_graph *graph, uint32_t scores, side *sides)
{
  adze_feed feed;
  const adze_feed_wish wish = { .params = e->params,
                                .graph = graph,
                                .output = scores,
                                .classes = e->classes,
                                .target_input = ADZE_NONE,
                                .batch = (uint32_t)adze_param_int (e->host, e->params, "batch"),
                                .preset_batch = 256 };
  adze_status status = adze_feed_open (e->host, e->data, &wish, &feed);
  if (status == ADZE_OK)
    status = judge_all (e, &feed, sides);
  if (status == ADZE_OK)
    status = keep_facts (e, &sides[0].runner);
  adze_feed_close (e->host, &feed);
  return status;
}

/* The scores of the network as it is to be computed, for the first side or the second. */
static adze_status
find_scores (evaluate_run *e, adze_graph *graph, uint32_t *scores)
{
  adze_status status = adze_feed_output (e->host, e->params, graph, scores);
  if (status == ADZE_OK && e->classes)
    *scores = adze_feed_scores (e->host, graph, *scores, false);
  return status;
}

/* Once more in integers, where there are any. */
static adze_status
open_integers (evaluate_run *e, side *s)
{
  adze_graph *graph = NULL;
  uint32_t scores = ADZE_NONE;
  adze_status status = e->run->graph (e->host, e->context, e->model, &graph);
  if (status != ADZE_OK || !evaluate_has_codes (e, graph))
    return status;
  status = evaluate_to_integers (e, graph);
  e->both = status == ADZE_OK && e->integer_nodes > 0;
  if (status != ADZE_OK || !e->both)
    return status;
  status = find_scores (e, graph, &scores);
  return status == ADZE_OK ? open_side (e, graph, scores, s) : status;
}

/* ---- Numbers that are none: NaN, and what has no end. */

/* Not every backend hands such numbers on: what comes out may look sound. */
static void
tell_damage (const evaluate_run *e, const adze_graph *graph)
{
  const adze_damage found = adze_damage_find (e->host, graph);
  if (found.count > 0)
    adze_log (e->host, ADZE_LOG_WARNING,
              "%s%s%s'%s'%s numbers that are none (%s at element %zu): what is computed with them says "
              "little, and a backend may make others of them",
              found.attribute ? "the attribute '" : "", found.attribute ? found.attribute : "",
              found.attribute ? "' of the node " : "", found.name,
              found.count == 1 ? " has" : ", and others, have", found.endless ? "an infinity" : "NaN",
              found.index);
}

/* There is a loss unless some example's score is no number. */
static void
tell_strange_scores (const evaluate_run *e)
{
  if (e->verdict.examples > 0 && !isfinite (e->classes ? e->verdict.surprise : e->verdict.squares))
    adze_log (e->host, ADZE_LOG_WARNING,
              "scores of some examples are no numbers (NaN, or without end)%s: there is no loss",
              e->classes ? ", which counts as wrong" : "");
}

static void
withhold_loss (evaluate_run *e)
{
  if (e->strange || !isfinite (e->classes ? e->verdict.surprise : e->verdict.squares))
    e->verdict.perplexity = e->verdict.surprise = e->verdict.squares = e->integers.squares = NAN;
}

/* ---- How sure an accuracy is. */

static int
by_size (const void *left, const void *right)
{
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

/* How likely it is that HITS of COUNT examples, drawn with replacement, are right where SHARE of all is. */
static double
likelihood (double hits, double count, double share)
{
  int sign;
  double ways = lgamma_r (count + 1, &sign) - lgamma_r (hits + 1, &sign)
                - lgamma_r (count - hits + 1, &sign);
  return exp (ways + hits * log (share) + (count - hits) * log1p (-share));
}

/* The least number of hits that so many draws in a row, the LOW-th and the HIGH-th of the sorted DRAWS, do not
 * exceed. Beyond FAR deviations no draw of 53 bits lies. */
static void
find_hits (const uint64_t *draws, size_t low, size_t high, double count, double share, double *found)
{
  enum { FAR = 10 };
  double reach = FAR * (sqrt (count * share * (1 - share)) + FAR), below = 0;
  double hits = fmax (0, floor (count * share - reach)), last = fmin (count, hits + 2 * reach);
  const size_t wanted[] = { low, high };
  for (size_t i = 0; i < 2; hits++) {
    below += likelihood (hits, count, share);
    for (; i < 2 && (adze_random_unit (draws[wanted[i]]) < below || hits >= last); i++)
      found[i] = hits;
  }
}

/* The percentile bootstrap: which accuracies other test sets of this size would have shown. An
 * example is right or wrong, so how many are right of as many drawn anew is binomial: one number says where
 * in that distribution a set lies, and none of its examples need be drawn. */
static adze_status
bootstrap (evaluate_run *e)
{
  size_t times = (size_t)adze_param_int (e->host, e->params, "resamples");
  double count = (double)e->verdict.examples;
  double tail = (1 - adze_param_float (e->host, e->params, "interval")) / 2;
  size_t low = (size_t)(tail * (double)times);
  double hits[2];
  if (!e->classes || times == 0 || count == 0)
    return ADZE_OK;
  uint64_t *draws = (uint64_t *)e->host->allocate (e->host, times * sizeof *draws);
  if (!draws)
    return adze_fail (e->host, ADZE_E_MEMORY, "no room for %zu resamples", times);
  bool drawn = adze_random_fill (e->host, "bootstrap", 0, draws, times);
  if (drawn && e->verdict.accuracy > 0 && e->verdict.accuracy < 1) {
    qsort (draws, times, sizeof *draws, by_size);
    find_hits (draws, low, times - 1 - low, count, e->verdict.accuracy, hits);
    e->low = hits[0] / count;
    e->high = hits[1] / count;
  } else if (drawn)
    e->low = e->high = e->verdict.accuracy;
  e->host->release (e->host, draws);
  return drawn ? ADZE_OK
               : adze_fail (e->host, ADZE_E_UNSUPPORTED,
                            "this host has no %s; resamples = 0 does without", ADZE_RANDOM);
}

/* ---- All of it. */

/* Perplexity is of scores in front of a softmax, and the rest is the same there. */
adze_status
evaluate_quality (evaluate_run *e)
{
  adze_graph *graph = NULL;
  uint32_t output = ADZE_NONE;
  side sides[2] = { { .place = 0 }, { .place = 0 } };
  e->low = e->high = NAN;
  e->verdict = e->integers = (adze_verdict){ .struct_size = sizeof e->verdict };
  e->facts = (adze_eval_facts){ .struct_size = sizeof e->facts };
  adze_status status = evaluate_graph (e, &graph);
  if (status == ADZE_OK)
    status = adze_feed_output (e->host, e->params, graph, &output);
  if (status == ADZE_OK)
    status = choose_measure (e, e->graphs->value (graph, output));
  if (status == ADZE_OK)
    status = find_scores (e, graph, &output);
  if (status == ADZE_OK)
    status = open_side (e, graph, output, &sides[0]);
  if (status == ADZE_OK && e->in_floats && e->in_integers)
    status = open_integers (e, &sides[1]);
  if (status == ADZE_OK) {
    tell_damage (e, graph);
    status = judge_graph (e, graph, output, sides);
  }
  if (status == ADZE_OK) {
    tell_strange_scores (e);
    withhold_loss (e);
  }
  for (size_t i = 0; i < 2; i++)
    adze_feed_runner_close (e->host, e->context, &sides[i].runner);
  return status == ADZE_OK ? bootstrap (e) : status;
}
