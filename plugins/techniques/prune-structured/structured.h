/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of prune-structured share.
 *
 *   prune-structured.c  parameters, life, apply
 *   describe.c          what becomes of each tensor
 *   sets.c              sets of channels of which some go, and how many
 *   network.c           such sets in a network: what hangs together there
 *   roles.c             which dimensions of weights make channels, and which take them
 *   alone.c             such sets in tensors without a network
 *   norms.c             observe: what channels are compared by
 *   settle.c            decide: which ones go
 *   report.c            what is told of it
 *
 * How many channels go is known from describe on, so that shapes are; which ones, once their numbers were
 * seen. Until then those of the lowest indices stand for them. */
#ifndef STRUCTURED_H
#define STRUCTURED_H

#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

typedef enum structured_of {
  STRUCTURED_FILTERS,  /* compared by the weights that make them */
  STRUCTURED_CHANNELS, /* by those that take them */
  STRUCTURED_HEADS     /* several neighbouring outputs at once; by those that make them */
} structured_of;

typedef enum structured_norm {
  STRUCTURED_L1,
  STRUCTURED_L2,
  STRUCTURED_MEDIAN /* sum of the distances to all others of the set */
} structured_norm;

/* What is asked of a tensor. */
typedef struct structured_wish {
  structured_of of;
  structured_norm norm;
  double sparsity;
  int64_t count;    /* so many go; 0: by sparsity */
  int64_t min_kept;
  int64_t multiple; /* what stays is one of this */
} structured_wish;

/* The places of a set's channels in one dimension of one tensor, or of a constant of the network. */
typedef struct structured_part {
  size_t set;
  size_t tensor;    /* STRUCTURED_NONE: a constant */
  int32_t axis;
  bool ranked;      /* its numbers are what channels are compared by */
  size_t per;       /* places of a channel */
  int64_t *indices; /* PER of each channel */
  double *sums;     /* of each channel, where it is ranked: as they were seen */
  size_t next;      /* part of the tensor; STRUCTURED_NONE: there is no other */
  size_t offset;    /* where its sums lie in the tensor's accumulator */
} structured_part;

#define STRUCTURED_NONE SIZE_MAX

typedef struct structured_set {
  size_t count; /* of channels */
  size_t group; /* its number in the network */
  size_t first_part, part_count;
  structured_wish wish;
  size_t removed; /* so many go; 0: it is left alone */
  bool *gone;
  double *sizes;  /* what channels are compared by, once it is settled */
} structured_set;

typedef struct structured_tensor {
  char *name;
  adze_pick pick;
  int32_t rank;
  int64_t shape[ADZE_RANK_MAX];
  adze_dtype dtype;
  size_t first_part;
  size_t sums; /* how many an accumulator of it has */
} structured_tensor;

/* Why channels that could have been meant stay. */
typedef struct structured_left {
  char *name; /* of a tensor */
  char why[160];
  bool expected; /* what the network gives is what it is */
} structured_left;

typedef struct structured {
  structured_wish wish; /* of the stage */
  int64_t heads;
  bool wants_shrink;
  bool shrinks; /* the network loses the channels; else they become zero */
  bool has_network;
  bool warned;  /* that there is none */
  bool spared;  /* there is a set of which so many are to stay that none goes */
  adze_entries tensors; /* of structured_tensor, all that could be changed */
  adze_entries left;    /* of structured_left */
  structured_set *sets;
  size_t set_count;
  structured_part *parts;
  size_t part_count;
  adze_left_tally tally, told;
} structured;

/* ---- sets.c. */

adze_status structured_wish_of (const adze_host *host, const structured *self, const adze_params *values,
                                const char *tensor, structured_wish *wish);
/* An empty one, number set_count - 1. */
adze_status structured_add_set (const adze_host *host, structured *self, size_t count, size_t group);
/* To the last set; room for PER indices of each channel is left to be filled. */
adze_status structured_add_part (const adze_host *host, structured *self, size_t tensor, int32_t axis,
                                 bool ranked, size_t per);
/* How many channels go from the last set, by what is asked of the tensors that it is ranked by. */
adze_status structured_count_set (const adze_host *host, const adze_outline *outline, structured *self);
void structured_drop_set (structured *self);
/* Of which none would go. */
void structured_spare_set (structured *self);
#if defined __GNUC__
__attribute__ ((format (printf, 5, 6)))
#endif
adze_status structured_leave (const adze_host *host, structured *self, const char *tensor, bool expected,
                              const char *why, ...);
void structured_clear (const adze_host *host, structured *self);
/* The first part that SET is ranked by; NULL: there is none. */
const structured_part *structured_leader (const structured *self, const structured_set *set);
/* Sets those of the places along dimension AXIS of TENSOR that go in GONE, which is all false, and returns
 * how many stay. */
int64_t structured_mark (const structured *self, const structured_tensor *tensor, int32_t axis, bool *gone);
/* Flags for the places of its largest dimension. */
adze_status structured_flags (const adze_host *host, const structured_tensor *tensor, bool **gone);

static inline structured_tensor *
structured_tensor_at (const structured *self, size_t number)
{
  return (structured_tensor *)adze_entries_at (&self->tensors, number);
}

static inline structured_tensor *
structured_tensor_of (const structured *self, const char *name)
{
  return (structured_tensor *)adze_entries_find (&self->tensors, name);
}

/* ---- roles.c. */

enum { STRUCTURED_MAKES = 1, STRUCTURED_TAKES = 2 };

/* By value and dimension, ADZE_GRAPH_RANK of each. */
adze_status structured_roles (const adze_host *host, const adze_graph *graph, uint8_t **roles);

/* ---- network.c, alone.c. */

adze_status structured_find_in_network (const adze_host *host, const adze_outline *outline, structured *self,
                                        const adze_graph *graph);
adze_status structured_shrink_network (const adze_host *host, const structured *self, adze_graph *graph);
adze_status structured_find_alone (const adze_host *host, const adze_outline *outline, structured *self);

/* ---- Callbacks. */

adze_status structured_describe (const adze_host *host, void *instance, adze_outline *outline);
size_t structured_accumulator (const adze_host *host, void *instance);
adze_status structured_observe (const adze_host *host, void *instance, adze_call *call,
                                const adze_tensor *input, void *accumulator);
adze_status structured_merge (const adze_host *host, void *instance, void *left, const void *right);
adze_status structured_decide (const adze_host *host, void *instance, adze_call *call,
                               const void *accumulator, bool *again);
adze_status structured_report (const adze_host *host, const structured *self);

#endif
