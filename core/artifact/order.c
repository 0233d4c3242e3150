/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/order.c: permutations without a table. */
#include "artifact/order.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/random.h"

/* An even number, so that both halves end where they began. */
#define ROUNDS 8

/* With fewer bits a network has too few permutations to choose from; the values that are put in
 * again cost nothing where there are so few. */
#define BITS_LEAST 8

enum { LANES = ADZE_RANDOM_LANES };

static uint64_t
mask (unsigned bits)
{
  return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

static unsigned
bits_of (uint64_t count)
{
  unsigned bits = count > 1 ? 64 - (unsigned)__builtin_clzll (count - 1) : 0;
  return bits < BITS_LEAST ? BITS_LEAST : bits;
}

/* One pass through the network, of LANES values: a permutation of all numbers of BITS bits. */
static void
pass (const uint32_t key[2], unsigned bits, uint64_t values[LANES])
{
  unsigned left_bits = bits / 2, right_bits = bits - bits / 2;
  uint64_t left[LANES], right[LANES];
  for (size_t i = 0; i < LANES; i++) {
    left[i] = values[i] >> right_bits;
    right[i] = values[i] & mask (right_bits);
  }
  for (uint32_t round = 0; round < ROUNDS; round++) {
    uint32_t words[4][LANES];
    for (size_t i = 0; i < LANES; i++) {
      words[0][i] = (uint32_t)right[i];
      words[1][i] = (uint32_t)(right[i] >> 32);
      words[2][i] = round;
      words[3][i] = bits;
    }
    adze_random_blocks (words, key);
    for (size_t i = 0; i < LANES; i++) {
      uint64_t drawn = (uint64_t)words[1][i] << 32 | words[0][i];
      uint64_t mixed = (left[i] ^ drawn) & mask (left_bits);
      left[i] = right[i];
      right[i] = mixed;
    }
    unsigned swapped = left_bits;
    left_bits = right_bits;
    right_bits = swapped;
  }
  for (size_t i = 0; i < LANES; i++)
    values[i] = left[i] << right_bits | right[i];
}

/* INDICES in their places in the permutation. A place beyond the count goes through the network again,
 * with what else has come to that, until there is none. */
static void
permute (uint64_t key, uint64_t count, uint64_t *indices, size_t number)
{
  const uint32_t words[2] = { (uint32_t)key, (uint32_t)(key >> 32) };
  unsigned bits = bits_of (count);
  uint64_t values[LANES] = { 0 }, *places[LANES];
  size_t waiting = 0, next = 0;
  while (waiting > 0 || next < number) {
    for (; waiting < LANES && next < number; next++, waiting++) {
      places[waiting] = &indices[next];
      values[waiting] = indices[next];
    }
    pass (words, bits, values);
    size_t again = 0;
    for (size_t i = 0; i < waiting; i++) {
      *places[i] = values[i];
      if (values[i] < count)
        continue;
      places[again] = places[i];
      values[again++] = values[i];
    }
    waiting = again;
  }
}

uint64_t
adze_permute (uint64_t key, uint64_t count, uint64_t index)
{
  permute (key, count, &index, 1);
  return index;
}

/* SHARE of COUNT, rounded to the nearest whole, a half upwards. In integers, so that it is the same
 * on every machine, and so that two parts that share a boundary agree where it is. */
static uint64_t
share_of (double share, uint64_t count)
{
  int exponent;
  if (share >= 1)
    return count;
  uint64_t mantissa = (uint64_t)ldexp (frexp (share, &exponent), 53); /* share = mantissa / 2^53 */
  unsigned shift = (unsigned)(53 - exponent);
  if (mantissa == 0 || shift > 117) /* below what a product of 53 and 64 bits can round up to 1 */
    return 0;
  unsigned __int128 product = (unsigned __int128)mantissa * count;
  return (uint64_t)((product + ((unsigned __int128)1 << (shift - 1))) >> shift);
}

static adze_error *
check_part (const adze_dataset_options *options)
{
  double first = options->first, last = options->last;
  if (first >= 0 && first < last && last <= 1)
    return NULL;
  char a[ADZE_REAL_TEXT], b[ADZE_REAL_TEXT];
  adze_real_text (first, a);
  adze_real_text (last, b);
  adze_error *error = adze_error_new (ADZE_E_PARAM, "part = [%s, %s] is no part of the examples", a,
                                      b);
  adze_error_set (error, "needed", "two numbers, the first less than the second, in [0, 1]");
  adze_error_setf (error, "found", "[%s, %s]", a, b);
  return error;
}

adze_error *
adze_order_make (uint64_t examples, const adze_dataset_options *options, adze_order *order)
{
  ADZE_TRY (check_part (options));
  uint64_t first = share_of (options->first, examples);
  uint64_t last = share_of (options->last, examples);
  uint64_t count = last - first;
  if (options->limit > 0 && options->limit < count)
    count = options->limit;
  if (count == 0) {
    char a[ADZE_REAL_TEXT], b[ADZE_REAL_TEXT];
    adze_real_text (options->first, a);
    adze_real_text (options->last, b);
    return adze_error_new (ADZE_E_PARAM, "of %" PRIu64 " example%s, the part [%s, %s] has none",
                           examples, examples == 1 ? "" : "s", a, b);
  }
  *order = (adze_order){ .examples = examples,
                         .first = first,
                         .count = count,
                         .seed = options->seed,
                         .split = options->first > 0 || options->last < 1,
                         .shuffle = options->shuffle };
  return NULL;
}

void
adze_order_fill (const adze_order *order, uint64_t epoch, uint64_t first, size_t count,
                 uint64_t *examples)
{
  char name[32];
  snprintf (name, sizeof name, "epoch %" PRIu64, epoch);
  uint64_t split = adze_random_key (order->seed, "dataset", "part");
  uint64_t shuffle = adze_random_key (order->seed, "dataset", name);
  for (size_t i = 0; i < count; i++)
    examples[i] = first + i;
  if (order->shuffle)
    permute (shuffle, order->count, examples, count);
  for (size_t i = 0; i < count; i++)
    examples[i] += order->first;
  if (order->split)
    permute (split, order->examples, examples, count);
}
