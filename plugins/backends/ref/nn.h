/* SPDX-License-Identifier: Apache-2.0 */
/* nn.h: the kernels of the families nn and other; the tables are in nn.c and other.c. */
#ifndef ADZE_REF_NN_H
#define ADZE_REF_NN_H

#include "ref.h"

/* conv.c, conv_grad.c */
adze_status ref_conv_forward (ref_call *call);
adze_status ref_conv_transpose (ref_call *call);
adze_status ref_conv_grad_input (ref_call *call);
adze_status ref_conv_grad_weight (ref_call *call);

/* pool.c, pool_grad.c */
adze_status ref_max_pool (ref_call *call);
adze_status ref_average_pool (ref_call *call);
adze_status ref_lp_pool (ref_call *call);
adze_status ref_global_max_pool (ref_call *call);
adze_status ref_global_average_pool (ref_call *call);
adze_status ref_global_lp_pool (ref_call *call);
adze_status ref_max_pool_grad (ref_call *call);
adze_status ref_average_pool_grad (ref_call *call);
adze_status ref_max_unpool (ref_call *call);

/* norm.c */
adze_status ref_batch_normalization (ref_call *call);
adze_status ref_instance_normalization (ref_call *call);
adze_status ref_lrn (ref_call *call);
adze_status ref_lp_normalization (ref_call *call);
adze_status ref_mean_variance_normalization (ref_call *call);

/* layer.c */
adze_status ref_layer_normalization (ref_call *call);
adze_status ref_layer_normalization_grad (ref_call *call);

/* drop.c */
adze_status ref_drop (ref_call *call);

/* rnn.c */
adze_status ref_rnn (ref_call *call);
adze_status ref_lstm (ref_call *call);
adze_status ref_gru (ref_call *call);

/* resize.c, sample.c */
adze_status ref_resize (ref_call *call);
adze_status ref_grid_sample (ref_call *call);
/* Of the four neighbours of a place that is RATIO behind the second one. */
void ref_cubic_weights (double a, double ratio, double *weight);

/* detect.c, roi.c */
adze_status ref_non_max_suppression (ref_call *call);
adze_status ref_max_roi_pool (ref_call *call);
adze_status ref_roi_align (ref_call *call);

/* loss.c */
adze_status ref_negative_log_likelihood_loss (ref_call *call);
adze_status ref_softmax_cross_entropy_loss (ref_call *call);

/* signal.c */
adze_status ref_dft (ref_call *call);
adze_status ref_stft (ref_call *call);
adze_status ref_hann_window (ref_call *call);
adze_status ref_hamming_window (ref_call *call);
adze_status ref_blackman_window (ref_call *call);
adze_status ref_mel_weight_matrix (ref_call *call);

/* optimiser.c */
adze_status ref_adagrad (ref_call *call);
adze_status ref_adam (ref_call *call);
adze_status ref_momentum (ref_call *call);

#endif
