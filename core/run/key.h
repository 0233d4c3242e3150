/* SPDX-License-Identifier: Apache-2.0 */
/* run/key.h: what a result depends on, part by part, so that two keys that differ can say where.
 *
 *   "stage" -> "clip"               "technique" -> "clip"
 *   "plugin" -> "clip 0.1.0"        "build" -> "blake2b:..."
 *   "param.percentile" -> "99.9"    "file.masks" -> the hash of what the file holds
 *   "input.model" -> its hash       "name.input.model" -> "model.safetensors"
 *   "rules", "seed", "backend", "order", "format.NAME"
 *
 * A part "name.PART" is what people call the thing that PART is about, and "name.from.PART" the
 * stage that gives it: they are for adze_key_explain, and no part of the hash. Where a key is about
 * several stages, the names of the parts of one begin with "STAGE/"; those of its rules, ports and
 * components go on with another such place: "STAGE/port data/file.path". Places have no points in
 * them.
 */
#ifndef ADZE_RUN_KEY_H
#define ADZE_RUN_KEY_H

#include "artifact/model.h"

typedef struct adze_key {
  adze_value *parts; /* table of strings, in order */
} adze_key;

void adze_key_cleanup (adze_key *key);
/* A part by its name; copied. For people and for the hash alike. A name is added once. */
ADZE_MUST_CHECK adze_error *adze_key_add (adze_key *key, const char *name, const char *value);
/* Over all names and values in order, each with its length. */
adze_hash128 adze_key_hash (const adze_key *key);
/* What differs between an OLD key's parts and these, a line each: "parameter percentile was 99, is
 * 99.9"; nothing when nothing does. AGAIN: a table whose keys are the stages that would be done
 * again before this one; NULL: none. */
void adze_key_explain (const adze_value *old, const adze_value *parts, const adze_value *again,
                       adze_buffer *into);

#endif
