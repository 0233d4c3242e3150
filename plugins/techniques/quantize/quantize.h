/* SPDX-License-Identifier: Apache-2.0 */
/* quantize.h: what the files of this plugin share.
 *   quantize.c          parameters and callbacks
 *   quantize_tensors.c  what is to become of each tensor
 *   quantize_mixture.c  codecs that a mixture chooses
 *   mixtures.c          which these are
 *   quantize_importance.c  how much each column counts
 *   imatrix*.c          files that say so
 *   quantize_numbers.c  elements as finite float32
 *   quantize_network.c  the nodes that make numbers of codes again
 *   quantize_dynamic.c  products of codes instead
 *   quantize_bias.c     codes whose errors add up to nothing */
#ifndef ADZE_PLUGIN_QUANTIZE_H
#define ADZE_PLUGIN_QUANTIZE_H

#include <adze/sdk.h>

#include "imatrix.h"
#include "mixtures.h"

/* What is to be done about elements that are no numbers; else they are an error. */
typedef struct quantize_mends {
  bool nan, infinity; /* they are replaced: by zero */
  bool greatest;      /* infinities by the greatest magnitude that the tensor has otherwise */
} quantize_mends;

static inline bool
quantize_mends_any (const quantize_mends *mends)
{
  return mends->nan || mends->infinity;
}

/* What was replaced, and what the greatest of the others is. */
typedef struct quantize_odd {
  uint64_t nans, infinities;
  float greatest, reserved;
} quantize_odd;

/* One tensor, by its name, from describe on. */
typedef struct quantize_tensor {
  char *name;
  adze_codec_use *use;
  quantize_mends mends;
  adze_coded coded;
  bool unbiased; /* errors of a channel are to add up to nothing */
  bool across;   /* and channels are places in the last dimension, not rows */
  void *found; /* all that was observed of it; NULL: nothing as yet, or nothing needs to be */
  size_t found_size;
  bool mixed; /* its codec is one of a mixture */
  const float *importance; /* of each column of each matrix; NULL: none, or nobody heeds it */
  uint64_t matrix_rows;
} quantize_tensor;

typedef struct quantize {
  adze_entries tensors; /* of quantize_tensor */
  const char *mixture; /* NULL: none */
  adze_entries choices; /* of mixture_choice */
  imatrix imatrix;
  char imatrix_name[IMATRIX_TEXT];
  char unweighed[512]; /* names of tensors that it has nothing of, as many as there is room for */
  size_t unweighed_count, unweighed_told;
  /* One use of a codec for each set of parameters, and for each id that a mixture has chosen. */
  struct quantize_codec {
    const adze_params *params;
    const char *id;
    adze_codec_use *use;
  } *codecs;
  size_t codec_count;
  size_t accumulator; /* bytes, the most that any of them needs */
  adze_left_tally left, told;
  bool mends; /* of some tensor, what is no number is replaced */
  /* Codecs that look at all of a tensor must see what it will have in the place of its infinities. So where that is
   * its greatest magnitude, all is looked at once for that alone. */
  bool looks_twice, has_looked;
  /* Of those that were decided on: */
  quantize_odd odd;
  uint64_t odd_tensors;
  const char *first_odd;
} quantize;

/* In front of what a codec has summed up: which one it is, from 1 on, and how much it has summed up. */
typedef struct quantize_head {
  uint64_t codec;
  uint64_t size;
  quantize_odd odd;
} quantize_head;

/* What its codec has found; NULL: nothing as yet, or nothing needs to be. */
static inline const void *
quantize_found (const quantize_tensor *tensor)
{
  return tensor->found && tensor->found_size > sizeof (quantize_head)
             ? (const quantize_head *)tensor->found + 1
             : NULL;
}

static inline uint64_t
quantize_number (const quantize *self, const adze_codec_use *use)
{
  uint64_t number = 0;
  while (self->codecs[number].use != use)
    number++;
  return number + 1;
}

adze_status quantize_codec_for (const adze_host *host, quantize *self, const adze_params *params,
                                adze_codec_use **use);
adze_status quantize_codec_by_id (const adze_host *host, quantize *self, const char *id,
                                  adze_codec_use **use);
/* Is it said how tensors are written, in one way? */
adze_status quantize_mixture_open (const adze_host *host, quantize *self, const adze_params *params);
/* Chooses for all tensors, and says in the metadata what the file is. */
adze_status quantize_mixture_describe (const adze_host *host, quantize *self, adze_outline *outline);
/* The codec of one; *USE stays NULL where it is left as it is. */
adze_status quantize_mixture_codec (const adze_host *host, quantize *self, const adze_tensor_meta *meta,
                                    adze_codec_use **use);
/* Is a tensor written without importance that the mixture refuses so? */
adze_status quantize_mixture_check (const adze_host *host, const quantize *self, const quantize_tensor *tensor);

adze_status quantize_importance_open (const adze_host *host, quantize *self, const adze_params *params);
/* What there is for TENSOR of META, whose codec is known. */
adze_status quantize_importance_of (const adze_host *host, quantize *self, const adze_tensor_meta *meta,
                                    quantize_tensor *tensor);
/* All tensors were asked for: is it a file of this model, and what does it lack? */
adze_status quantize_importance_end (const adze_host *host, quantize *self);

static inline const float *
quantize_importance_at (const quantize_tensor *tensor, uint64_t row, uint64_t columns)
{
  return tensor->importance ? tensor->importance + row / tensor->matrix_rows * columns : NULL;
}

/* As it was before describe. */
void quantize_clear (const adze_host *host, quantize *self);
quantize_tensor *quantize_find (const quantize *self, const char *name);
void quantize_end (const adze_host *host, quantize *self);

/* ---- quantize_numbers.c */

quantize_mends quantize_mends_of (const adze_host *host, const adze_params *values);

typedef struct quantize_floats_room {
  const float *values;
  float *made; /* to be released; NULL: the values are the tensor's own */
} quantize_floats_room;

/* Elements of INPUT, which begin with number FIRST of the tensor; ODD counts what is replaced. */
adze_status quantize_floats (const adze_host *host, const quantize_tensor *tensor, const adze_tensor *input,
                             uint64_t first, quantize_floats_room *room, quantize_odd *odd);
adze_status quantize_tell (const adze_host *host, quantize *self, quantize_tensor *tensor,
                           const adze_tensor_meta *meta);
adze_status quantize_tell_odd (const adze_host *host, const quantize *self);

/* The tensor's planes as metas of the model; NAMES has room for all of them. */
enum { QUANTIZE_NAME = 1024 };
adze_status quantize_metas (const adze_host *host, const adze_codec_use *use,
                            const adze_tensor_meta *meta, const adze_coded *coded, char (*names)[QUANTIZE_NAME],
                            adze_tensor_meta *metas);
/* Networks have plain numbers alone: blocks are bytes there. */
adze_status quantize_has_network (const adze_host *host, adze_outline *outline, bool *network);
/* The network, with the tensor's weight as codes. */
adze_status quantize_network (const adze_host *host, adze_outline *outline, adze_codec_use *use,
                              const adze_tensor_meta *meta, const adze_coded *coded,
                              const adze_tensor_meta *metas, bool dynamic);

/* Does the network sum over the tensor's rows, so that each place in its last dimension is a channel? */
bool quantize_sums_rows (const adze_host *host, adze_outline *outline, const adze_tensor_meta *meta);

/* ---- quantize_bias.c: as encode of the codec does it; but for zeros, numbers may get the code beside the nearest
 * one. */
adze_status quantize_encode_unbiased (const adze_host *host, const quantize_tensor *tensor,
                                      const adze_coding *coding);

/* A network that is being edited. */
typedef struct quantize_edit {
  const adze_host *host;
  const adze_graph_service *graphs;
  adze_graph *graph;
  const adze_tensor_meta *meta;
  uint32_t weight;
} quantize_edit;

adze_status quantize_dynamic (const quantize_edit *edit, uint32_t first, uint32_t numbers);

#endif
