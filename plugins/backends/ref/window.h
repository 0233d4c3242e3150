/* SPDX-License-Identifier: Apache-2.0 */
/* window.h: the window that convolution and pooling move over an image, in one to three dimensions.
 */
#ifndef ADZE_REF_WINDOW_H
#define ADZE_REF_WINDOW_H

#include "work.h"

/* Always three dimensions: those that an operator does not have are in front, of size 1. IN is what
 * the window moves over, OUT its positions: position O sees the elements O * stride - before +
 * K * dilation of IN, for K below kernel, those that there are. */
typedef struct ref_window {
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], before[3], after[3];
} ref_window;

/* From the attributes of the call's node. OVER and POSITIONS have batch and channels in front.
 * KERNEL: the sizes, or NULL for the attribute kernel_shape. */
adze_status ref_window_of (ref_call *call, const adze_view *over, const adze_view *positions,
                           const int64_t *kernel, ref_window *window);

/* Padding such that OVER is what ConvTranspose makes of POSITIONS. */
adze_status ref_window_transposed (ref_call *call, ref_window *window);

/* Are there as many positions as fit? */
adze_status ref_window_fits (ref_call *call, const ref_window *window);

static inline int64_t
ref_window_at (const ref_window *w, int d, int64_t position, int64_t k)
{
  return position * w->stride[d] - w->before[d] + k * w->dilation[d];
}

/* Positions FIRST to LAST - 1 of dimension D see, through place K of the kernel, elements that
 * there are. */
static inline void
ref_window_range (const ref_window *w, int d, int64_t k, int64_t *first, int64_t *last)
{
  int64_t shift = w->before[d] - k * w->dilation[d], stride = w->stride[d];
  int64_t low = shift > 0 ? (shift + stride - 1) / stride : 0;
  int64_t high = w->in[d] + shift > 0 ? (w->in[d] + shift - 1) / stride + 1 : 0;
  *first = ref_least (low, w->out[d]);
  *last = ref_most (*first, ref_least (high, w->out[d]));
}

static inline int64_t
ref_volume (const int64_t *sizes)
{
  return sizes[0] * sizes[1] * sizes[2];
}

#endif
