/* SPDX-License-Identifier: Apache-2.0 */
/* choose.h: one option of each item, so that what they weigh together is within a limit and what they cost
 * together is as little as it can be. What weight and cost are is the caller's affair: bytes and error, or error
 * and bytes. */
#ifndef RECOMMEND_CHOOSE_H
#define RECOMMEND_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct choose_option {
  double weight, cost; /* neither is negative */
  uint32_t tag;        /* the caller's name for it */
} choose_option;

typedef struct choose_item {
  choose_option *options; /* choose puts them in another order, and leaves some out */
  uint32_t count;
  uint32_t chosen; /* number of the one that was chosen, from then on */
} choose_item;

typedef enum choose_result { CHOOSE_DONE, CHOOSE_BEYOND, CHOOSE_NO_MEMORY } choose_result;

/* So many items are searched through to the end, whatever there is to choose from. */
#define CHOOSE_SURE 8

/* CHOOSE_BEYOND: the lightest options, which are then chosen, weigh more than LIMIT together. */
choose_result choose (choose_item *items, size_t count, double limit);

double choose_weight (const choose_item *items, size_t count);
double choose_cost (const choose_item *items, size_t count);

#endif
