/* SPDX-License-Identifier: Apache-2.0 */
/* stage/outline.h: what a technique says in describe, kept and checked. What adze.outline/1 of the
 * SDK works on. */
#ifndef ADZE_STAGE_OUTLINE_H
#define ADZE_STAGE_OUTLINE_H

#include <adze/draft/technique.h>

#include "artifact/meta.h"
#include "stage/piece.h"

/* One tensor of a model input, as the technique is shown it. Borrowed from whoever fills it in. */
typedef struct adze_outline_tensor {
  const adze_tensor_meta *meta;
  const adze_value *traits; /* NULL: none */
  size_t variant;           /* which of the stage's parameter sets holds for it */
} adze_outline_tensor;

typedef struct adze_outline_port {
  const adze_outline_tensor *tensors;
  size_t count;
} adze_outline_port;

typedef struct adze_outline_group {
  adze_pick *inputs;
  size_t input_count;
  adze_tensor_meta **outputs; /* byte_size filled in */
  size_t output_count;
  bool same_bytes;
  bool at_most;
  char *note; /* NULL: none */
  uint32_t row_rank; /* 0: the technique's grain */
  bool observes_whole;
  uint64_t once; /* bits of outputs */
  uint64_t scratch;
} adze_outline_group;

typedef struct adze_outline_edit {
  char *key;
  size_t key_size;
  bool remove;
  adze_metadata holder; /* of one entry, the new value */
} adze_outline_edit;

typedef struct adze_outline_trait {
  char *tensor;
  char *id;
  adze_value *json; /* NULL: take it away */
} adze_outline_trait;

struct adze_outline {
  /* Given to describe. */
  const adze_outline_port *ports;
  size_t port_count;
  bool final;
  uint32_t effect; /* adze_effect: one that inspects gives no outputs */
  uint32_t grain;  /* adze_grain: below ADZE_GRAIN_TENSOR all of a group must be cut alike */
  const adze_metadata *metadata; /* of port 0's model; NULL: none */
  /* The network of port 0's model, for whoever asks; *GRAPH stays NULL where there is none. NULL: a stage in a
   * process of its own cannot have it, since networks do not cross. */
  adze_error *(*open_network) (void *context, adze_graph **graph);
  void *network_context;
  /* What it answered. */
  adze_outline_group *groups;
  size_t group_count;
  adze_outline_edit *edits;
  size_t edit_count;
  adze_outline_trait *traits;
  size_t trait_count;
  adze_value *codecs; /* ids of those that the technique chose itself; NULL: none */
  bool *taken; /* tensors that are in a group, all ports one after the other */
  bool failed; /* memory did not suffice for something that was said */
  adze_graph *network; /* as the technique has edited it; NULL: it has not asked for it */
  /* While a technique is asked: its parameters by variant, and the texts that it was lent. */
  const adze_params *const *params;
  size_t variants;
  adze_value *lent;
};

/* Frees the answer and leaves the rest. */
void adze_outline_clear (adze_outline *outline);

/* Adds a group (copied), or says what is wrong with it: a pick that is not there or taken, an
 * output that cannot be, an output of one that inspects, sizes that do not agree with the grain. */
ADZE_MUST_CHECK adze_error *adze_outline_add (adze_outline *outline, const adze_group *group);
/* A named value of the model that goes out; VALUE NULL removes it. Copied. */
ADZE_MUST_CHECK adze_error *adze_outline_metadata (adze_outline *outline, adze_text key,
                                                   const adze_meta *value);
/* A trait of the output TENSOR as JSON text; NULL takes it away. Copied. */
ADZE_MUST_CHECK adze_error *adze_outline_trait_text (adze_outline *outline, const char *tensor,
                                                     const char *id, const char *json);

/* When all is said: two tensors of one name, a trait of a tensor that is none of the outputs. */
ADZE_MUST_CHECK adze_error *adze_outline_check (const adze_outline *outline);

/* Is it small enough to be shown to a technique, wherever that runs? */
bool adze_outline_shows (const adze_meta *value);

/* NULL: there is no such tensor. */
const adze_outline_tensor *adze_outline_at (const adze_outline *outline, adze_pick pick);

/* A group for each tensor of port 0, like itself: what a technique without describe says. */
ADZE_MUST_CHECK adze_error *adze_outline_add_all (adze_outline *outline);

/* Do observe and apply see the group's tensors? */
static inline bool
adze_outline_seen (const adze_outline *outline, const adze_outline_group *group)
{
  return !group->same_bytes && (group->output_count > 0 || outline->effect == ADZE_INSPECTS);
}

/* How pieces of the group are cut. OBSERVED: for observe, else for apply. */
static inline adze_cut
adze_outline_cut (const adze_outline *outline, const adze_outline_group *group, bool observed)
{
  if (group->row_rank == 0)
    return (adze_cut){ outline->grain, 0 };
  return observed && group->observes_whole ? (adze_cut){ ADZE_GRAIN_TENSOR, 0 }
                                           : (adze_cut){ ADZE_GRAIN_ROW, group->row_rank };
}

/* Is an output one for all pieces? */
static inline bool
adze_outline_once (const adze_outline_group *group, size_t output)
{
  return output < 64 && (group->once >> output & 1) != 0;
}

/* As a tree and back, for the way to a worker and from it. */
void adze_outline_inputs_value (const adze_outline *outline, adze_value *into);
/* What adze_outline_inputs_value gave, as an outline to be answered. REQUEST must outlive it. */
typedef struct adze_outline_copy {
  adze_outline outline;
  adze_outline_port *ports;
  adze_outline_tensor *tensors;
  adze_tensor_meta **metas;
  size_t count;
  adze_metadata metadata;
} adze_outline_copy;
ADZE_MUST_CHECK adze_error *adze_outline_inputs_from (const adze_value *request,
                                                      adze_outline_copy *copy);
void adze_outline_copy_cleanup (adze_outline_copy *copy);
void adze_outline_answer_value (const adze_outline *outline, adze_value *into);
ADZE_MUST_CHECK adze_error *adze_outline_answer_from (adze_outline *outline,
                                                      const adze_value *answer);

#endif
