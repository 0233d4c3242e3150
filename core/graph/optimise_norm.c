/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise_norm.c: batch normalisation, which is a factor and a summand for each channel,
 * goes into the weights of the node in front of it. */
#include "graph/optimise_private.h"

#include <math.h>

/* ---- What it does to each channel. */

typedef struct norm {
  const adze_graph_node *node;
  size_t count;
  double *factor, *summand;
} norm;

static void
norm_cleanup (norm *n)
{
  free (n->factor);
  free (n->summand);
}

/* FACTOR stays NULL where it is none that can be told: one that trains, or whose numbers are not
 * there. */
static adze_error *
read_norm (const adze_graph *graph, const adze_graph_node *node, norm *into)
{
  ADZE_AUTO_FREE double *mean = NULL, *variance = NULL;
  ADZE_AUTO_FREE double *scale = NULL;
  size_t counts[4] = { 0 };
  double epsilon = (double)adze_node_float (node, "epsilon", 1e-5f);
  into->node = node;
  if (adze_node_int (node, "training_mode", 0) != 0)
    return NULL;
  for (size_t i = 1; i < node->output_count; i++)
    if (node->outputs[i] != ADZE_NONE)
      return NULL;
  ADZE_TRY (adze_pass_doubles (graph, node->inputs[1], &scale, &counts[0]));
  ADZE_TRY (adze_pass_doubles (graph, node->inputs[2], &into->summand, &counts[1]));
  ADZE_TRY (adze_pass_doubles (graph, node->inputs[3], &mean, &counts[2]));
  ADZE_TRY (adze_pass_doubles (graph, node->inputs[4], &variance, &counts[3]));
  if (!scale || !into->summand || !mean || !variance || counts[0] != counts[1]
      || counts[0] != counts[2] || counts[0] != counts[3])
    return NULL;
  into->count = counts[0];
  for (size_t i = 0; i < into->count; i++) {
    scale[i] /= sqrt (variance[i] + epsilon);
    into->summand[i] -= mean[i] * scale[i];
    if (!isfinite (scale[i]) || !isfinite (into->summand[i]))
      return NULL;
  }
  into->factor = adze_take (&scale);
  return NULL;
}

/* ---- Which channel an element of the weights belongs to. */

/* Element E: number E / INNER % SPAN of the block E / BLOCK, which has SPAN channels. */
typedef struct places {
  size_t inner, span, block;
} places;

static size_t
channel_of (const places *p, size_t element)
{
  return element / p->inner % p->span + element / p->block * p->span;
}

static bool
places_of (const adze_graph *graph, const adze_graph_node *node, size_t channels, places *into)
{
  const adze_graph_value *weight = adze_pass_numbers (graph, adze_pass_in (node, 1));
  uint64_t elements, bytes;
  if (!weight || !adze_pass_size (weight, &elements, &bytes) || elements == 0 || weight->rank < 2)
    return false;
  size_t count = (size_t)elements, rows = (size_t)weight->shape[0],
         columns = (size_t)weight->shape[1];
  if (adze_pass_is (node, "Conv")) {
    *into = (places){ count / rows, rows, count };
  } else if (adze_pass_is (node, "ConvTranspose")) {
    size_t group = (size_t)adze_node_int (node, "group", 1);
    *into = (places){ count / rows / columns, columns, count / group };
    return columns * group == channels;
  } else if (adze_pass_is (node, "Gemm") && adze_node_int (node, "transB", 0)) {
    *into = (places){ columns, rows, count };
  } else if (weight->rank == 2) {
    *into = (places){ 1, columns, count };
  } else {
    return false;
  }
  return into->span == channels;
}

/* ---- Weights and bias. */

static bool
same_type (const adze_graph *graph, uint32_t a, uint32_t b)
{
  return memcmp (&graph->values[a]->dtype, &graph->values[b]->dtype, sizeof (adze_dtype)) == 0;
}

static adze_error *
scale_weight (adze_graph *graph, const adze_graph_node *node, const norm *n, const places *p)
{
  ADZE_AUTO_FREE double *numbers = NULL;
  size_t count = 0;
  uint32_t old = node->inputs[1], fresh;
  const adze_graph_value *weight = graph->values[old];
  ADZE_TRY (adze_pass_doubles (graph, old, &numbers, &count));
  for (size_t i = 0; i < count; i++)
    numbers[i] *= n->factor[channel_of (p, i)];
  ADZE_TRY (adze_pass_rewrite_doubles (graph, old, weight->rank, weight->shape, numbers, count,
                                       &fresh));
  return adze_graph_set_input (graph, node->number, 1, fresh);
}

/* BIAS (ADZE_NONE: zeros) times FACTOR and plus SUMMAND. What has none gets that of the
 * normalisation. */
static adze_error *
shift_bias (adze_graph *graph, const norm *n, uint32_t bias, double beta, uint32_t *into)
{
  ADZE_AUTO_FREE double *numbers = NULL;
  ADZE_AUTO_FREE double *made = calloc (n->count + 1, sizeof *made);
  const int64_t length = (int64_t)n->count;
  size_t count = 0;
  uint32_t home = bias == ADZE_NONE ? n->node->inputs[2] : bias;
  const adze_graph_value *value = graph->values[home];
  if (!made)
    return adze_error_memory ();
  if (bias != ADZE_NONE)
    ADZE_TRY (adze_pass_doubles (graph, bias, &numbers, &count));
  for (size_t i = 0; i < n->count; i++) {
    double before = numbers ? beta * numbers[count == 1 ? 0 : i] : 0;
    made[i] = before * n->factor[i] + n->summand[i];
  }
  bool as_it_is = value->rank > 0 && (bias == ADZE_NONE || count == n->count);
  return adze_pass_rewrite_doubles (graph, home, as_it_is ? value->rank : 1,
                                    as_it_is ? value->shape : &length, made, n->count, into);
}

/* Is it a bias of one number a channel, or one for all, along the last dimension? */
static bool
is_bias (const adze_graph *graph, uint32_t number, size_t channels)
{
  const adze_graph_value *value = adze_pass_numbers (graph, number);
  uint64_t elements, bytes;
  return value && adze_pass_size (value, &elements, &bytes) && value->rank <= 2
         && (elements == 1
             || (elements == channels
                 && value->shape[value->rank - 1] == (int64_t)channels));
}

/* ---- Nodes. */

static bool
can_take (const adze_graph *graph, const adze_graph_node *node, const norm *n, places *p)
{
  bool product = adze_pass_is_one_of (node, "Gemm MatMul");
  const adze_graph_value *out = graph->values[node->outputs[0]];
  /* Behind a product of matrices channels are the columns; of more dimensions they are not. */
  return places_of (graph, node, n->count, p) && (!product || out->rank == 2)
         && same_type (graph, node->inputs[1], n->node->inputs[2]);
}

static adze_error *
gone (adze_graph *graph, const norm *n, uint32_t same, uint64_t *changed)
{
  bool done = false;
  ADZE_TRY (adze_pass_merge (graph, n->node->number, n->node->outputs[0], same, &done));
  for (size_t i = 1; done && i < n->node->input_count; i++)
    adze_pass_forget (graph, n->node->inputs[i]);
  *changed += done;
  return NULL;
}

/* Conv, ConvTranspose, Gemm: they have a bias of their own. */
static adze_error *
into_biased (adze_graph *graph, const adze_graph_node *node, const norm *n, uint64_t *changed)
{
  places p;
  uint32_t bias = adze_pass_in (node, 2), made;
  float beta = adze_node_float (node, "beta", 1), one = 1;
  if (!can_take (graph, node, n, &p)
      || (bias != ADZE_NONE
          && (!is_bias (graph, bias, n->count) || !same_type (graph, bias, node->inputs[1]))))
    return NULL;
  ADZE_TRY (scale_weight (graph, node, n, &p));
  ADZE_TRY (shift_bias (graph, n, bias, (double)beta, &made));
  ADZE_TRY (adze_pass_set_input (graph, node->number, 2, made));
  if (beta != 1.0f) {
    const adze_graph_attribute plain = adze_attribute_float ("beta", &one);
    ADZE_TRY (adze_graph_set_attribute (graph, node->number, &plain));
  }
  return gone (graph, n, node->outputs[0], changed);
}

/* MatMul: the summand needs an Add, which takes the place of the normalisation. */
static adze_error *
into_product (adze_graph *graph, const adze_graph_node *node, const norm *n, uint64_t *changed)
{
  places p;
  uint32_t inputs[] = { node->outputs[0], ADZE_NONE }, sum;
  if (!can_take (graph, node, n, &p))
    return NULL;
  ADZE_TRY (scale_weight (graph, node, n, &p));
  ADZE_TRY (shift_bias (graph, n, ADZE_NONE, 1, &inputs[1]));
  const adze_node_recipe add = { .struct_size = sizeof add, .op = "Add", .name = n->node->name,
                                 .inputs = inputs, .input_count = 2, .output_count = 1 };
  ADZE_TRY (adze_graph_add_node (graph, &add, &sum));
  return gone (graph, n, sum, changed);
}

/* Add of a bias behind MatMul: both change. */
static adze_error *
into_sum (adze_graph *graph, const adze_graph_node *add, const norm *n, uint64_t *changed)
{
  places p;
  for (size_t i = 0; i < 2; i++) {
    const adze_graph_node *node = adze_pass_only_maker (graph, add->inputs[i]);
    uint32_t bias = add->inputs[1 - i], made;
    if (!adze_pass_is (node, "MatMul") || !is_bias (graph, bias, n->count)
        || !can_take (graph, node, n, &p) || !same_type (graph, bias, node->inputs[1]))
      continue;
    ADZE_TRY (scale_weight (graph, node, n, &p));
    ADZE_TRY (shift_bias (graph, n, bias, 1, &made));
    ADZE_TRY (adze_graph_set_input (graph, add->number, 1 - i, made));
    return gone (graph, n, add->outputs[0], changed);
  }
  return NULL;
}

static adze_error *
fold_norm (adze_graph *graph, const adze_graph_node *node, uint64_t *changed)
{
  __attribute__ ((cleanup (norm_cleanup))) norm n = { 0 };
  const adze_graph_node *maker = adze_pass_only_maker (graph, node->inputs[0]);
  if (!maker)
    return NULL;
  ADZE_TRY (read_norm (graph, node, &n));
  if (!n.factor)
    return NULL;
  if (adze_pass_is_one_of (maker, "Conv ConvTranspose Gemm"))
    return into_biased (graph, maker, &n, changed);
  if (adze_pass_is (maker, "MatMul"))
    return into_product (graph, maker, &n, changed);
  return adze_pass_is (maker, "Add") ? into_sum (graph, maker, &n, changed) : NULL;
}

adze_error *
adze_pass_norms (adze_graph *graph, uint64_t *changed)
{
  size_t count = graph->node_count; /* nodes that are added are no normalisations */
  for (uint32_t n = 0; n < count; n++)
    if (adze_pass_is (graph->nodes[n], "BatchNormalization"))
      ADZE_TRY (fold_norm (graph, graph->nodes[n], changed));
  return NULL;
}
