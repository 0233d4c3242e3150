/* SPDX-License-Identifier: Apache-2.0 */
/* base/random.c: Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw
 * ("Parallel random numbers: as easy as 1, 2, 3", 2011).
 *
 * What these functions return is part of what users reproduce years later: nothing here may
 * change for a released stream.
 */
#include "base/random.h"

#include <string.h>

#include "base/digest.h"

/* Byte by byte, so that a big-endian machine gets the same key. */
static void
put_u64 (unsigned char *to, uint64_t number)
{
  for (unsigned i = 0; i < 8; i++)
    to[i] = (unsigned char)(number >> (8 * i));
}

/* The lengths are hashed in front of the names: otherwise "ab" + "c" and "a" + "bc" would share a
 * stream. Each hash seeds the next, which needs no memory and so cannot fail. */
uint64_t
adze_random_key (uint64_t seed, const char *component, const char *stream)
{
  if (!component)
    component = "";
  if (!stream)
    stream = "";
  size_t component_size = strlen (component);
  size_t stream_size = strlen (stream);
  unsigned char head[24];
  put_u64 (head, seed);
  put_u64 (head + 8, component_size);
  put_u64 (head + 16, stream_size);
  uint64_t hash = adze_hash64 (head, sizeof head, 0);
  hash = adze_hash64 (component, component_size, hash);
  return adze_hash64 (stream, stream_size, hash);
}

/* Both values of the block that has value number INDEX; INDEX + 1 may be in the next one. */
static void
value_pair (uint64_t key, uint64_t index, uint64_t pair[2])
{
  uint64_t block = index / 2;
  uint32_t counter[4] = { (uint32_t)block, (uint32_t)(block >> 32), 0, 0 };
  uint32_t keys[2] = { (uint32_t)key, (uint32_t)(key >> 32) };
  uint32_t words[4];
  adze_random_block (counter, keys, words);
  pair[0] = words[0] | (uint64_t)words[1] << 32;
  pair[1] = words[2] | (uint64_t)words[3] << 32;
}

void
adze_random_values (uint64_t key, uint64_t first, uint64_t *out, size_t count)
{
  uint64_t pair[2];
  size_t done = 0;
  if (count > 0 && first % 2 == 1) {
    value_pair (key, first, pair);
    out[done++] = pair[1];
  }
  for (; count - done >= 2; done += 2)
    value_pair (key, first + done, out + done);
  if (done < count) {
    value_pair (key, first + done, pair);
    out[done] = pair[0];
  }
}
