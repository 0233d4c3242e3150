/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the backend onednn: networks that are built node by node, and both backends side by
 * side on them. Delegation is refused, so that what onednn does not claim is an error. */
#ifndef ADZE_TESTS_ONEDNN_NETS_H
#define ADZE_TESTS_ONEDNN_NETS_H

#include <math.h>

#include <adze/half.h>

#include "engine.h"

#include "graph/infer.h"

enum { MOST_INPUTS = 8 };

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 }, bf16 = { ADZE_BFLOAT, 16, 1 };

/* ---- Numbers, always the same ones. */

static unsigned
draw (unsigned *seed)
{
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static float
draw_float (unsigned *seed, float low, float high)
{
  return low + (high - low) * ((float)draw (seed) + 0.5F) / 16777216.0F;
}

/* ---- A network that is being built, with what goes into it. */

typedef struct net {
  adze_graph *graph;
  adze_dtype dtype; /* of all that it is made of */
  adze_view inputs[MOST_INPUTS];
  size_t input_count;
  unsigned seed;
  float low, high;
  int64_t sizes[26]; /* of the letters in shapes */
} net;

static inline void
net_new (net *n, const char *name, unsigned seed, float low, float high)
{
  *n = (net){ .dtype = f32, .seed = seed, .low = low, .high = high };
  must (adze_graph_new (name, &n->graph));
  for (size_t i = 0; i < ADZE_COUNT_OF (n->sizes); i++)
    n->sizes[i] = 1 + (int64_t)(draw (&n->seed) % 9);
}

static inline void
net_free (net *n)
{
  for (size_t i = 0; i < n->input_count; i++) {
    free (n->inputs[i].data);
    free (n->inputs[i].shape);
  }
  adze_graph_free (n->graph);
}

static adze_view
random_view (net *n, int32_t rank, const int64_t *shape)
{
  adze_view view = { .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank, .dtype = n->dtype };
  view.shape = malloc ((size_t)(rank + 1) * sizeof *shape);
  if (rank)
    memcpy (view.shape, shape, (size_t)rank * sizeof *shape);
  size_t count = adze_view_count (&view);
  view.data = malloc (count * sizeof (float));
  for (size_t i = 0; i < count; i++) {
    float number = draw_float (&n->seed, n->low, n->high);
    if (n->dtype.code == ADZE_BFLOAT)
      ((uint16_t *)view.data)[i] = adze_bfloat_from_float (number);
    else
      ((float *)view.data)[i] = number;
  }
  return view;
}

static inline uint32_t
add_input (net *n, int32_t rank, const int64_t *shape)
{
  char name[16];
  uint32_t value;
  snprintf (name, sizeof name, "x%zu", n->input_count);
  must (adze_graph_add_input (n->graph, name, n->dtype, rank, shape, &value));
  n->inputs[n->input_count++] = random_view (n, rank, shape);
  return value;
}

static inline uint32_t
add_constant (net *n, int32_t rank, const int64_t *shape)
{
  uint32_t value;
  adze_view view = random_view (n, rank, shape);
  must (adze_graph_add_constant (n->graph, NULL, &view, &value));
  free (view.data);
  free (view.shape);
  return value;
}

static inline uint32_t
add_float (net *n, float number)
{
  uint32_t value;
  uint16_t rounded = adze_bfloat_from_float (number);
  bool half = n->dtype.code == ADZE_BFLOAT;
  adze_view view = { .data = half ? (void *)&rounded : (void *)&number,
                     .device = { ADZE_DEVICE_CPU, 0 }, .dtype = n->dtype };
  must (adze_graph_add_constant (n->graph, NULL, &view, &value));
  return value;
}

static inline uint32_t
add_node (net *n, const char *op, const uint32_t *inputs, size_t count,
          const adze_graph_attribute *attributes, size_t attribute_count)
{
  uint32_t output;
  bool ours = strncmp (op, "adze.", 5) == 0;
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .domain = ours ? "adze" : "",
                                    .op = ours ? op + 5 : op,
                                    .inputs = inputs,
                                    .input_count = count,
                                    .output_count = 1,
                                    .attributes = attributes,
                                    .attribute_count = attribute_count };
  must (adze_graph_add_node (n->graph, &recipe, &output));
  must (adze_graph_infer_node (
      n->graph, adze_graph_node_at (n->graph, adze_graph_node_count (n->graph) - 1)));
  return output;
}

static inline uint32_t
like (net *n, uint32_t value)
{
  const adze_graph_value *known = adze_graph_value_at (n->graph, value);
  return add_input (n, known->rank, known->shape);
}

/* ---- Both, side by side. */

static inline void
run_on (const engine *e, net *n, bool onednn, adze_executable **executable,
        const adze_view **outputs)
{
  const adze_view *inputs[MOST_INPUTS];
  const adze_compile_options options
      = { .backend = onednn ? e->other : NULL, .ref = e->ref, .refuse_delegation = true };
  for (size_t i = 0; i < n->input_count; i++)
    inputs[i] = &n->inputs[i];
  must (adze_graph_compile (n->graph, &options, executable));
  /* The second time everything is where it was, and scratch has what the first time left. */
  must (adze_execute (*executable, inputs, outputs));
  must (adze_execute (*executable, inputs, outputs));
}

static inline void
check_form (const adze_view *found, const adze_view *wanted)
{
  assert_int_equal (found->rank, wanted->rank);
  assert_memory_equal (&found->dtype, &wanted->dtype, sizeof wanted->dtype);
  for (int32_t d = 0; d < found->rank; d++)
    assert_int_equal (found->shape[d], wanted->shape[d]);
}

/* Of float32 each element. Of bfloat16 all of them together: ref rounds what comes out of each node
 * to 8 digits, by 2^-9 of it, and a part that does several nodes at once keeps more on the way. In
 * some ten nodes that makes 2^-6 of the whole at most. */
#define HALVES_APART 0x1p-6

static inline void
compare (const char *what, size_t output, const adze_view *found, const adze_view *wanted)
{
  double apart = 0, size = 0;
  check_form (found, wanted);
  for (size_t i = 0; i < adze_view_count (wanted); i++) {
    double a, b;
    bool half = wanted->dtype.code == ADZE_BFLOAT;
    size_t at = i * wanted->dtype.bits / 8;
    adze_doubles_read (found->dtype, (const char *)adze_view_data (found) + at, 1, &a);
    adze_doubles_read (wanted->dtype, (const char *)adze_view_data (wanted) + at, 1, &b);
    if (!half && !(fabs (a - b) <= 1e-5 + 1e-4 * fabs (b)))
      fail_msg ("%s: element %zu of output %zu is %.9g, and ref's %.9g", what, i, output, a, b);
    apart += half ? (a - b) * (a - b) : 0;
    size += b * b;
  }
  if (!(sqrt (apart) <= HALVES_APART * sqrt (size)))
    fail_msg ("%s: output %zu is %.4g of its size away from ref's", what, output,
              sqrt (apart / size));
}

/* All of the network is one part. */
static inline void
check_net (const engine *e, net *n, const char *what)
{
  ADZE_AUTO_EXECUTABLE on = NULL;
  ADZE_AUTO_EXECUTABLE with_ref = NULL;
  const adze_view *found[MOST_INPUTS], *wanted[MOST_INPUTS];
  size_t count;
  adze_graph_outputs (n->graph, &count);
  assert_true (count <= MOST_INPUTS);
  run_on (e, n, true, &on, found);
  run_on (e, n, false, &with_ref, wanted);
  assert_int_equal (adze_executable_facts_of (on)->delegated, 0);
  assert_int_equal (adze_executable_facts_of (on)->steps, 1);
  for (size_t i = 0; i < count; i++)
    compare (what, i, found[i], wanted[i]);
}

/* ---- Nodes. */

static inline uint32_t
one (net *n, const char *op, uint32_t x)
{
  return add_node (n, op, &x, 1, NULL, 0);
}

static inline uint32_t
two (net *n, const char *op, uint32_t a, uint32_t b)
{
  const uint32_t inputs[] = { a, b };
  return add_node (n, op, inputs, 2, NULL, 0);
}

static inline uint32_t
conv_with (net *n, uint32_t x, uint32_t weights, uint32_t bias)
{
  const int64_t pads[] = { 1, 1, 1, 1 };
  const adze_graph_attribute attribute = adze_attribute_ints ("pads", pads, 4);
  return add_node (n, "Conv", (uint32_t[]){ x, weights, bias }, 3, &attribute, 1);
}

static inline uint32_t
conv (net *n, uint32_t x, const int64_t *weights)
{
  uint32_t numbers = add_constant (n, 4, weights);
  return conv_with (n, x, numbers, add_constant (n, 1, weights));
}

static inline uint32_t
pool_of (net *n, uint32_t x, int64_t kernel, int64_t pad)
{
  const int64_t sizes[] = { kernel, kernel }, strides[] = { 2, 2 }, pads[] = { pad, pad, pad, pad };
  const adze_graph_attribute attributes[] = { adze_attribute_ints ("kernel_shape", sizes, 2),
                                              adze_attribute_ints ("strides", strides, 2),
                                              adze_attribute_ints ("pads", pads, 4) };
  return add_node (n, "MaxPool", &x, 1, attributes, 3);
}

#endif
