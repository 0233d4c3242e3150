/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/manifest/names.h: words: which are allowed, and which stand for the SDK's numbers. */
#ifndef ADZE_PLUGIN_MANIFEST_NAMES_H
#define ADZE_PLUGIN_MANIFEST_NAMES_H

#include "base/error.h"

/* Is NAME one that a plugin, component or parameter may have? Lower case letters, digits and
 * hyphens, beginning with a letter, at most 64. */
bool adze_name_valid (const char *name);
/* The same of a component of KIND: codecs may have underscores, since others have named them ("q4_k"). */
bool adze_id_valid (const char *kind, const char *id);

/* What keeps TEXT out of a manifest: "is not UTF-8", "has a control character in it" ...; NULL:
 * nothing. */
#define ADZE_TEXT_MAX 4096
const char *adze_text_fault (const char *text, size_t size);

/* "float", "list of int" ...: static text; "list" for one with ITEM 0. NULL for a number that is no
 * type. And back; *ITEM is 0 for what has no items; false for words that are no type. */
const char *adze_param_type_name (uint32_t type, uint32_t item);
bool adze_param_type_parse (const char *name, uint32_t *type, uint32_t *item);
/* NULL: no such number. */
const char *adze_threading_name (uint32_t threading);
const char *adze_effect_name (uint32_t effect);
const char *adze_direction_name (uint32_t direction);

/* Is WORD one of "a|b"? */
bool adze_choices_have (const char *choices, const char *word, size_t size);

/* "a|b" in parts; to be freed with adze_names_free. */
ADZE_MUST_CHECK adze_error *adze_choices_split (const char *choices, char ***words,
                                                size_t *count);

#endif
