/* SPDX-License-Identifier: Apache-2.0 */
/* base/digest.h: fingerprints. BLAKE2b where an opponent may be about; XXH3 against accident. */
#ifndef ADZE_BASE_DIGEST_H
#define ADZE_BASE_DIGEST_H

#include "base/error.h"

/* "blake2b:" and 64 hexadecimal digits (256 bits), and the NUL. */
#define ADZE_DIGEST_TEXT 73

ADZE_MUST_CHECK adze_error *adze_digest_file (const char *path, char text[ADZE_DIGEST_TEXT]);
ADZE_MUST_CHECK adze_error *adze_digest_bytes (const void *bytes, size_t size,
                                               char text[ADZE_DIGEST_TEXT]);

uint64_t adze_hash64 (const void *bytes, size_t size, uint64_t seed);

#endif
