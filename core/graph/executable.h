/* SPDX-License-Identifier: Apache-2.0 */
/* graph/executable.h: a graph compiled for backends and sizes, and executed.
 *
 * Compiling settles all that can be settled: sizes, which backend computes which node, where each
 * value lies in one block of memory. Executing allocates nothing then. Values whose size depends on
 * numbers (NonZero, a Loop that grows), and nodes with bodies, are the exception, and are counted.
 */
#ifndef ADZE_GRAPH_EXECUTABLE_H
#define ADZE_GRAPH_EXECUTABLE_H

#include "graph/backend.h"
#include "graph/graph.h"

typedef struct adze_executable adze_executable;

typedef struct adze_compile_options {
  adze_backend_at_work *backend; /* who is asked first; NULL: REF alone */
  adze_backend_at_work *ref;     /* who does the rest */
  bool refuse_delegation;        /* what BACKEND does not claim is an error */
  /* The shape of each input, in the graph's order; NULL: what the graph says. */
  const int64_t *const *shapes;
  /* Weights have data in the graph and never change: they are constants. */
  bool fixed_weights;
  /* Whoever executes it brings places for outputs first (adze_executable_move_output): those that can
   * be moved have none else. */
  bool outputs_move;
  /* One whose values and scratch may lie in the same memory: neither is executed while anybody needs
   * what the other gave. NULL: nothing is shared. */
  adze_executable *beside;
} adze_compile_options;

typedef struct adze_executable_facts {
  uint64_t values;    /* bytes of the block that values and scratch lie in */
  uint64_t constants; /* bytes of weights and constants, which lie elsewhere */
  uint32_t steps;
  uint32_t delegated; /* nodes that ref does in the place of the backend; of both branches of an If,
                         and in a body whose sizes are not known yet all that may be */
  uint32_t folded;    /* nodes that were computed when the graph was compiled */
  uint32_t unsettled; /* values that are allocated while executing */
  /* Of a backend with memory of its own: bytes that values and scratch take there, copies to it and
   * back from it in each execution, and their bytes. Constants are the programs' own business. */
  uint64_t device;
  uint32_t sent, fetched;
  uint64_t moved;
} adze_executable_facts;

/* GRAPH must live as long as the executable, for its constants and weights are not copied. */
ADZE_MUST_CHECK adze_error *adze_graph_compile (adze_graph *graph,
                                                const adze_compile_options *options,
                                                adze_executable **executable);
void adze_executable_free (adze_executable *executable);
static inline void
adze_executable_cleanup (adze_executable **executable)
{
  adze_executable_free (*executable);
}
#define ADZE_AUTO_EXECUTABLE \
  __attribute__ ((cleanup (adze_executable_cleanup))) adze_executable *

const adze_executable_facts *adze_executable_facts_of (const adze_executable *executable);
/* Bytes that are laid out for values and take no memory before it is executed; none in a block that it
 * has of another. */
uint64_t adze_executable_absent (const adze_executable *executable);

/* Where a weight has its numbers, and where output INDEX is made, from the next execution on: aligned to
 * 64. False: the graph has no such weight; or the output has a place that it shares with another
 * value, or none that is known beforehand. */
bool adze_executable_move_weight (adze_executable *executable, const char *name,
                                  const void *data);
bool adze_executable_move_output (adze_executable *executable, size_t index, void *data);

/* May output INDEX be made where weight NAME has its numbers? What these were is gone then, also where an
 * execution fails. */
bool adze_executable_may_replace (const adze_executable *executable, size_t index,
                                  const char *name);

/* INPUTS in the graph's order, with data. OUTPUTS gets a view for each of the graph's; they are valid
 * until the next execution. An error names the node. */
ADZE_MUST_CHECK adze_error *adze_execute (adze_executable *executable,
                                          const adze_view *const *inputs,
                                          const adze_view **outputs);

#endif
