/* SPDX-License-Identifier: Apache-2.0 */
/* quantize.h: what the files of this plugin share.
 *   quantize.c          parameters and callbacks
 *   quantize_tensors.c  what is to become of each tensor
 *   quantize_network.c  the nodes that make numbers of codes again */
#ifndef ADZE_PLUGIN_QUANTIZE_H
#define ADZE_PLUGIN_QUANTIZE_H

#include <adze/sdk.h>

/* One tensor, by its name, from describe on. */
typedef struct quantize_tensor {
  char *name;
  adze_codec_use *use;
  adze_coded coded;
  void *found; /* all that was observed of it; NULL: nothing as yet, or nothing needs to be */
  size_t found_size;
} quantize_tensor;

typedef struct quantize {
  adze_entries tensors; /* of quantize_tensor */
  /* One use of a codec for each set of parameters. */
  struct quantize_codec {
    const adze_params *params;
    adze_codec_use *use;
  } *codecs;
  size_t codec_count;
  size_t accumulator; /* bytes, the most that any of them needs */
  adze_left_tally left, told;
} quantize;

/* In front of what a codec has summed up: which one it is, from 1 on. */
typedef struct quantize_head {
  uint64_t codec;
} quantize_head;

/* What its codec has found; NULL: nothing as yet, or nothing needs to be. */
static inline const void *
quantize_found (const quantize_tensor *tensor)
{
  return tensor->found ? (const quantize_head *)tensor->found + 1 : NULL;
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
/* As it was before describe. */
void quantize_clear (const adze_host *host, quantize *self);
quantize_tensor *quantize_find (const quantize *self, const char *name);
void quantize_end (const adze_host *host, quantize *self);

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
                              const adze_tensor_meta *metas);

#endif
