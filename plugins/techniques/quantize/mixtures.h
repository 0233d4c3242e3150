/* SPDX-License-Identifier: Apache-2.0 */
/* mixtures.h: the mixtures of llama-quantize: which codec each tensor of a language model gets, by its name, its
 * layer and the model's metadata. */
#ifndef ADZE_QUANTIZE_MIXTURES_H
#define ADZE_QUANTIZE_MIXTURES_H

#include <adze/sdk.h>

/* For the table of parameters. */
#define MIXTURE_CHOICES \
  "q2_k|q2_k_s|q3_k_s|q3_k_m|q3_k_l|q4_0|q4_1|q4_k_s|q4_k_m|q5_0|q5_1|q5_k_s|q5_k_m|q6_k|q8_0|iq4_nl|iq4_xs" \
  "|tq1_0|tq2_0|mxfp4|f16|bf16"

/* What is chosen for one tensor. */
typedef struct mixture_choice {
  char *name;
  const char *codec;  /* an id; NULL: it stays as it is */
  const char *wanted; /* another id: what the mixture has for it, where its rows do not fit; NULL: they do */
  bool weighed;       /* it is refused without importance */
} mixture_choice;

/* Fills CHOICES, an empty table, for the tensors of OUTLINE that have no codec of their own by a rule, and opens
 * nothing. IMPORTANCE: there will be some. */
adze_status mixture_choose (const adze_host *host, const adze_outline *outline, const char *mixture, bool importance,
                            adze_entries *choices);

/* What llama.cpp calls files of this mixture: general.file_type. */
uint32_t mixture_file_type (const char *mixture);

#endif
