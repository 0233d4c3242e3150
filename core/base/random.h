/* SPDX-License-Identifier: Apache-2.0 */
/* base/random.h: values that are a function of key and index (Philox 4x32-10). */
#ifndef ADZE_BASE_RANDOM_H
#define ADZE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include <adze/random.h>

/* The key of a stream: whose seed, which component, which name. NULL is taken as "". */
uint64_t adze_random_key (uint64_t seed, const char *component, const char *stream);

/* As many blocks of one key as there are lanes, side by side: WORDS has their counters, and then what became of
 * them. The same as adze_random_block, in a fraction of the time, since none waits for another. */
enum { ADZE_RANDOM_LANES = 16 };
void adze_random_blocks (uint32_t words[4][ADZE_RANDOM_LANES], const uint32_t key[2]);

/* out[i] = value number first + i of the stream: half of the block whose counter is i / 2. */
void adze_random_values (uint64_t key, uint64_t first, uint64_t *out, size_t count);

#endif
