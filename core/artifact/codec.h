/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/codec.h: a codec at work: its callbacks, a desk, and the parameters that somebody gave it. */
#ifndef ADZE_ARTIFACT_CODEC_H
#define ADZE_ARTIFACT_CODEC_H

#include <adze/draft/codec.h>

#include "base/value.h"
#include "plugin/runtime.h"

/* adze_codec_use of the SDK is this struct. */
typedef const void *adze_codec_services_fn (const char *id, bool bare);

/* PARAMS must outlive the use; NULL: all presets. SERVICES (may be NULL) knows what a codec may ask for beside what every plugin
 * has. Refuses components of another kind, and those of folders that are not trusted. */
ADZE_MUST_CHECK adze_error *adze_codec_open (adze_runtime *runtime, const char *id,
                                             const adze_params *params,
                                             adze_codec_services_fn *services,
                                             adze_codec_use **use);
void adze_codec_close (adze_codec_use *use);
static inline void
adze_codec_cleanup (adze_codec_use **use)
{
  adze_codec_close (*use);
}
#define ADZE_AUTO_CODEC __attribute__ ((cleanup (adze_codec_cleanup))) adze_codec_use *

const char *adze_codec_id (const adze_codec_use *use);
bool adze_codec_weighs (const adze_codec_use *use);
uint32_t adze_codec_revision (const adze_codec_use *use);
/* matrix.c: "gguf, safetensors": the formats but for EXCEPT (may be NULL) that hold what the codec of this id makes. */
ADZE_MUST_CHECK adze_error *adze_codec_holders (adze_runtime *runtime, const char *id, const char *except,
                                                adze_buffer *names);
bool adze_codec_has_graph (const adze_codec_use *use);

/* As in adze/draft/codec.h; what a codec answers is checked. */
ADZE_MUST_CHECK adze_error *adze_codec_describe (adze_codec_use *use, const adze_tensor_meta *meta,
                                                 const void *found, adze_coded *coded);
ADZE_MUST_CHECK adze_error *adze_codec_accumulator (adze_codec_use *use,
                                                    const adze_tensor_meta *meta, size_t *size);
ADZE_MUST_CHECK adze_error *adze_codec_observe (adze_codec_use *use, const adze_tensor_meta *meta,
                                                const float *values, uint64_t first,
                                                uint64_t count, void *accumulator);
ADZE_MUST_CHECK adze_error *adze_codec_merge (adze_codec_use *use, void *left, const void *right);
ADZE_MUST_CHECK adze_error *adze_codec_decide (adze_codec_use *use, const adze_tensor_meta *meta,
                                               void *found, adze_field *fields, uint32_t most,
                                               uint32_t *count);
ADZE_MUST_CHECK adze_error *adze_codec_encode (adze_codec_use *use, const adze_coding *coding);
ADZE_MUST_CHECK adze_error *adze_codec_decode (adze_codec_use *use, const adze_coding *coding);
ADZE_MUST_CHECK adze_error *adze_codec_graph (adze_codec_use *use, const adze_tensor_meta *meta,
                                              const adze_coded *coded, adze_graph *graph,
                                              const uint32_t *planes, uint32_t *value);

/* The trait of a tensor of META that USE has coded, as JSON. Valid until the next call. */
ADZE_MUST_CHECK adze_error *adze_codec_trait (adze_codec_use *use, const adze_tensor_meta *meta,
                                              const char **json);

#endif
