/* SPDX-License-Identifier: Apache-2.0 */
/* graph/losses.h: what a network gives, and what it should have given, made one number to be
 * lowered.
 *
 * Each adds nodes to GRAPH, the types and shapes of whose values must have been inferred, and
 * gives a scalar: the mean over all examples. Scores are what stands before a softmax or
 * sigmoid, never probabilities. Dimension 1 of scores is that of classes, as ONNX has it.
 */
#ifndef ADZE_GRAPH_LOSSES_H
#define ADZE_GRAPH_LOSSES_H

#include "graph/graph.h"

/* LABELS: class numbers, the shape of SCORES less dimension 1. SMOOTHING, from 0 to below 1: so
 * much of each example is shared out among all classes evenly. */
ADZE_MUST_CHECK adze_error *adze_loss_cross_entropy (adze_graph *graph, uint32_t scores,
                                                     uint32_t labels, double smoothing,
                                                     uint32_t *loss);
/* The mean of the squared differences, over all elements. */
ADZE_MUST_CHECK adze_error *adze_loss_squares (adze_graph *graph, uint32_t output, uint32_t wanted,
                                               uint32_t *loss);
/* Each score by itself against a probability from 0 to 1 (BCE with logits), over all elements. */
ADZE_MUST_CHECK adze_error *adze_loss_binary (adze_graph *graph, uint32_t scores, uint32_t wanted,
                                              uint32_t *loss);
/* How far softmax (SCORES / TEMPERATURE) is from the probabilities WANTED (Kullback-Leibler),
 * summed over classes; times TEMPERATURE^2, so that gradients are as large at any. Where WANTED
 * is 0 nothing is counted. */
ADZE_MUST_CHECK adze_error *adze_loss_divergence (adze_graph *graph, uint32_t scores,
                                                  uint32_t wanted, double temperature,
                                                  uint32_t *loss);

/* An input for what the loss of an OUTPUT compares it with: of CLASSES whole numbers of 64 bits, a
 * dimension less; else as OUTPUT. The last input of the graph. */
ADZE_MUST_CHECK adze_error *adze_loss_add_input (adze_graph *graph, uint32_t output, bool classes,
                                                 const char *name, uint32_t *value);

#endif
