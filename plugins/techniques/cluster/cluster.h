/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of cluster share: what is to be done with each tensor, what was seen of it, and what was
 * decided. */
#ifndef CLUSTER_H
#define CLUSTER_H

#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

#include "kmeans1d.h"

/* The host checks no codebook that is larger (adze/draft/traits.h). */
#define CLUSTER_MOST KMEANS1D_MOST

typedef enum cluster_how {
  CLUSTER_EXACT,
  CLUSTER_LINEAR,
  CLUSTER_DENSITY,
  CLUSTER_RANDOM,
  CLUSTER_PLUS_PLUS
} cluster_how;

/* A codebook: which of the tensor's values are its own. */
typedef struct cluster_book {
  uint64_t first;
  uint32_t count;
  bool zero_apart; /* the first of them is a zero, and only zeros become it */
} cluster_book;

typedef struct cluster_entry {
  char *name;
  adze_dtype dtype;
  uint32_t k;
  cluster_how how;
  uint32_t steps;  /* of Lloyd's, at most */
  bool keep_zeros;
  /* Elements as [outer][channels][inner]; each book is of GROUP channels, the last of what is left. */
  uint64_t outer, channels, inner, group;
  uint64_t book_count;
  /* Once it is decided: */
  uint64_t distinct; /* values of all books */
  cluster_book *books;
  double *values;
} cluster_entry;

/* What plays a part with some choices only: said, and as what. */
typedef struct cluster_words {
  struct {
    bool said;
    int64_t number;
  } axis, group, steps;
} cluster_words;

typedef struct cluster {
  cluster_words stage; /* for all that no rule is about */
  adze_entries entries; /* of cluster_entry */
  size_t accumulator; /* bytes for the largest tensor's books */
  /* Of all tensors: */
  uint64_t tensors, numbers, bytes;
  double squares, packed, coded;
  adze_left_tally left, told;
} cluster;

/* Parameters that contradict each other, or say nothing to the others. SELF: those of a rule; NULL: the stage's. */
adze_status cluster_check (const adze_host *host, const cluster *self, const adze_params *values);

/* ---- What is seen of a tensor: an accumulator. Behind it lie its books, each a cluster_seen_book and room
 * for k cluster_seen_value. */

typedef struct cluster_seen {
  uint64_t numbers;
  double squares; /* of what the numbers are moved by, summed up */
  double bits;    /* that an entropy coder needs for the indices */
  uint64_t books; /* 0: nothing was seen */
} cluster_seen;

typedef struct cluster_seen_book {
  uint32_t count;
  uint32_t zero_apart;
} cluster_seen_book;

typedef struct cluster_seen_value {
  double value;
  uint64_t numbers;
} cluster_seen_value;

static inline size_t
cluster_book_size (uint32_t k)
{
  return sizeof (cluster_seen_book) + k * sizeof (cluster_seen_value);
}

static inline cluster_seen_book *
cluster_seen_book_at (const cluster_seen *seen, uint32_t k, uint64_t number)
{
  return (cluster_seen_book *)(void *)((char *)(uintptr_t)(seen + 1) + number * cluster_book_size (k));
}

static inline cluster_seen_value *
cluster_seen_values (cluster_seen_book *book)
{
  return (cluster_seen_value *)(void *)(book + 1);
}

/* ---- describe.c */

adze_status cluster_describe (const adze_host *host, void *instance, adze_outline *outline);
/* NULL: the tensor was not described. */
cluster_entry *cluster_entry_of (const cluster *self, const char *name);
void cluster_clear (const adze_host *host, cluster *self);

/* ---- books.c */

adze_status cluster_observe (const adze_host *host, void *instance, adze_call *call,
                             const adze_tensor *input, void *accumulator);

/* Bytes that clustering one book takes, all but a few. */
uint64_t cluster_scratch (const cluster_entry *entry);

/* Elements that lie side by side and are of one book. */
typedef struct cluster_run {
  uint64_t first;
  uint64_t count;
} cluster_run;

/* The runs of a book are numbered from 0 to outer - 1. */
static inline cluster_run
cluster_run_of (const cluster_entry *entry, uint64_t book, uint64_t number)
{
  uint64_t channel = book * entry->group, left = entry->channels - channel;
  return (cluster_run){ (number * entry->channels + channel) * entry->inner,
                        (left < entry->group ? left : entry->group) * entry->inner };
}

/* Of the largest book, which is the first one. */
static inline uint64_t
cluster_book_numbers (const cluster_entry *entry)
{
  return entry->outer * cluster_run_of (entry, 0, 0).count;
}

static inline size_t
cluster_number_size (const cluster_entry *entry)
{
  return entry->dtype.bits / 8;
}

adze_status cluster_check_plain (const adze_host *host, const cluster_entry *entry,
                                 const adze_tensor *input);

/* ---- report.c */

adze_status cluster_decide (const adze_host *host, void *instance, adze_call *call,
                            const void *accumulator, bool *again);

#endif
