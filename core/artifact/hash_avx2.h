/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/hash_avx2.h: what hash.c calls where the processor has AVX2. */
#ifndef ADZE_ARTIFACT_HASH_AVX2_H
#define ADZE_ARTIFACT_HASH_AVX2_H

#include "artifact/model.h"

adze_hash128 adze_leaf_hash_avx2 (const void *bytes, size_t size);

#endif
