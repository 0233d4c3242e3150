/* SPDX-License-Identifier: Apache-2.0 */
/* recommend.h: what the files of this plugin share.
 *   recommend.c  parameters, the run, what is told
 *   measure.c    what each candidate makes of each tensor: bytes and error
 *   choose.c     the cheapest mix within a limit
 *   recipe.c     the pipeline that does it */
#ifndef ADZE_PLUGIN_RECOMMEND_H
#define ADZE_PLUGIN_RECOMMEND_H

#include <adze/sdk.h>

#include "choose.h"

/* In the place of a candidate's number: the tensor stays as it is. */
#define RECOMMEND_AS_IS UINT32_MAX

typedef struct recommend_option {
  uint32_t candidate;
  uint64_t bytes;
  double noise; /* sum of squared errors */
} recommend_option;

typedef struct recommend_tensor {
  char *name;
  size_t index; /* in the model */
  uint64_t elements, bytes;
  double signal;  /* sum of squares */
  bool left_out;  /* by 'keep' */
  recommend_option *options;
  uint32_t option_count;
  uint32_t chosen; /* number of an option */
} recommend_tensor;

typedef struct recommend_run {
  const adze_host *host;
  const adze_params *params;
  const adze_run_service *run;
  const adze_codecs_service *codecs;
  adze_context *context;
  adze_artifact *model;
  adze_codec_use **candidates;
  uint32_t candidate_count;
  adze_entries tensors; /* of recommend_tensor: floats that a codec could have, those of 'keep' among them */
  uint64_t fixed_bytes, all_elements; /* of tensors that are none of these; of all */
} recommend_run;

static inline recommend_tensor *
recommend_tensor_at (const recommend_run *r, size_t number)
{
  return (recommend_tensor *)adze_entries_at (&r->tensors, number);
}

static inline const recommend_option *
recommend_chosen (const recommend_tensor *tensor)
{
  return &tensor->options[tensor->chosen];
}

/* Options of the tensor: as it is, and each candidate that can have it. */
adze_status recommend_measure (recommend_run *r, recommend_tensor *tensor);

/* The pipeline, to the port `recipe`. */
adze_status recommend_give_recipe (recommend_run *r, double bytes, double sqnr);

#endif
