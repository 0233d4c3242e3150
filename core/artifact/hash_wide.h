/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/hash_wide.h: what hash.c calls where the processor has AVX2 or AVX-512. */
#ifndef ADZE_ARTIFACT_HASH_WIDE_H
#define ADZE_ARTIFACT_HASH_WIDE_H

#include "artifact/model.h"

adze_hash128 adze_leaf_hash_avx2 (const void *bytes, size_t size);
adze_hash128 adze_leaf_hash_avx512 (const void *bytes, size_t size);

#endif
