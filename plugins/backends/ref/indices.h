/* SPDX-License-Identifier: Apache-2.0 */
/* indices.h: numbers that say where something lies. They come from outside, and none is used before
 * it was looked at. */
#ifndef ADZE_REF_INDICES_H
#define ADZE_REF_INDICES_H

#include "ref.h"

/* The numbers of input INDEX (int32 or int64), each from -LIMIT to LIMIT - 1, made one from 0 on,
 * in memory of the call. With LIMITS of COLUMNS numbers each has the limit of its place modulo
 * COLUMNS. One that is out of range is refused, and named. */
adze_status ref_indices (ref_call *call, size_t index, const int64_t *limits, size_t columns,
                         const int64_t **indices);

/* Where the blocks lie that rows of K indices name, of DATA's dimensions from FIRST on: GatherND,
 * ScatterND. In elements, COUNT of them. */
adze_status ref_block_places (ref_call *call, size_t index, const adze_view *data, int32_t first,
                              const size_t **places, size_t *count, size_t *block);

/* Input 0 and input INDEX as the operators along an axis need them: the same number of dimensions,
 * and but for AXIS none larger than that of the data. */
adze_status ref_check_along (ref_call *call, size_t index, int32_t axis);

/* Where element NUMBER of INDICES lies in DATA, when its place along AXIS is ALONG instead. */
size_t ref_place_along (const adze_view *data, const adze_view *indices, int32_t axis,
                        size_t number, int64_t along);

#endif
