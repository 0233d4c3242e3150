/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_image.c: types and shapes of resizing, sampling and regions of pictures. */
#include <math.h>
#include <string.h>

#include "graph/infer.h"

/* ---- Resize. */

/* An input of no elements stands for one that is left out. */
static bool
is_given (const adze_infer *infer, size_t index)
{
  const adze_infer_value *in = adze_infer_in (infer, index);
  return in && adze_infer_count (in) != 0;
}

static adze_error *
check_modes (const adze_infer *infer, bool *crop)
{
  int choice;
  ADZE_TRY (adze_infer_choice (infer, "mode", "nearest|linear|cubic", 0, &choice));
  ADZE_TRY (adze_infer_choice (infer, "nearest_mode",
                               "round_prefer_floor|round_prefer_ceil|floor|ceil", 0, &choice));
  ADZE_TRY (adze_infer_choice (infer, "coordinate_transformation_mode",
                               "tf_crop_and_resize|half_pixel|pytorch_half_pixel|align_corners|"
                               "asymmetric|tf_half_pixel_for_nn", 1, &choice));
  *crop = choice == 0;
  return NULL;
}

/* One dimension by its scale, and by the part of it that is looked at, where that matters. */
static adze_error *
scaled (const adze_infer *infer, int32_t d, bool crop, double scale, int64_t *into)
{
  const adze_infer_value *in = &infer->inputs[0];
  double start = 0, end = 1;
  bool known = in->shape[d] >= 0;
  if (crop)
    known = known && adze_infer_number (infer, 1, (size_t)d, &start)
            && adze_infer_number (infer, 1, (size_t)(in->rank + d), &end);
  if (!(scale > 0) || isinf (scale))
    return adze_infer_refuse (infer, "the scale of dimension %d is %g; it must be above 0", d,
                              scale);
  if (!known) {
    *into = scale == 1 && !crop ? in->shape[d] : adze_infer_fresh (infer);
    return NULL;
  }
  /* In single precision, as everybody does it: 0.6 of 5 is 3 there. */
  float size = floorf ((float)in->shape[d] * (float)(end - start) * (float)scale);
  if (!(size >= 0 && size < 0x1p53f))
    return adze_infer_refuse (infer, "dimension %d of %lld, scaled by %g, cannot be worked with", d,
                              (long long)in->shape[d], scale);
  *into = (int64_t)size;
  return NULL;
}

/* Scales or sizes, a number for each dimension. */
static adze_error *
check_resize (const adze_infer *infer, size_t index, int32_t rank)
{
  int64_t length;
  ADZE_TRY (adze_infer_length (infer, index, &length));
  if (length >= 0 && length != rank)
    return adze_infer_refuse (infer, "input %zu has %lld numbers for %d dimensions", index,
                              (long long)length, rank);
  return NULL;
}

static adze_error *
resize (adze_infer *infer)
{
  bool crop, scales = is_given (infer, 2), sizes = is_given (infer, 3), known = true;
  int64_t shape[ADZE_GRAPH_RANK];
  int32_t rank;
  double scale;
  ADZE_TRY (check_modes (infer, &crop));
  if (!scales && !sizes)
    return adze_infer_refuse (infer, "has neither scales (input 2) nor sizes (input 3)");
  if (scales && sizes && adze_infer_has_rank (infer, 2) && infer->inputs[2].shape[0] > 0)
    return adze_infer_refuse (infer, "has both scales (input 2) and sizes (input 3)");
  if (!adze_infer_has_rank (infer, 0))
    return NULL;
  const adze_infer_value *in = &infer->inputs[0];
  ADZE_TRY (check_resize (infer, sizes ? 3 : 2, in->rank));
  if (sizes)
    ADZE_TRY (adze_infer_shape_numbers (infer, 3, &rank, shape, &known));
  for (int32_t d = 0; !sizes && known && d < in->rank; d++) {
    known = adze_infer_number (infer, 2, (size_t)d, &scale);
    if (known)
      ADZE_TRY (scaled (infer, d, crop, scale, &shape[d]));
  }
  if (known)
    adze_infer_shape (infer, 0, in->rank, shape);
  else
    adze_infer_rank (infer, 0, in->rank);
  return NULL;
}

/* ---- Sampling and regions. */

static adze_error *
grid_sample (adze_infer *infer)
{
  int choice;
  int64_t same;
  ADZE_TRY (adze_infer_choice (infer, "mode", "bilinear|nearest|bicubic", 0, &choice));
  ADZE_TRY (adze_infer_choice (infer, "padding_mode", "zeros|border|reflection", 0, &choice));
  ADZE_TRY (adze_infer_need_rank (infer, 0, 4, 4));
  ADZE_TRY (adze_infer_need_shape (infer, 1, 4, (int64_t[]){ -1, -1, -1, 2 }));
  if (!adze_infer_has_rank (infer, 0) || !adze_infer_has_rank (infer, 1))
    return NULL;
  const int64_t *in = infer->inputs[0].shape, *grid = infer->inputs[1].shape;
  ADZE_TRY (adze_infer_same (infer, in[0], grid[0], "the number of batches", &same));
  adze_infer_shape (infer, 0, 4, (int64_t[]){ same, in[1], grid[1], grid[2] });
  return NULL;
}

static adze_error *
region_shape (adze_infer *infer, int64_t height, int64_t width)
{
  if (height < 1 || width < 1)
    return adze_infer_refuse (infer, "regions of %lld times %lld are asked for", (long long)height,
                              (long long)width);
  const adze_infer_value *in = &infer->inputs[0], *regions = &infer->inputs[1];
  int64_t count = regions->rank >= 0 ? regions->shape[0] : adze_infer_fresh (infer);
  int64_t channels = in->rank >= 0 ? in->shape[1] : adze_infer_fresh (infer);
  adze_infer_shape (infer, 0, 4, (int64_t[]){ count, channels, height, width });
  return NULL;
}

static adze_error *
roi_align (adze_infer *infer)
{
  int choice;
  ADZE_TRY (adze_infer_choice (infer, "mode", "avg|max", 0, &choice));
  ADZE_TRY (adze_infer_choice (infer, "coordinate_transformation_mode",
                               "half_pixel|output_half_pixel", 0, &choice));
  ADZE_TRY (adze_infer_need_rank (infer, 0, 4, 4));
  ADZE_TRY (adze_infer_need_shape (infer, 1, 2, (int64_t[]){ -1, 4 }));
  if (adze_infer_has_rank (infer, 1))
    ADZE_TRY (adze_infer_need_shape (infer, 2, 1, infer->inputs[1].shape));
  if (adze_node_int (infer->node, "sampling_ratio", 0) < 0)
    return adze_infer_refuse (infer, "attribute 'sampling_ratio' is negative");
  return region_shape (infer, adze_node_int (infer->node, "output_height", 1),
                       adze_node_int (infer->node, "output_width", 1));
}

static adze_error *
max_roi_pool (adze_infer *infer)
{
  int64_t pooled[2];
  ADZE_TRY (adze_infer_need_rank (infer, 0, 4, 4));
  ADZE_TRY (adze_infer_need_shape (infer, 1, 2, (int64_t[]){ -1, 5 }));
  ADZE_TRY (adze_infer_list (infer, "pooled_shape", 2, 1, 1, INT32_MAX, pooled));
  return region_shape (infer, pooled[0], pooled[1]);
}

/* ---- */

const adze_operator adze_operators_image[] = {
  { "", "Resize", 1, 4, 1, 1, "abcd", "a", { ADZE_T_ANY, ADZE_T_REAL, ADZE_T_FLOAT, ADZE_T_INT64 },
    "coordinate_transformation_mode:s cubic_coeff_a:f exclude_outside:i "
    "extrapolation_value:f mode:s nearest_mode:s", resize },
  { "", "GridSample", 2, 2, 1, 1, "a", "a", { ADZE_T_REAL },
    "align_corners:i mode:s padding_mode:s", grid_sample },
  { "", "RoiAlign", 3, 3, 1, 1, "aab", "a", { ADZE_T_REAL, ADZE_T_INT64 },
    "coordinate_transformation_mode:s mode:s output_height:i output_width:i "
    "sampling_ratio:i spatial_scale:f", roi_align },
  { "", "MaxRoiPool", 2, 2, 1, 1, "a", "a", { ADZE_T_REAL }, "pooled_shape:I! spatial_scale:f",
    max_roi_pool },
  { .name = NULL },
};
