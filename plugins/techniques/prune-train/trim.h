/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of prune-train share.
 *
 *   prune-train.c  parameters, life, run
 *   tensors.c      which weights take part, and how many of each may go
 *   cuts.c         when there is a cut, how deep it is, and going on behind one
 *   scores.c       what a weight is worth, by its size and by how it has moved
 *   gradients.c    the same by what the loss says of it
 *   norms.c        the same by what it is multiplied by
 *   activations.c  the same of channels, by what they say
 *   choose.c       which ones go: exactly as many as are to
 *   channels.c     the same of channels, which are taken out in the end
 *   masks.c        those that stay, as numbers that the network is multiplied by
 *   report.c       what is told of it
 *
 * It is one lesson (adze/draft/lesson.h). The network that learns multiplies each weight by a number that comes in
 * from outside as data does: 1 for what stays, 0 for what went. A cut, which comes behind a step, changes these
 * numbers and nothing else, so that the optimiser goes on with all that it knows. What went stays away. */
#ifndef TRIM_H
#define TRIM_H

#include <adze/sdk.h>
#include <adze/draft/lesson.h>

/* Numbers are looked at so many at a time. */
enum { TRIM_BLOCK = 256 };

typedef enum trim_criterion {
  TRIM_MAGNITUDE,
  TRIM_MOVEMENT,
  TRIM_SNIP,
  TRIM_TAYLOR,
  TRIM_WANDA,
  TRIM_APOZ,
  TRIM_MEAN
} trim_criterion;

typedef enum trim_growth {
  TRIM_CUBIC,
  TRIM_LINEAR,
  TRIM_ONCE
} trim_growth;

/* A weight of the network that takes part. */
typedef struct trim_tensor {
  char *name;
  adze_dtype dtype;
  int32_t rank;
  int64_t shape[ADZE_GRAPH_RANK];
  uint64_t count;
  uint64_t row;   /* elements of all behind its first dimension; of a vector all */
  uint64_t most;  /* so many may go */
  uint64_t gone;
  uint8_t *kept;  /* 1: it stays; one an element */
  void *factors;  /* the same, as the network multiplies by it */
  float *scores;  /* of the cut at work; what is worth least goes first */
  adze_view view; /* of the factors */
} trim_tensor;

/* Where a channel has elements: all that have this number in a dimension of a tensor. */
typedef struct trim_place {
  uint32_t tensor;
  int32_t axis;
  int64_t index;
} trim_place;

typedef struct trim_channel {
  size_t first, count; /* of its places */
  size_t group;
  size_t number;       /* in its group */
  double score;
  bool gone;
} trim_channel;

typedef struct trim_group {
  size_t found;        /* its number in adze.graph/1 */
  uint64_t count;
  uint64_t most;       /* so many may go */
  uint64_t goal;       /* and so many at most in the cut at work */
  uint64_t gone;
} trim_group;

/* A channel, while channels are compared. */
typedef struct trim_order {
  double score;  /* of its bundle: of those of its group that go with it or not at all */
  size_t group;
  size_t number;
  size_t bundle; /* how many these are, itself among them */
} trim_order;

typedef struct trim {
  adze_lesson lesson;
  bool by_channels;       /* it is prune-train-channels */
  adze_artifact *earlier; /* weights that training begins with again; NULL: those of the model */

  /* ---- Parameters. */
  trim_criterion criterion;
  trim_growth growth;
  double sparsity;
  double begin, end;  /* of the cuts, as parts of the training */
  double min_kept;
  uint64_t cuts;
  uint64_t batches;   /* that scores are made of */
  uint64_t multiple;  /* what stays of a group is one of it */
  uint32_t n, m;      /* m 0: each weight by itself */
  bool global;

  trim_tensor *tensors;
  size_t count;
  uint64_t weights;   /* of all of them */
  adze_bytes channels; /* of trim_channel, group by group */
  adze_bytes groups;   /* of trim_group */
  adze_bytes places;   /* of trim_place */
  uint64_t done;      /* cuts */
  uint64_t before;    /* that were gone before the first one: 'keep-zeros' */
  uint32_t place;     /* where the masks were kept last */
  adze_graph *now;    /* the model's network, for the weights as they are; NULL: not needed yet */
  adze_graph *first;  /* with the weights that training began with */
} trim;

/* ---- tensors.c */

/* Those of the graph that learns. */
adze_status trim_find_tensors (trim *t);
/* Do parameters say of a weight that it stays whole? */
bool trim_is_left (const trim *t, const char *name);
/* The tensor of a weight, which is added if it is not there. */
adze_status trim_tensor_of (trim *t, const adze_graph_value *value, uint32_t *index);
void trim_drop_tensors (trim *t);

/* ---- masks.c */

adze_status trim_add_masks (trim *t, adze_graph *graph);
void trim_set_factors (trim_tensor *tensor);
/* Zeros in the weights of GRAPH where there are any in the masks. */
adze_status trim_apply_masks (const trim *t, adze_graph *graph);
/* Zeros that 'keep-zeros' has found count as gone. */
void trim_take_zeros (trim *t);
adze_status trim_save_masks (trim *t);
/* Those of cut number DUE, or of the last one in front of it; 0 cuts are done where there are none. */
adze_status trim_load_masks (trim *t, uint64_t due);

/* ---- cuts.c */

uint64_t trim_cut_step (const trim *t, uint64_t number);
/* The share of all that are to go which has gone behind cut NUMBER. */
double trim_cut_depth (const trim *t, uint64_t number);
/* What is due behind STEP steps. */
adze_status trim_cut_at (trim *t, uint64_t step);
/* Behind the checkpoint that the lesson goes on from, if there is one. */
adze_status trim_resume (trim *t);

/* ---- scores.c, gradients.c, norms.c, activations.c */

/* Of all elements of all tensors, behind STEP steps. */
adze_status trim_score (trim *t, uint64_t step);
/* The model's network as it computes now, masks and all, with its loss. */
adze_status trim_open_network (trim *t, uint64_t step, adze_graph **graph, uint32_t *loss);
adze_status trim_score_gradients (trim *t, uint64_t step);
adze_status trim_score_norms (trim *t, uint64_t step);
/* Of channels, and not of elements. */
adze_status trim_score_activity (trim *t, uint64_t step);
/* How many batches there are to look at: a shorter one is none. */
uint64_t trim_whole_batches (const trim *t);
adze_status trim_no_room (const trim *t, const trim_tensor *tensor);
/* Numbers of a weight of GRAPH. NULL, and said: it has none such. */
const void *trim_numbers (const trim *t, const adze_graph *graph, const trim_tensor *tensor);

/* ---- choose.c */

/* By the scores: DEPTH, from 0 to 1, of all that are to go. */
adze_status trim_choose (trim *t, double depth);

/* ---- channels.c */

adze_status trim_find_channels (trim *t);
void trim_score_channels (trim *t);
/* As trim_choose, of those: SHARE are to be gone. */
adze_status trim_choose_channels (trim *t, double share);
/* Masks say which are gone. */
void trim_recall_channels (trim *t);
adze_status trim_remove_channels (trim *t, adze_graph *graph);

static inline size_t
trim_channel_count (const trim *t)
{
  return t->channels.size / sizeof (trim_channel);
}

static inline trim_channel *
trim_channel_at (const trim *t, size_t index)
{
  return (trim_channel *)(void *)t->channels.data + index;
}

static inline size_t
trim_group_count (const trim *t)
{
  return t->groups.size / sizeof (trim_group);
}

static inline trim_group *
trim_group_at (const trim *t, size_t index)
{
  return (trim_group *)(void *)t->groups.data + index;
}

static inline uint64_t
trim_channels_gone (const trim *t)
{
  uint64_t gone = 0;
  for (size_t g = 0; g < trim_group_count (t); g++)
    gone += trim_group_at (t, g)->gone;
  return gone;
}

/* ---- report.c */

void trim_report (void *argument, const adze_lesson *lesson, adze_report *report);
adze_status trim_tell_cut (const trim *t, uint64_t step);
adze_status trim_tell_end (const trim *t);
/* Of channels where these go, of weights where they do: those that took part, and those that are gone. */
uint64_t trim_count_all (const trim *t);
uint64_t trim_count_gone (const trim *t);
double trim_reached (const trim *t);

#endif
