/* SPDX-License-Identifier: Apache-2.0 */
/* base/random.h: values that are a function of key and index (Philox 4x32-10). */
#ifndef ADZE_BASE_RANDOM_H
#define ADZE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The key of a stream: whose seed, which component, which name. NULL is taken as "". */
uint64_t adze_random_key (uint64_t seed, const char *component, const char *stream);

/* One block of Philox 4x32-10: what all values are made of, and what the published vectors check.
 * Value number i of a stream is half of the block whose counter is i / 2. */
void adze_random_block (const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* out[i] = value number first + i of the stream. */
void adze_random_values (uint64_t key, uint64_t first, uint64_t *out, size_t count);

#endif
