/* SPDX-License-Identifier: Apache-2.0 */
/* floats.h: what the files of this plugin share.
 *   float.c        the types of 16 bits; parameters and components of all of them
 *   float_eight.c  the types of 8 bits, which have scales */
#ifndef ADZE_PLUGIN_FLOATS_H
#define ADZE_PLUGIN_FLOATS_H

#include <string.h>

#include <adze/sdk.h>

extern const adze_codec float_e4m3_callbacks, float_e5m2_callbacks;

/* Numbers of a piece that are too large for their type. */
typedef struct float_beyond {
  uint64_t count;
  uint64_t first; /* element of the tensor */
} float_beyond;

/* That they were made the largest number: nothing to be silent about, though it was asked for. */
void float_tell (const adze_host *host, const adze_coding *coding, const float_beyond *beyond);

#endif
