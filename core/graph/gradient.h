/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient.h: differentiation, graph to graph.
 *
 * The result is made of the same operators, and a few of our own domain; so it runs wherever they do,
 * and can be differentiated again. */
#ifndef ADZE_GRAPH_GRADIENT_H
#define ADZE_GRAPH_GRADIENT_H

#include "graph/graph.h"

/* Adds to GRAPH the gradients of SCALAR (a float value with one element) with respect to VALUES;
 * GRADIENTS[i] is that of VALUES[i], of its shape. A node that lies between and has no rule is refused
 * by its name; what SCALAR does not depend on gets zeros. Types and shapes must have been inferred. */
ADZE_MUST_CHECK adze_error *adze_graph_differentiate (adze_graph *graph, uint32_t scalar,
                                                      const uint32_t *values, size_t count,
                                                      uint32_t *gradients);

/* Outputs, and the gradient of each, of its shape; ADZE_NONE: zero. */
typedef struct adze_gradient_seeds {
  const uint32_t *outputs, *seeds;
  size_t count;
} adze_gradient_seeds;

/* The same for any outputs whose gradients are there. */
ADZE_MUST_CHECK adze_error *adze_graph_pull_back (adze_graph *graph,
                                                  const adze_gradient_seeds *from,
                                                  const uint32_t *values, size_t count,
                                                  uint32_t *gradients);

/* ---- What rules are made of. */

/* A node and what is asked for. A rule adds nodes to GRAPH. */
typedef struct adze_gradient {
  adze_graph *graph;
  const adze_graph_node *node;
  const uint32_t *given; /* gradient of each output; ADZE_NONE: zero */
  const bool *wanted;    /* of each input: is its gradient of use to anybody? */
  uint32_t *made;        /* gradient of each input, to be filled in; ADZE_NONE, as they begin: zero */
  adze_error *error;     /* the first of adze_op; what comes after it does nothing */
} adze_gradient;

typedef struct adze_gradient_rule {
  const char *domain, *op;
  void (*rule) (adze_gradient *gradient);
} adze_gradient_rule;

/* One table a family, each ended by a NULL op: gradient_math.c (elementwise), gradient_reduce.c
 * (reductions, what is divided by a sum), gradient_product.c (products, Einsum), gradient_shape.c (moved
 * values), gradient_index.c (values that are picked and put), gradient_nn.c (convolution,
 * normalisation, losses), gradient_window.c (pooling and other windows), gradient_rnn.c (recurrent
 * nets), gradient_control.c (bodies). */
extern const adze_gradient_rule adze_gradients_math[], adze_gradients_reduce[],
    adze_gradients_product[], adze_gradients_shape[], adze_gradients_index[], adze_gradients_nn[],
    adze_gradients_window[], adze_gradients_rnn[], adze_gradients_control[];

const adze_gradient_rule *adze_gradient_rule_find (const char *domain, const char *op); /* or NULL */

/* A node with one output, of which type and shape are inferred at once; ADZE_NONE after a failure.
 * Inputs end with ADZE_END; ADZE_NONE is one left out. */
#define ADZE_END (UINT32_MAX - 1)
uint32_t adze_op (adze_gradient *g, const char *op, ...);
/* The same with everything. */
uint32_t adze_op_with (adze_gradient *g, const char *domain, const char *op,
                         const uint32_t *inputs, size_t input_count,
                         const adze_graph_attribute *attributes, size_t attribute_count);
/* Several outputs; ONNX's own operators. */
void adze_ops_with (adze_gradient *g, const char *op, const uint32_t *inputs, size_t input_count,
                    const adze_graph_attribute *attributes, size_t attribute_count,
                    uint32_t *outputs, size_t output_count);
/* Any node; OUTPUTS has room for all of them. */
void adze_op_made (adze_gradient *g, const adze_node_recipe *recipe, uint32_t *outputs);
/* VALUE stretched to, or in, the shape of LIKE. */
uint32_t adze_op_stretched (adze_gradient *g, uint32_t value, uint32_t like);
uint32_t adze_op_reshaped (adze_gradient *g, uint32_t value, uint32_t like);
/* Zeros of the type and shape of LIKE. */
uint32_t adze_op_zeros (adze_gradient *g, uint32_t like);
/* NUMBER as a scalar of the type of LIKE. */
uint32_t adze_op_number (adze_gradient *g, double number, uint32_t like);
uint32_t adze_op_int (adze_gradient *g, int64_t number); /* a scalar */
uint32_t adze_op_ints (adze_gradient *g, const int64_t *numbers, size_t count);
/* GRADIENT, summed up to the shape of input INDEX where that was stretched, is what it made. Adds to
 * what is there, for inputs that are one and the same value. */
void adze_give_gradient (adze_gradient *g, size_t index, uint32_t gradient);
/* For a rule that has said in other operators what its node computes: OUTPUTS[i], which the nodes of
 * number FIRST and above made, is the same as an output of which SEEDS[i] is the gradient. What comes
 * of that for the inputs, by the rules of those operators, is what is given. */
void adze_give_through (adze_gradient *g, uint32_t first, const uint32_t *outputs,
                        const uint32_t *seeds, size_t count);
/* For a node that only picks elements of its first input, whatever they are: the same node, with the
 * first INPUT_COUNT of its inputs, picks their positions, and what is given is added up there. */
void adze_gradient_by_positions (adze_gradient *g, size_t input_count);
/* The sum over all dimensions but the second, channels. */
uint32_t adze_gradient_by_channel (adze_gradient *g, uint32_t value, int64_t keep);
void adze_gradient_refuse (adze_gradient *g, const char *reason);

/* In the place of a rule: what adze_graph_set_gradient attached to the node. */
void adze_gradient_attached (adze_gradient *g, uint32_t kind, const adze_graph *body);

#endif
