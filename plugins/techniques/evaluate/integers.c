/* SPDX-License-Identifier: Apache-2.0 */
/* A quantised network in its integers. As its file says it, codes are made floats in front of each
 * product, and the floats codes again behind it: so do tools that train it, and what runs on a device
 * does not. The host has a pass that makes one of the other; here both are held against each other. */
#include <math.h>
#include <string.h>

#include <adze/numbers.h>

#include "evaluate.h"

/* ---- The network. */

static bool
is_product (const adze_graph_node *node)
{
  static const char *const ops[] = { "Conv", "ConvTranspose", "Gemm", "MatMul" };
  for (size_t i = 0; node && !node->domain[0] && i < sizeof ops / sizeof *ops; i++)
    if (strcmp (node->op, ops[i]) == 0)
      return true;
  return false;
}

bool
evaluate_has_codes (const evaluate_run *e, const adze_graph *graph)
{
  for (uint32_t n = 0; n < e->graphs->node_count (graph); n++) {
    const adze_graph_node *node = e->graphs->node (graph, n);
    if (node && !node->domain[0] && strcmp (node->op, "DequantizeLinear") == 0)
      return true;
  }
  return false;
}

adze_status
evaluate_to_integers (evaluate_run *e, adze_graph *graph)
{
  enum { INTEGERS = 6 }; /* ADZE_PASS_INTEGERS is 1 << INTEGERS */
  enum { WANTED = ADZE_PASS_CONSTANTS | ADZE_PASS_BIAS | ADZE_PASS_DEAD | ADZE_PASS_INTEGERS };
  uint64_t changed[ADZE_GRAPH_PASSES] = { 0 };
  adze_status status = e->graphs->optimise (e->host, graph, WANTED, changed);
  if (status != ADZE_OK)
    return status;
  e->integer_nodes = changed[INTEGERS];
  e->float_nodes = 0;
  for (uint32_t n = 0; n < e->graphs->node_count (graph); n++)
    e->float_nodes += is_product (e->graphs->node (graph, n));
  return ADZE_OK;
}

adze_status
evaluate_graph (evaluate_run *e, adze_graph **graph)
{
  adze_status status = e->run->graph (e->host, e->context, e->model, graph);
  if (status != ADZE_OK || e->in_floats)
    return status;
  status = evaluate_to_integers (e, *graph);
  if (status == ADZE_OK && e->integer_nodes == 0)
    return adze_fail (e->host, ADZE_E_UNSUPPORTED,
                      "arithmetic = \"integers\": nothing of this network can be computed in "
                      "integers; needed are Conv, Gemm or MatMul with DequantizeLinear in front of "
                      "both operands; arithmetic = \"floats\" computes it as it is");
  return status;
}

/* ---- What comes out. */

static double
number_at (const adze_view *view, size_t index)
{
  double number = NAN;
  adze_numbers_read (view->dtype,
                     (const char *)adze_view_data (view) + index * (view->dtype.bits / 8), 1,
                     &number);
  return number;
}

/* The class of the highest score at one position: STEP between the scores. */
static int64_t
class_at (const adze_view *scores, size_t first, size_t step)
{
  int64_t best = 0;
  double most = number_at (scores, first);
  for (int64_t c = 1; c < scores->shape[1]; c++) {
    double score = number_at (scores, first + (size_t)c * step);
    if (score > most) {
      most = score;
      best = c;
    }
  }
  return best;
}

void
evaluate_compare (evaluate_run *e, const adze_view *floats, const adze_view *integers)
{
  size_t count = adze_view_count (floats);
  for (size_t i = 0; i < count; i++) {
    double apart = fabs (number_at (floats, i) - number_at (integers, i));
    if (!(apart <= e->apart)) /* what is no number is as far apart as can be */
      e->apart = isnan (apart) ? INFINITY : apart;
  }
  if (!e->classes || floats->rank < 2 || count == 0)
    return;
  size_t step = 1;
  for (int32_t d = 2; d < floats->rank; d++)
    step *= (size_t)floats->shape[d];
  size_t each = step * (size_t)floats->shape[1];
  for (size_t i = 0; i < count / each * step; i++) {
    size_t first = i / step * each + i % step;
    e->compared++;
    e->agreeing += class_at (floats, first, step) == class_at (integers, first, step);
  }
}
