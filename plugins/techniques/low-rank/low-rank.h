/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of low-rank share: what is to become of each tensor, what was seen of it, and what was decided.
 *   describe.c   which tensors take part, and what they become
 *   network.c    two nodes in the place of one
 *   observe.c    how much a rank keeps, and which rank keeps enough
 *   report.c     the decision, and what is told of it
 *   factor.c     a tensor as a matrix, and its factors */
#ifndef LOW_RANK_H
#define LOW_RANK_H

#include <adze/sdk.h>

#include "matrix.h"

enum { LOW_RANK_NAME = 1024 };

typedef struct low_rank_entry {
  char *name;
  adze_dtype dtype;
  size_t rows, columns; /* all dimensions but the first are columns */
  bool randomised;
  uint32_t beyond, steps; /* of the randomised method: sums beside those of the rank, times over and back */
  double energy;          /* share that is to be kept; 0: the rank is known */
  size_t rank;            /* with energy: the greatest that there can be */
  size_t most;            /* the greatest with which the factors are no larger than the tensor */
  bool may_stay;          /* where it takes more than that */
  /* Once it is decided: */
  size_t decided; /* 0: it stays as it is */
  size_t width;   /* of the randomised method's basis */
} low_rank_entry;

typedef struct low_rank {
  adze_entries entries; /* of low_rank_entry */
  adze_entries stayed;  /* of low_rank_stayed */
  /* Of all tensors that were decided on: */
  uint64_t tensors, numbers, kept;
  double least_energy, largest_error;
  adze_left_tally left, told;
} low_rank;

/* A tensor that would have become larger, with what was asked for. */
typedef struct low_rank_stayed {
  char *name;
  uint64_t rank, most;
} low_rank_stayed;

/* What is seen of a tensor: an accumulator. */
typedef struct low_rank_seen {
  uint64_t seen;
  uint64_t rank;
  uint64_t width;
  double energy; /* share that is kept of the sum of squares */
  double error;  /* length of what is lost, as a share of the tensor's */
} low_rank_seen;

static inline size_t
low_rank_least (const low_rank_entry *entry)
{
  return entry->rows < entry->columns ? entry->rows : entry->columns;
}

static inline low_rank_entry *
low_rank_entry_of (const low_rank *self, const char *name)
{
  return (low_rank_entry *)adze_entries_find (&self->entries, name);
}

/* ---- describe.c */

adze_status low_rank_describe (const adze_host *host, void *instance, adze_outline *outline);
void low_rank_clear (const adze_host *host, low_rank *self);
adze_status low_rank_stays (const adze_host *host, low_rank *self, const char *name, size_t rank, size_t most);
adze_status low_rank_too_large (const adze_host *host, const low_rank_entry *entry, const char *name,
                                size_t rank);

/* ---- network.c */

/* The graph that has the weight, which is that of the network or a body in it; NULL: none. */
adze_graph *low_rank_holder (const adze_graph_service *graphs, adze_graph *graph, const char *name);
/* NULL: two nodes can do what each node does with the weight. Else why not, written into ROOM. */
const char *low_rank_obstacle (const adze_graph_service *graphs, adze_graph *graph, const adze_tensor_meta *meta,
                               char *room, size_t size);
adze_status low_rank_edit (const adze_host *host, adze_graph *graph, const adze_tensor_meta *meta,
                           const adze_tensor_meta *factors);

/* ---- factor.c */

/* INPUT as a matrix of which the largest number is about 1, times 2^*EXPONENT. M is made. */
adze_status low_rank_read (const adze_host *host, const low_rank_entry *entry, const adze_tensor *input,
                           matrix *m, int *exponent);
adze_status low_rank_apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input);

/* ---- observe.c */

adze_status low_rank_observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
                              void *accumulator);

/* ---- report.c */

adze_status low_rank_decide (const adze_host *host, void *instance, adze_call *call, const void *accumulator,
                             bool *again);

#endif
