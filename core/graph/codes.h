/* SPDX-License-Identifier: Apache-2.0 */
/* graph/codes.h: which weights of a network are codes, or say what codes stand for: scales and zero points. */
#ifndef ADZE_GRAPH_CODES_H
#define ADZE_GRAPH_CODES_H

#include "graph/graph.h"

typedef struct adze_graph_code {
  char *name; /* of the weight */
  char *node; /* that takes it so: "node 3 'dq' (DequantizeLinear)" */
} adze_graph_code;

typedef struct adze_graph_codes {
  adze_graph_code *items; /* by name, each once */
  size_t count;
} adze_graph_codes;

/* Those of GRAPH and of all its bodies. It need not be verified. */
ADZE_MUST_CHECK adze_error *adze_graph_find_codes (const adze_graph *graph, adze_graph_codes *codes);
const adze_graph_code *adze_graph_code_of (const adze_graph_codes *codes, const char *name);
void adze_graph_codes_cleanup (adze_graph_codes *codes);

#endif
