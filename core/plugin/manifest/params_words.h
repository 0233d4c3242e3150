/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/params_words.h: what a parameter may be, and what is wrong with the keys of a table,
 * in words. Texts are to be freed, and NULL without memory. */
#ifndef ADZE_PLUGIN_PARAMS_WORDS_H
#define ADZE_PLUGIN_PARAMS_WORDS_H

#include "plugin/manifest/params.h"

/* "an integer" */
const char *adze_param_type_words (uint32_t type);

/* Of one that has a range: "in [0, 1) s", "at least 1". */
char *adze_param_range_words (const adze_param *param);

/* "one of "a", "b"" */
char *adze_param_choice_words (const adze_param *param);

/* PARAM has no default and was not given. OWNER is what it could stand in, "a stage" or
 * "[data.train]"; NULL: nobody knows. */
adze_error *adze_param_missing (const adze_manifest_component *component, const adze_param *param,
                                const char *owner);

/* KEY is no parameter, and none of OWN either, which are the keys of OWNER itself (both may be
 * NULL). */
adze_error *adze_param_unknown (const adze_manifest_component *component, const char *key,
                                const char *owner, const char *const *own);

#endif
