/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/look.h: what show.c and diff.c share. */
#ifndef ADZE_ARTIFACT_LOOK_H
#define ADZE_ARTIFACT_LOOK_H

#include "artifact/columns.h"
#include "artifact/format.h"
#include "base/match.h"

/* What a caller gave, who may have been compiled with an older header, over zeros. NAME is that of
 * the struct, which begins with its size. GIVEN may be NULL. */
ADZE_MUST_CHECK adze_error *adze_options_copy (const char *name, const void *given, void *own,
                                               size_t size);

/* The pattern of --match; *PATTERN is NULL when there is none. */
ADZE_MUST_CHECK adze_error *adze_look_pattern (const char *text, adze_pattern **pattern);
static inline void
adze_pattern_cleanup (adze_pattern **pattern)
{
  adze_pattern_close (*pattern);
}
#define ADZE_AUTO_PATTERN __attribute__ ((cleanup (adze_pattern_cleanup))) adze_pattern *

/* Opens PATH as OPTIONS say. */
ADZE_MUST_CHECK adze_error *adze_look_open (adze_runtime *runtime, const char *path,
                                            const adze_show_options *options, adze_model **model);

/* The value on one line, cut where it is long. */
void adze_look_value (const adze_meta *value, adze_buffer *into);
/* Appends all of the metadata to TABLE under KEY. */
ADZE_MUST_CHECK adze_error *adze_look_metadata_json (const adze_metadata *metadata,
                                                     adze_value *table, const char *key);
void adze_look_shape_json (const adze_tensor_meta *meta, adze_value *table, const char *key);
/* Ids of a tensor's traits: "adze.nm/1, adze.sparsity/1". */
void adze_look_traits (const adze_model_tensor *tensor, adze_buffer *into);

/* A number of a table: seven digits that count. */
#define ADZE_NUMBER_TEXT 32
const char *adze_look_number (double number, char text[ADZE_NUMBER_TEXT]);

/* ROOT as a document, ending in a newline. */
ADZE_MUST_CHECK adze_error *adze_look_document (const adze_value *root, char **text);

#endif
