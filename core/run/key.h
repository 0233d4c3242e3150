/* SPDX-License-Identifier: Apache-2.0 */
/* run/key.h: what a result depends on, part by part, so that two keys that differ can say where.
 *
 *   parts: "plugin" -> "clip 0.1.0 blake2b:...", "param.percentile" -> "99.9", "input" -> hash ...
 */
#ifndef ADZE_RUN_KEY_H
#define ADZE_RUN_KEY_H

#include "artifact/model.h"

typedef struct adze_key {
  adze_value *parts; /* table of strings, in order */
} adze_key;

void adze_key_cleanup (adze_key *key);
/* A part by its name; copied. For people and for the hash alike. */
ADZE_MUST_CHECK adze_error *adze_key_add (adze_key *key, const char *name, const char *value);
adze_hash128 adze_key_hash (const adze_key *key);
/* What differs between an OLD key's parts and these, a line each: "param.percentile was 99, is
 * 99.9"; nothing when nothing does. */
void adze_key_explain (const adze_value *old, const adze_value *parts, adze_buffer *into);

#endif
