/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer.h: what rules for types and shapes are made of. A rule sees one node through
 * adze_infer (graph/operators.h); it never sees the graph, so that the same rule works before
 * anything runs, with symbols, and while it runs, with numbers. */
#ifndef ADZE_GRAPH_INFER_H
#define ADZE_GRAPH_INFER_H

#include "graph/operators.h"

#define ADZE_UNKNOWN_RANK (-1)

/* ---- Asking. */

/* Input INDEX; NULL: left out, or there are not so many. */
const adze_infer_value *adze_infer_in (const adze_infer *infer, size_t index);
/* Are type and shape of it known (its dimensions may be symbols)? */
bool adze_infer_has_rank (const adze_infer *infer, size_t index);
/* The COUNT whole numbers of an input, of any type of them; false: not known, more than
 * ADZE_INFER_INTS, or of another type. INTO has room for so many. */
#define ADZE_INFER_INTS 1024
bool adze_infer_ints (const adze_infer *infer, size_t index, int64_t *into, size_t *count);

/* Element ELEMENT of an input of any real or whole type; false: not known. */
bool adze_infer_number (const adze_infer *infer, size_t index, size_t element, double *into);
/* Elements of a value; -1: not known. */
int64_t adze_infer_count (const adze_infer_value *value);
/* How many there are in input INDEX, a list or a single number; -1: not known. Refuses more than
 * one dimension. */
ADZE_MUST_CHECK adze_error *adze_infer_length (const adze_infer *infer, size_t index,
                                               int64_t *into);
/* Refuses an input whose rank is known, and is not LEAST to MOST. */
ADZE_MUST_CHECK adze_error *adze_infer_need_rank (const adze_infer *infer, size_t index,
                                                  int32_t least, int32_t most);

/* AXIS of an attribute or an input, from -RANK to RANK - 1, made one from 0 on. */
ADZE_MUST_CHECK adze_error *adze_infer_axis (const adze_infer *infer, int64_t axis, int32_t rank,
                                             int32_t *into);
/* Several; MARKED has room for ADZE_GRAPH_RANK and says which of RANK dimensions are meant. One
 * that comes twice is refused. */
ADZE_MUST_CHECK adze_error *adze_infer_axes (const adze_infer *infer, const int64_t *axes,
                                             size_t count, int32_t rank, bool *marked);

/* Which of CHOICES ("NOTSET|VALID", counted from 0) a text is; PRESET where it is left out. */
ADZE_MUST_CHECK adze_error *adze_infer_choice (const adze_infer *infer, const char *name,
                                               const char *choices, int preset, int *into);
/* A list of exactly COUNT numbers, each LEAST to MOST; all PRESET where it is left out. */
ADZE_MUST_CHECK adze_error *adze_infer_list (const adze_infer *infer, const char *name,
                                             size_t count, int64_t preset, int64_t least,
                                             int64_t most, int64_t *into);
/* The type that an attribute names by ONNX's numbers (1 is float), which must be in SET; left out:
 * nothing is set. */
ADZE_MUST_CHECK adze_error *adze_infer_type_named (const adze_infer *infer, const char *name,
                                                   uint16_t set, adze_dtype *into);
uint16_t adze_infer_set_of (adze_dtype dtype); /* the one bit of a type, or 0 */
int64_t adze_infer_onnx_of (adze_dtype dtype); /* ONNX's number of it, or 0 */
/* The letter of place INDEX in the inputs or outputs of a row, from 0; -1: a dot, or none. */
int adze_infer_letter (const char *row, size_t index);

/* ---- Reckoning with sizes. A result that nobody can tell is a new symbol. */

int64_t adze_infer_fresh (const adze_infer *infer);
ADZE_MUST_CHECK adze_error *adze_infer_times (const adze_infer *infer, int64_t a, int64_t b,
                                              int64_t *into);
ADZE_MUST_CHECK adze_error *adze_infer_plus (const adze_infer *infer, int64_t a, int64_t b,
                                             int64_t *into);
/* Is an output of so many dimensions to be had? To be asked before a shape is filled in. */
ADZE_MUST_CHECK adze_error *adze_infer_fits (const adze_infer *infer, int64_t rank);
/* The numbers of an input as a shape, with room for ADZE_GRAPH_RANK; RANK is -1 where not even that
 * is told. A negative one is refused. */
ADZE_MUST_CHECK adze_error *adze_infer_shape_numbers (const adze_infer *infer, size_t index,
                                                      int32_t *rank, int64_t *shape, bool *known);
/* Two shapes stretched to each other; INTO has room for ADZE_GRAPH_RANK. */
ADZE_MUST_CHECK adze_error *adze_infer_stretch (const adze_infer *infer, int32_t rank_a,
                                                const int64_t *a, int32_t rank_b, const int64_t *b,
                                                int32_t *rank, int64_t *into);
/* Refuses an input that cannot be stretched to SHAPE without changing that. */
ADZE_MUST_CHECK adze_error *adze_infer_one_way (const adze_infer *infer, size_t index, int32_t rank,
                                                const int64_t *shape);
/* Refuses an input that is not of this shape; a negative dimension is any. */
ADZE_MUST_CHECK adze_error *adze_infer_need_shape (const adze_infer *infer, size_t index,
                                                   int32_t rank, const int64_t *shape);

/* ---- Answering. Outputs that are not asked for are passed over. */

void adze_infer_type (adze_infer *infer, size_t output, adze_dtype dtype);
void adze_infer_shape (adze_infer *infer, size_t output, int32_t rank, const int64_t *shape);
/* All dimensions unknown, each with a symbol of its own. */
void adze_infer_rank (adze_infer *infer, size_t output, int32_t rank);
/* Type and shape of an input. */
void adze_infer_like (adze_infer *infer, size_t output, size_t input);
/* Shape of an input alone. */
void adze_infer_shape_like (adze_infer *infer, size_t output, size_t input);
/* Shape of inputs FIRST to LAST - 1 stretched to each other as ONNX broadcasts. */
ADZE_MUST_CHECK adze_error *adze_infer_broadcast (adze_infer *infer, size_t output, size_t first,
                                                  size_t last);
/* Two dimensions that must be the same: the one that says more. Refuses what cannot be. */
ADZE_MUST_CHECK adze_error *adze_infer_same (const adze_infer *infer, int64_t a, int64_t b,
                                             const char *what, int64_t *into);

/* ---- Rules that several families use. */

ADZE_MUST_CHECK adze_error *adze_rule_as_input (adze_infer *infer); /* the shape of the first */
ADZE_MUST_CHECK adze_error *adze_rule_stretched (adze_infer *infer); /* of all, stretched */
/* Products of matrices, of inputs A and B. */
ADZE_MUST_CHECK adze_error *adze_infer_product (adze_infer *infer, size_t a, size_t b);

/* The rules, one file of them a family: infer_math.c (elementwise, reductions, products),
 * infer_shape.c (reshape, transpose, slice ...), infer_make.c (tensors from
 * nothing), infer_index.c (gather, scatter, select), infer_conv.c (windows that slide), infer_nn.c
 * (normalisation, recurrent nets, quantisation, losses), infer_image.c (resizing, regions),
 * infer_control.c (bodies), infer_other.c. Each ends in a table of its own that operators.c looks
 * through. */
extern const adze_operator adze_operators_math[], adze_operators_shape[], adze_operators_make[],
    adze_operators_index[], adze_operators_conv[], adze_operators_nn[], adze_operators_image[],
    adze_operators_control[], adze_operators_other[];

/* ---- What infer.c makes of a row of the table. */

ADZE_MUST_CHECK adze_error *adze_infer_check_attributes (const adze_infer *infer,
                                                         const adze_operator *operator);
/* Gives the outputs their types as well. */
ADZE_MUST_CHECK adze_error *adze_infer_check_types (adze_infer *infer,
                                                    const adze_operator *operator);
/* Before the rule of a node with bodies: types and shapes inside them, from those of the inputs. */
ADZE_MUST_CHECK adze_error *adze_infer_bodies (adze_graph *graph, const adze_graph_node *node,
                                               const adze_infer_value *inputs);

/* What needs no shapes: that operators are known, and how they are used. Inside bodies as well. */
ADZE_MUST_CHECK adze_error *adze_graph_check_operators (const adze_graph *graph);
/* Of all nodes of a graph, in order; what was declared is held against it. Inside bodies as well.
 * */
ADZE_MUST_CHECK adze_error *adze_graph_infer (adze_graph *graph);
ADZE_MUST_CHECK adze_error *adze_graph_infer_node (adze_graph *graph, const adze_graph_node *node);
/* Of one node, with what is known while it runs. */
ADZE_MUST_CHECK adze_error *adze_node_infer (const adze_graph_node *node,
                                             const adze_infer_value *inputs,
                                             adze_infer_value *outputs);

#endif
