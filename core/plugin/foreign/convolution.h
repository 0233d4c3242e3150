/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/convolution.h: Conv as products of matrices: the windows that an output looks at
 * are laid out as columns, some at a time. Private to backend.c and convolution.c. */
#ifndef ADZE_PLUGIN_FOREIGN_CONVOLUTION_H
#define ADZE_PLUGIN_FOREIGN_CONVOLUTION_H

#include <adze/draft/graph.h>

#include "plugin/foreign/call.h"

enum { ADZE_CONVOLUTION_AXES = 3 };

/* A node that was compiled. The sizes of the images may be any; those of the weights are known. */
typedef struct adze_convolution {
  const adze_foreign_kernels *kernels;
  size_t element; /* bytes */
  int64_t group;
  int32_t axes; /* of the image */
  int64_t kernel[ADZE_CONVOLUTION_AXES];
  int64_t strides[ADZE_CONVOLUTION_AXES];
  int64_t dilations[ADZE_CONVOLUTION_AXES];
  int64_t pads[ADZE_CONVOLUTION_AXES]; /* in front; -1: half of what the output's size needs */
  bool pads_lower;                     /* and the odd one in front */
  int64_t rows; /* numbers in a window: a column has as many */
  int64_t tile; /* columns at a time */
} adze_convolution;

/* Fills it in but for its kernels; false: the node is left to others. */
bool adze_convolution_read (const adze_graph_node *node, const adze_graph_value *x,
                            const adze_graph_value *w, adze_convolution *convolution);
/* Bytes that an execution needs. */
uint64_t adze_convolution_scratch (const adze_convolution *convolution);
/* B may be NULL. */
ADZE_MUST_CHECK adze_error *adze_convolution_execute (const adze_convolution *convolution,
                                                      const adze_view *x, const adze_view *w,
                                                      const adze_view *b, const adze_view *output,
                                                      void *scratch);

#endif
