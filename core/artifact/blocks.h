/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/blocks.h: blocks of codecs in files that have none: rows of bytes, of which the trait
 * adze.coded/1 says what they are. */
#ifndef ADZE_ARTIFACT_BLOCKS_H
#define ADZE_ARTIFACT_BLOCKS_H

#include "artifact/model.h"
#include "plugin/runtime.h"

/* META, which has a codec, as bytes; SHAPE is where it has its shape. */
adze_tensor_meta adze_blocks_as_bytes (const adze_tensor_meta *meta, int64_t shape[ADZE_RANK_MAX]);

/* The traits of TENSOR as they lie beside its bytes: adze.coded/1 says how long blocks are as well, and of
 * a tensor that no stage here has coded codec and shape. To be freed. */
ADZE_MUST_CHECK adze_error *adze_blocks_traits (adze_runtime *runtime, const adze_model_tensor *tensor,
                                                adze_value **traits);

/* The other way, for all tensors of MODEL whose traits say so. Where bytes are no such blocks any more,
 * they stay bytes, with a warning. */
ADZE_MUST_CHECK adze_error *adze_blocks_restore (adze_runtime *runtime, adze_model *model);

#endif
