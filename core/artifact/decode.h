/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/decode.h: elements of any plain type as doubles, to look at them. */
#ifndef ADZE_ARTIFACT_DECODE_H
#define ADZE_ARTIFACT_DECODE_H

#include "artifact/meta.h"

/* Are these plain numbers, one value each? Codecs and complex numbers are not. */
bool adze_decodes (const adze_tensor_meta *meta);

/* COUNT elements of a type that adze_decodes, the first of which begins at the begin of BYTES.
 * Exact, but for integers of 64 bits beyond 2^53, which are rounded. */
void adze_decode (adze_dtype dtype, const void *bytes, size_t count, double *values);

/* What adze_decode took from each of them, so that value and rest together are exact. False, and
 * zeros: the type has no numbers that are rounded. */
bool adze_decode_rests (adze_dtype dtype, const void *bytes, size_t count, double *rests);

#endif
