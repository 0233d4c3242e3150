/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/coded.h: numbers of a tensor that lies as codes, by its trait. */
#ifndef ADZE_ARTIFACT_CODED_H
#define ADZE_ARTIFACT_CODED_H

#include "artifact/codec.h"
#include "base/value.h"

/* One number of it. */
typedef struct adze_coded_number {
  bool known; /* false: it does not lie as its trait says, or only knowing all of it would do */
  const char *codec; /* the trait's */
  double number;
  bool has_code, has_scale; /* not of codes that share a byte, nor of scales that are not of rows */
  double code, scale;
} adze_coded_number;

/* What a tensor NAME with this TRAIT lies as; of no planes where nobody can tell: no such codec is installed, or it would
 * not have made that. */
ADZE_MUST_CHECK adze_error *adze_coded_planes (adze_runtime *runtime, const adze_value *trait, const char *name,
                                               adze_coded *coded);

/* A number of a tensor with this TRAIT, whose planes are COUNT tensors of METAS. At DATA lies some of each: whole rows,
 * ELEMENT being counted from the first of them, and all of what does not go by rows. */
ADZE_MUST_CHECK adze_error *adze_coded_look (adze_runtime *runtime, const adze_value *trait,
                                             const adze_tensor_meta *const *metas,
                                             const void *const *data, size_t count, uint64_t element,
                                             adze_coded_number *number);

#endif
