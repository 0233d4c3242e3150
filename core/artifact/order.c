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

/* One pass through the network: a permutation of all numbers of BITS bits. */
static uint64_t
pass (const uint32_t key[2], unsigned bits, uint64_t value)
{
  unsigned left_bits = bits / 2, right_bits = bits - bits / 2;
  uint64_t left = value >> right_bits, right = value & mask (right_bits);
  for (uint32_t round = 0; round < ROUNDS; round++) {
    const uint32_t counter[4] = { (uint32_t)right, (uint32_t)(right >> 32), round, bits };
    uint32_t block[4];
    adze_random_block (counter, key, block);
    uint64_t mixed = (left ^ ((uint64_t)block[1] << 32 | block[0])) & mask (left_bits);
    left = right;
    right = mixed;
    unsigned swapped = left_bits;
    left_bits = right_bits;
    right_bits = swapped;
  }
  return left << right_bits | right;
}

uint64_t
adze_permute (uint64_t key, uint64_t count, uint64_t index)
{
  const uint32_t words[2] = { (uint32_t)key, (uint32_t)(key >> 32) };
  unsigned bits = bits_of (count);
  do
    index = pass (words, bits, index);
  while (index >= count);
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
  for (size_t i = 0; i < count; i++) {
    uint64_t at = first + i;
    if (order->shuffle)
      at = adze_permute (shuffle, order->count, at);
    at += order->first;
    examples[i] = order->split ? adze_permute (split, order->examples, at) : at;
  }
}
