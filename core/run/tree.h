/* SPDX-License-Identifier: Apache-2.0 */
/* run/tree.h: accumulators of many leaves merged in one fixed tree, in whatever order the leaves
 * come. Left is always the earlier one, so the bytes do not depend on who was faster. */
#ifndef ADZE_RUN_TREE_H
#define ADZE_RUN_TREE_H

#include <pthread.h>

#include "base/error.h"

/* Accumulators of one size; those that were given back are handed out again, since fresh memory
 * costs more than zeroing old. */
typedef struct adze_stock {
  pthread_mutex_t lock;
  size_t size;
  void **spare;
  size_t count, room;
} adze_stock;

void adze_stock_open (adze_stock *stock, size_t size);
void adze_stock_close (adze_stock *stock);
void *adze_stock_take (adze_stock *stock); /* zeroed, aligned to 64; NULL without memory */
void adze_stock_give (adze_stock *stock, void *accumulator);

typedef struct adze_tree_node {
  unsigned level;
  size_t index;
  void *accumulator;
} adze_tree_node;

typedef struct adze_tree {
  size_t leaves;
  adze_tree_node *waiting;
  size_t count, room;
  void *root; /* once all leaves are there */
} adze_tree;

/* Adds RIGHT to LEFT. */
typedef adze_error *(*adze_tree_merge) (void *context, void *left, const void *right);

/* Puts leaf number INDEX, taking ACCUMULATOR over also when it fails. LOCK guards the tree; merging
 * is done without it. *DONE: it was the last one, and the root is there. */
ADZE_MUST_CHECK adze_error *adze_tree_put (adze_tree *tree, pthread_mutex_t *lock,
                                           adze_stock *stock, size_t index, void *accumulator,
                                           adze_tree_merge merge, void *context, bool *done);
/* Gives everything back that is still in it, the root too. */
void adze_tree_clear (adze_tree *tree, adze_stock *stock);

#endif
