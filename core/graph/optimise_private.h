/* SPDX-License-Identifier: Apache-2.0 */
/* graph/optimise_private.h: what passes are made of.
 *
 *   optimise.c             all of them in turn; what they share; what nobody needs
 *   optimise_constants.c   nodes computed now
 *   optimise_identities.c  nodes that give what they take
 *   optimise_common.c      nodes that do the same
 *   optimise_norm.c        batch normalisation into the weights in front of it
 *   optimise_fuse.c        sums with a vector as a bias
 *   optimise_integers.c    products of what integers stand for, in those integers
 *   optimise_codes.c       what integers stand for is moved to where it is needed
 *
 * A pass is called on a graph that was verified. It counts the nodes that it changed or removed.
 */
#ifndef ADZE_GRAPH_OPTIMISE_PRIVATE_H
#define ADZE_GRAPH_OPTIMISE_PRIVATE_H

#include <string.h>

#include "graph/graph_private.h"
#include "graph/optimise.h"

typedef adze_error *adze_pass (adze_graph *graph, uint64_t *changed);

adze_pass adze_pass_constants, adze_pass_identities, adze_pass_common, adze_pass_norms,
    adze_pass_biases, adze_pass_integers;

/* An operator of ONNX of this name? NODE may be NULL. */
static inline bool
adze_pass_is (const adze_graph_node *node, const char *op)
{
  return node && !node->domain[0] && strcmp (node->op, op) == 0;
}

/* One of "Add Sub Mul"? */
bool adze_pass_is_one_of (const adze_graph_node *node, const char *ops);

/* Input INDEX of a node; ADZE_NONE: it has none. */
static inline uint32_t
adze_pass_in (const adze_graph_node *node, size_t index)
{
  return index < node->input_count ? node->inputs[index] : ADZE_NONE;
}

/* A value with numbers, which are the graph's or the model's; NULL: it has none. */
const adze_graph_value *adze_pass_numbers (const adze_graph *graph, uint32_t number);
/* Of a shape that is settled: elements and bytes. False: it is not, or too large. */
bool adze_pass_size (const adze_graph_value *value, uint64_t *elements, uint64_t *bytes);
/* The node that makes VALUE, where one other node takes it and nobody else needs it; or NULL. */
const adze_graph_node *adze_pass_only_maker (const adze_graph *graph, uint32_t value);
/* Numbers of f32 or f64 as doubles, to be freed; *INTO stays NULL where it has none of these. */
ADZE_MUST_CHECK adze_error *adze_pass_doubles (const adze_graph *graph, uint32_t number,
                                               double **into, size_t *count);

/* OLD, which NODE makes, is the same as SAME: who takes the one takes the other, and NODE goes. An
 * output of the graph keeps its name, which cannot be where SAME is an output, too, or nobody makes
 * it: *DONE says whether it could. */
ADZE_MUST_CHECK adze_error *adze_pass_merge (adze_graph *graph, uint32_t node, uint32_t old,
                                             uint32_t same, bool *done);
/* The numbers of a weight or constant become others, of its type. One that somebody else takes
 * stays, and *INTO is a new one; else it is NUMBER. */
ADZE_MUST_CHECK adze_error *adze_pass_rewrite (adze_graph *graph, uint32_t number, int32_t rank,
                                               const int64_t *shape, const void *data, size_t size,
                                               uint32_t *into);
/* The same from doubles, which are rounded. */
ADZE_MUST_CHECK adze_error *adze_pass_rewrite_doubles (adze_graph *graph, uint32_t number,
                                                       int32_t rank, const int64_t *shape,
                                                       const double *numbers, size_t count,
                                                       uint32_t *into);
/* "NAME.folded", or with a number where that is taken; what *INTO was before is freed. */
ADZE_MUST_CHECK adze_error *adze_pass_name_beside (const adze_graph *graph, const char *name,
                                                   char **into);
/* Input INDEX, which may be the one behind the last. */
ADZE_MUST_CHECK adze_error *adze_pass_set_input (adze_graph *graph, uint32_t node, size_t index,
                                                 uint32_t value);
/* What nobody takes goes: a weight or constant, or the node that makes it. */
void adze_pass_forget (adze_graph *graph, uint32_t value);

/* ---- Values that integers stand for: (code - zero) * scale. optimise_codes.c has the rules that move
 * them, optimise_integers.c those that compute with them. */

typedef struct adze_pass_codes {
  const adze_graph_node *node;  /* QuantizeLinear or DequantizeLinear */
  uint32_t codes, scale, zero;  /* values; ZERO may be ADZE_NONE */
  double *scales;               /* NULL: it is none that a pass can do anything with */
  size_t count;                 /* of scales */
  int32_t axis;                 /* along which they lie, where there are several */
} adze_pass_codes;

/* Codes of a byte, and float32; scales that are known and ordinary numbers above zero. NODE may be any
 * node, or NULL. */
ADZE_MUST_CHECK adze_error *adze_pass_read_codes (const adze_graph *graph,
                                                  const adze_graph_node *node,
                                                  adze_pass_codes *into);
void adze_pass_codes_cleanup (adze_pass_codes *codes);
#define ADZE_AUTO_CODES __attribute__ ((cleanup (adze_pass_codes_cleanup))) adze_pass_codes

/* The node that makes VALUE, or NULL. */
static inline const adze_graph_node *
adze_pass_maker (const adze_graph *graph, uint32_t value)
{
  const adze_graph_value *made = adze_graph_value_at (graph, value);
  return made && made->node != ADZE_NONE ? graph->nodes[made->node] : NULL;
}

static inline bool
adze_pass_is_byte (const adze_graph *graph, uint32_t value)
{
  adze_dtype dtype = graph->values[value]->dtype;
  return (dtype.code == ADZE_INT || dtype.code == ADZE_UINT) && dtype.bits == 8 && dtype.lanes == 1;
}

adze_pass adze_pass_move_codes;

#endif
