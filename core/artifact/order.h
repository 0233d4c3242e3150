/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/order.h: which examples a dataset has, and in which order an epoch gives them.
 *
 * An order is no table but a function: a permutation whose values can be asked for one by one, in
 * any order, and which takes no memory however many examples there are. It is a Feistel network
 * over as many bits as the numbers of the examples have; a value beyond their count is put in again
 * until one comes out that is none. A table of Fisher and Yates would be exactly uniform and take
 * 8 bytes an example, an epoch after which everything has to be drawn anew, and a walk from its
 * start to wherever a run goes on.
 */
#ifndef ADZE_ARTIFACT_ORDER_H
#define ADZE_ARTIFACT_ORDER_H

#include "artifact/dataset.h"

typedef struct adze_order {
  uint64_t examples; /* of the source */
  uint64_t first;    /* position of the dataset's first one in the split's permutation */
  uint64_t count;
  uint64_t seed;
  bool split;   /* false: the split's permutation is the source's own order */
  bool shuffle; /* each epoch anew */
} adze_order;

/* Refuses options that make no sense, and those that leave no example. */
ADZE_MUST_CHECK adze_error *adze_order_make (uint64_t examples,
                                             const adze_dataset_options *options,
                                             adze_order *order);

void adze_order_fill (const adze_order *order, uint64_t epoch, uint64_t first, size_t count,
                      uint64_t *examples);

/* INDEX of a permutation of COUNT numbers; INDEX < COUNT. */
uint64_t adze_permute (uint64_t key, uint64_t count, uint64_t index);

#endif
