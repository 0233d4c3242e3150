/* SPDX-License-Identifier: Apache-2.0 */
/* nn.c: networks: convolution, pooling, normalisation, recurrence, resizing, regions. The kernels
 * are in files of their own. */
#include "nn.h"

#define REALS (REF_FLOATS | REF_HALVES)
#define BYTES (REF_SET (REF_I8) | REF_SET (REF_U8))

const ref_kernel ref_kernels_nn[] = {
  { "", "Conv", REALS, false, NULL, ref_conv_forward },
  { "", "ConvTranspose", REALS, false, NULL, ref_conv_transpose },
  { "", "MaxPool", REALS | BYTES, false, NULL, ref_max_pool },
  { "", "AveragePool", REALS, false, NULL, ref_average_pool },
  { "", "LpPool", REALS, false, NULL, ref_lp_pool },
  { "", "GlobalMaxPool", REALS, false, NULL, ref_global_max_pool },
  { "", "GlobalAveragePool", REALS, false, NULL, ref_global_average_pool },
  { "", "GlobalLpPool", REALS, false, NULL, ref_global_lp_pool },
  { "", "MaxUnpool", REALS, false, NULL, ref_max_unpool },
  { "", "MaxRoiPool", REALS, false, NULL, ref_max_roi_pool },
  { "", "RoiAlign", REALS, false, NULL, ref_roi_align },
  { "", "BatchNormalization", REALS, false, NULL, ref_batch_normalization },
  { "", "LayerNormalization", REALS, false, NULL, ref_layer_normalization },
  { "", "InstanceNormalization", REALS, false, NULL, ref_instance_normalization },
  { "", "LRN", REALS, false, NULL, ref_lrn },
  { "", "LpNormalization", REALS, false, NULL, ref_lp_normalization },
  { "", "MeanVarianceNormalization", REALS, false, NULL, ref_mean_variance_normalization },
  { "", "RNN", REALS, false, NULL, ref_rnn },
  { "", "LSTM", REALS, false, NULL, ref_lstm },
  { "", "GRU", REALS, false, NULL, ref_gru },
  { "", "Resize", 0, false, NULL, ref_resize },
  { "", "GridSample", REALS, false, NULL, ref_grid_sample },
  { "", "NonMaxSuppression", REF_SET (REF_F32), false, NULL, ref_non_max_suppression },
  { .op = NULL },
};
