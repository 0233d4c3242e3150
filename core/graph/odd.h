/* SPDX-License-Identifier: Apache-2.0 */
/* graph/odd.h: numbers that are none (NaN, or without end): where a view has them, and which node of a graph
 * was the first to give one. */
#ifndef ADZE_GRAPH_ODD_H
#define ADZE_GRAPH_ODD_H

#include "graph/executable.h"

/* Only these can have such numbers. */
bool adze_odd_may_be (adze_dtype dtype);
/* Where the first is that is nan, or, if INFINITE, that has no end; SIZE_MAX: nowhere. Of any float type. */
size_t adze_odd_first (const adze_view *view, bool infinite);
bool adze_odd_has (const adze_view *view, bool infinite);
bool adze_view_is_finite (const adze_view *view);
/* Of a value's own numbers. */
adze_view adze_odd_view_of (const adze_graph_value *value);

typedef struct adze_odd_search {
  const adze_graph *graph;
  size_t network; /* nodes before this number are those of a network and its loss; the others are what training
                     adds to them */
  const uint32_t *from; /* values; what is wrong with the first that has such numbers is traced back */
  size_t from_count;
} adze_odd_search;

/* COPY, of the search's graph, is executed once more with INPUTS, and changed for it. What was found is added
 * to INTO: "node 3 'fc1' (Gemm) was the first to give nan, in 'h'", or the loss, or gradients where no node of
 * the network gave such a number; nothing, where none of FROM has one. *GIVEN: the node was given it, by a
 * weight or a constant. */
ADZE_MUST_CHECK adze_error *adze_odd_find (const adze_odd_search *search, adze_graph *copy,
                                           const adze_compile_options *options,
                                           const adze_view *const *inputs, bool *given,
                                           adze_buffer *into);

#endif
