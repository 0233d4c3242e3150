/* SPDX-License-Identifier: Apache-2.0 */
/* drop.c: adze.Drop: some elements become 0, and the others grow by so much. Which ones is a function of
 * seed, step and place, so that threads and their number do not matter. */
#include "nn.h"

#include <adze/half.h>
#include <math.h>

/* Words of a block of random bits, each for one element. */
enum { WORDS = 4 };

typedef struct drop {
  const adze_view *in, *out;
  uint32_t key[2], step[2];
  uint64_t least; /* of a word, for an element that stays */
  double kept;    /* share of what stays */
} drop;

static void
draw (const drop *d, size_t block, uint32_t words[WORDS])
{
  const uint32_t counter[] = { (uint32_t)block, (uint32_t)((uint64_t)block >> 32), d->step[0],
                               d->step[1] };
  adze_random_block (counter, d->key, words);
}

#define DROP(name, type, stay) \
  static void name (const drop *d, size_t first, size_t last, size_t count) \
  { \
    const type *in = adze_view_data (d->in); \
    type *out = adze_view_data (d->out); \
    uint32_t words[WORDS]; \
    for (size_t block = first; block < last; block++) { \
      draw (d, block, words); \
      for (size_t i = 0; i < WORDS && block * WORDS + i < count; i++) { \
        type x = in[block * WORDS + i]; \
        out[block * WORDS + i] = words[i] < d->least ? 0 : (stay); \
      } \
    } \
  }
DROP (drop_f32, float, (float)(x / (float)d->kept))
DROP (drop_f64, double, x / d->kept)
DROP (drop_f16, uint16_t, adze_half_from_float (adze_half_to_float (x) / (float)d->kept))
DROP (drop_bf16, uint16_t, adze_bfloat_from_float (adze_bfloat_to_float (x) / (float)d->kept))

static adze_status
drop_blocks (void *argument, size_t first, size_t last)
{
  const drop *d = argument;
  size_t count = adze_view_count (d->out);
  switch (ref_view_type (d->out)) {
  case REF_F32:
    drop_f32 (d, first, last, count);
    break;
  case REF_F64:
    drop_f64 (d, first, last, count);
    break;
  case REF_F16:
    drop_f16 (d, first, last, count);
    break;
  default:
    drop_bf16 (d, first, last, count);
  }
  return ADZE_OK;
}

adze_status
ref_drop (ref_call *call)
{
  const int64_t *step;
  size_t count;
  double ratio = adze_node_float (call->node, "ratio", 0);
  uint64_t seed = (uint64_t)adze_node_int (call->node, "seed", 0);
  drop d = { .in = ref_in (call, 0), .out = ref_out (call, 0), .kept = 1 - ratio };
  if (!d.out)
    return ADZE_OK;
  adze_status status = ref_ints (call, 1, &step, &count);
  if (status != ADZE_OK)
    return status;
  if (count != 1 || !(ratio >= 0 && ratio < 1))
    return ref_refuse (call, ADZE_E_FORMAT, "needs a ratio of 0 or more and less than 1, and one step");
  d.least = (uint64_t)ceil (ratio * 4294967296.0);
  d.key[0] = (uint32_t)seed;
  d.key[1] = (uint32_t)(seed >> 32);
  d.step[0] = (uint32_t)step[0];
  d.step[1] = (uint32_t)((uint64_t)step[0] >> 32);
  return adze_parallel_for (call->host, (adze_view_count (d.out) + WORDS - 1) / WORDS,
                            ref_grain (16 * WORDS), drop_blocks, &d);
}
