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

/* Loops over lanes are independent of each other: vectors give the same. Wider ones than any processor of
 * the kind has are no faster here. */
#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif

enum { LANES = ADZE_RANDOM_LANES };

/* Not inlined: where all counters but one are known, gcc makes single numbers of the vectors. */
__attribute__ ((noinline)) void
adze_random_blocks (uint32_t words[4][ADZE_RANDOM_LANES], const uint32_t key[2])
{
  const uint64_t first = UINT32_C (0xd2511f53), second = UINT32_C (0xcd9e8d57);
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < LANES; i++) {
      uint64_t left = first * words[0][i], right = second * words[2][i];
      words[0][i] = (uint32_t)(right >> 32) ^ words[1][i] ^ k0;
      words[1][i] = (uint32_t)right;
      words[2][i] = (uint32_t)(left >> 32) ^ words[3][i] ^ k1;
      words[3][i] = (uint32_t)left;
    }
    k0 += UINT32_C (0x9e3779b9);
    k1 += UINT32_C (0xbb67ae85);
  }
}

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

/* The values of as many blocks as are done side by side, from that of value number FIRST, which is
 * even. */
static void
many_values (uint64_t key, uint64_t first, uint64_t *out)
{
  const uint32_t keys[2] = { (uint32_t)key, (uint32_t)(key >> 32) };
  uint32_t words[4][LANES] = { { 0 } };
  for (uint64_t i = 0; i < LANES; i++) {
    uint64_t block = (first + 2 * i) / 2; /* the number wraps, not the block's */
    words[0][i] = (uint32_t)block;
    words[1][i] = (uint32_t)(block >> 32);
  }
  adze_random_blocks (words, keys);
  for (size_t i = 0; i < LANES; i++) {
    out[2 * i] = words[0][i] | (uint64_t)words[1][i] << 32;
    out[2 * i + 1] = words[2][i] | (uint64_t)words[3][i] << 32;
  }
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
  for (; count - done >= 2 * LANES; done += 2 * LANES)
    many_values (key, first + done, out + done);
  for (; count - done >= 2; done += 2)
    value_pair (key, first + done, out + done);
  if (done < count) {
    value_pair (key, first + done, pair);
    out[done] = pair[0];
  }
}
