/* SPDX-License-Identifier: Apache-2.0 */
/* conv.h: the two sums that convolutions, their transposes and their gradients are made of. */
#ifndef ADZE_REF_CONV_H
#define ADZE_REF_CONV_H

#include "window.h"

/* Images that the window moves over have OUTER channels, its positions INNER ones; both are cut in
 * GROUPS. Weights are [INNER, OUTER / GROUPS, kernel]. */
typedef struct ref_conv {
  ref_window window;
  int64_t batch, inner, outer, groups;
  const double *weights;
  const double *from;
  const double *bias; /* for each channel of TO; may be NULL */
  double *to;
} ref_conv;

/* What images, positions and weights say of each other, checked, into CONV; numbers stay NULL. */
adze_status ref_conv_of (ref_call *call, const adze_view *images, const adze_view *positions,
                         const adze_view *weights, ref_conv *conv);

/* These end the work. FROM: images, TO: positions. Each is a sum over channels and kernel, in this
 * order, and then the bias. */
adze_status ref_conv_gather (ref_work *work, ref_conv *conv);
/* FROM: positions, TO: images: what a position sees in gather gets its number here. */
adze_status ref_conv_scatter (ref_work *work, ref_conv *conv);

#endif
