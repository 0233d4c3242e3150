/* SPDX-License-Identifier: Apache-2.0 */
/* What flows into a layer, summed up as products of its places with each other: enough to tell what any change of the
 * layer's weights does to what it gives, in a room that does not grow with the examples.
 *
 * A change D of a channel's weights changes what the channel gives by X D, and the sum of squares of that is D' (X'X) D. */
#ifndef QUANTIZE_STATIC_GRAM_H
#define QUANTIZE_STATIC_GRAM_H

#include "static.h"

/* How windows lie: of a dense layer all of it is 1. The third dimension is the last one. */
typedef struct gram_window {
  int64_t kernel[3], stride[3], before[3], behind[3], dilation[3];
  int32_t pad; /* 0: as given; 1: the same size, the odd one behind; 2: in front; 3: none */
} gram_window;

typedef struct gram {
  const static_layer *layer;
  gram_window window;
  double *sums; /* [groups][fan][fan]; what lies below the diagonal is filled in by gram_finish */
  float *rows;  /* a block of them */
  uint64_t count; /* rows that were summed up, of each group */
} gram;

/* How many bytes the sums of a layer take. */
size_t gram_bytes (const static_layer *layer);
adze_status gram_open (const static_run *s, const static_layer *layer, gram *g);
adze_status gram_add (const static_run *s, gram *g, const adze_view *input);
void gram_finish (gram *g);
void gram_close (const static_run *s, gram *g);
/* Of a channel: its row of the sums begins here. */
const double *gram_of (const gram *g, size_t channel);
/* D' (X'X) D of the difference of CODES from the weights, over all channels; codes NULL: of the weights themselves. */
adze_status gram_error (const static_run *s, const gram *g, const int8_t *codes, double *error);

/* rounding.c: CODES, the nearest ones, become those with which the layer gives what is nearest to what it gave. */
adze_status static_round_layer (const static_run *s, const gram *g, int8_t *codes);
/* gptq.c: the codes, and whether they stayed the nearest ones since the sums have no inverse. */
adze_status static_gptq_layer (static_run *s, const gram *g, static_layer *layer);

#endif
