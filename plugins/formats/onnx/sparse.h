/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/sparse.h: sparse initialisers: the values that are not zero, and where they belong.
 *
 * Values and indices are weights of the model, the indices under the values' name and ".indices". In a graph nodes
 * make the tensor of them, and such nodes are written as a sparse initialiser again.
 */
#ifndef ONNX_SPARSE_H
#define ONNX_SPARSE_H

#include <adze/draft/graph.h>

#include "tensor.h"

#define ONNX_INDICES ".indices"

/* A SparseTensorProto. */
enum { ONNX_SPARSE_VALUES = 1, ONNX_SPARSE_INDICES = 2, ONNX_SPARSE_DIMS = 3 };

typedef struct onnx_sparse {
  onnx_tensor values, indices;
  int32_t rank;
  int64_t dims[ADZE_RANK_MAX];
  /* It is what ONNX says that it must be, of numbers. All else is left where it is, and no graph computes with
   * it. */
  bool sound;
} onnx_sparse;

adze_status onnx_sparse_parse (onnx_input *input, onnx_span body, onnx_sparse *sparse);

/* ---- graph_sparse.c */

/* Nodes that stand for a sparse initialiser. */
typedef struct onnx_sparse_nodes {
  uint32_t dense; /* the value that they make */
  uint32_t values, indices;
  uint32_t nodes[3];     /* from the last one to the first */
  uint32_t constants[2]; /* that they take: the shape, and how many elements there are */
} onnx_sparse_nodes;

/* Does node NUMBER end such nodes? USED: for each value how many take it. */
bool onnx_sparse_nodes_at (const adze_graph_service *graphs, const adze_graph *graph,
                           const uint32_t *used, uint32_t number, onnx_sparse_nodes *found);

/* Makes them. *DENSE is what they make of VALUES and INDICES, which are weights of GRAPH. */
adze_status onnx_sparse_nodes_make (const adze_host *host, adze_graph *graph, const onnx_sparse *sparse,
                                    uint32_t values, uint32_t indices, uint32_t *dense);

#endif
