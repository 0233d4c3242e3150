/* SPDX-License-Identifier: Apache-2.0 */
/* run/key.h: what a result depends on, part by part, so that two keys that differ can say where.
 *
 *   "stage" -> "clip"               "technique" -> "clip"
 *   "plugin" -> "clip 0.1.0"        "build" -> "blake2b:..."
 *   "library" -> "libm.so.6"        "library.content" -> the hash of that file
 *   "param.percentile" -> "99.9"    "file.masks" -> the hash of what the file holds
 *   "reader.model" -> "gguf 0.1.0"  "reader-build.model" -> "blake2b:..."
 *   "input.model" -> its hash       "name.input.model" -> "model.safetensors"
 *   "seed", "backend", "the output/format"
 *
 * A part "name.PART" is what people call the thing that PART is about, and "name.from.PART" the
 * stage that gives it: they are for adze_key_explain, and no part of the hash. Where a key is about
 * several stages, the names of the parts of one begin with "STAGE/"; those of its rules, ports and
 * components go on with another such place: "STAGE/port data/file.path". Places have no points in
 * them. ADZE_KEY_OUTPUT, which is no name of a stage, is the place of the file that the last of them
 * writes.
 */
#ifndef ADZE_RUN_KEY_H
#define ADZE_RUN_KEY_H

#include "artifact/model.h"

#define ADZE_KEY_OUTPUT "the output"
#define ADZE_KEY_LIBRARY_CONTENT "library.content"
/* The plugin that read an input; the port's name behind each. */
#define ADZE_KEY_READER "reader."
#define ADZE_KEY_READER_BUILD "reader-build."

typedef struct adze_key {
  adze_value *parts; /* table of strings, in order */
} adze_key;

void adze_key_cleanup (adze_key *key);
/* A part by its name; copied. For people and for the hash alike. A name is added once. */
ADZE_MUST_CHECK adze_error *adze_key_add (adze_key *key, const char *name, const char *value);
/* Over all names and values in order, each with its length. */
adze_hash128 adze_key_hash (const adze_key *key);
/* The value of part PLACE/PART, or of PART where PLACE is NULL; NULL: there is none. */
const char *adze_key_text (const adze_value *parts, const char *place, const char *part);
/* What differs at PLACE, and below it, between an OLD key's parts and these, a line each: "stage
 * clip: parameter percentile was 99, is 99.9"; nothing when nothing does. PLACE NULL: in what is of no
 * place. Left out are inputs that a stage gives now, or gave. */
void adze_key_explain (const adze_value *old, const adze_value *parts, const char *place,
                       adze_buffer *into);

#endif
