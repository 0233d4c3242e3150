/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/name_index.h: from names to numbers, for the names of a file that somebody else wrote.
 *
 * The hash has a seed that nobody can guess, so that no file can be made whose names all fall into
 * one place. What is found never depends on it.
 */
#ifndef ADZE_ARTIFACT_NAME_INDEX_H
#define ADZE_ARTIFACT_NAME_INDEX_H

#include "base/error.h"

typedef struct adze_name_index {
  struct adze_name_slot *slots;
  size_t capacity; /* a power of two, or 0 */
  size_t count;
  uint64_t seed;
} adze_name_index;

/* More names than this have no numbers. */
#define ADZE_NAME_INDEX_MAX ((size_t)UINT32_MAX - 1)
#define ADZE_NAME_NONE SIZE_MAX

/* Is NAME that of the thing with this NUMBER? The things themselves are their owner's. */
typedef bool (*adze_name_same) (const void *things, size_t number, const char *name, size_t size);

/* NAME is going to be added soon: fetches the place where it would go, which is far from the
 * processor once there are many, while the caller does something else. */
void adze_name_index_fetch (const adze_name_index *index, const char *name, size_t size);
/* The number of NAME, or ADZE_NAME_NONE. */
size_t adze_name_index_find (const adze_name_index *index, const char *name, size_t size,
                             adze_name_same same, const void *things);
/* *EARLIER is the number of a thing with this name that was there before, and then nothing is
 * added; else ADZE_NAME_NONE. */
ADZE_MUST_CHECK adze_error *adze_name_index_add (adze_name_index *index, const char *name,
                                                 size_t size, size_t number, adze_name_same same,
                                                 const void *things, size_t *earlier);
void adze_name_index_cleanup (adze_name_index *index);

#endif
