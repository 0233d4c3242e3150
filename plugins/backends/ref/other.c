/* SPDX-License-Identifier: Apache-2.0 */
/* other.c: losses, signals, optimisers, and our own operators. The kernels are in files of their
 * own. */
#include "nn.h"

#define REALS (REF_FLOATS | REF_HALVES)
#define TRAINING "ai.onnx.preview.training"

const ref_kernel ref_kernels_other[] = {
  { "", "NegativeLogLikelihoodLoss", REALS, false, NULL, ref_negative_log_likelihood_loss },
  { "", "SoftmaxCrossEntropyLoss", REALS, false, NULL, ref_softmax_cross_entropy_loss },
  { "", "DFT", REALS, false, NULL, ref_dft },
  { "", "STFT", REALS, false, NULL, ref_stft },
  { "", "HannWindow", 0, false, NULL, ref_hann_window },
  { "", "HammingWindow", 0, false, NULL, ref_hamming_window },
  { "", "BlackmanWindow", 0, false, NULL, ref_blackman_window },
  { "", "MelWeightMatrix", 0, false, NULL, ref_mel_weight_matrix },
  { TRAINING, "Adagrad", REALS, false, NULL, ref_adagrad },
  { TRAINING, "Adam", REALS, false, NULL, ref_adam },
  { TRAINING, "Momentum", REALS, false, NULL, ref_momentum },
  { "adze", "ConvGradInput", REALS, false, NULL, ref_conv_grad_input },
  { "adze", "ConvGradWeight", REALS, false, NULL, ref_conv_grad_weight },
  { "adze", "MaxPoolGrad", REALS, false, NULL, ref_max_pool_grad },
  { "adze", "AveragePoolGrad", REALS, false, NULL, ref_average_pool_grad },
  { "adze", "LayerNormalizationGrad", REALS, false, NULL, ref_layer_normalization_grad },
  { "adze", "Drop", REALS, false, NULL, ref_drop },
  { .op = NULL },
};
