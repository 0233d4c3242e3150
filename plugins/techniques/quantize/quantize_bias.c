/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_bias.c: codes whose errors add up to nothing. Rounded by itself, each number of a channel is as near as
 * can be, and their errors may still have a sum, which moves all that the channel gives. So the numbers are
 * shifted by what they are off in the mean and coded again: those that lie nearly halfway between two codes become
 * the other one, and hardly any others. Zeros are not shifted, and stay zeros.
 *
 * It asks for nothing but encode and decode, so that any codec will do. */
#include "quantize.h"

/* Where numbers lie evenly between their codes, the second one is as good as any. */
enum { TRIES = 8 };

typedef struct channel {
  double shift, best, off; /* OFF: the sum with BEST, without its sign */
  double least, most;      /* shifts with which the sum was below zero, and above it; where there were */
  bool has_least, has_most;
  float low, high;         /* the outermost numbers: these stay, and so does the scale that is made by them */
  uint64_t count;          /* of numbers that are not zero */
  double sum;
} channel;

typedef struct correction {
  const adze_host *host;
  const quantize_tensor *tensor;
  const adze_coding *coding; /* of the numbers as they are */
  uint64_t numbers, channel_count;
  channel *channels;
  float *shifted, *back;
} correction;

/* Rows are channels; or, where a product sums over rows, places in the last dimension are. */
static channel *
channel_of (const correction *c, uint64_t at)
{
  return &c->channels[c->tensor->across ? at % c->channel_count : at / c->coding->columns];
}

static float
shifted (const channel *one, float number)
{
  if (number == 0 || number == one->low || number == one->high)
    return number;
  float moved = (float)((double)number + one->shift);
  return moved < one->low ? one->low : moved > one->high ? one->high : moved;
}

static adze_status
code_once (const correction *c)
{
  adze_coding coding = *c->coding;
  const adze_codecs_service *codecs = adze_codecs_of (c->host);
  for (uint64_t i = 0; i < c->numbers; i++)
    c->shifted[i] = shifted (channel_of (c, i), c->coding->values[i]);
  coding.values = c->shifted;
  return codecs->encode (c->host, c->tensor->use, &coding);
}

static adze_status
measure (const correction *c)
{
  adze_coding coding = *c->coding;
  coding.values = c->back;
  adze_status status = adze_codecs_of (c->host)->decode (c->host, c->tensor->use, &coding);
  if (status != ADZE_OK)
    return status;
  for (uint64_t i = 0; i < c->channel_count; i++)
    c->channels[i].sum = 0;
  for (uint64_t i = 0; i < c->numbers; i++)
    channel_of (c, i)->sum += (double)c->back[i] - (double)c->coding->values[i];
  return ADZE_OK;
}

/* The further numbers are shifted up, the greater is the sum. */
static void
learn (channel *one, bool first)
{
  double off = one->sum < 0 ? -one->sum : one->sum;
  if (first || off < one->off) {
    one->off = off;
    one->best = one->shift;
  }
  if (one->sum == 0 || one->count == 0)
    return;
  *(one->sum < 0 ? &one->least : &one->most) = one->shift;
  *(one->sum < 0 ? &one->has_least : &one->has_most) = true;
  if (one->has_least && one->has_most)
    one->shift = (one->least + one->most) / 2;
  else
    one->shift -= one->sum / (double)one->count;
}

static void
look_at (channel *one, float number)
{
  one->count += number != 0;
  one->low = number < one->low ? number : one->low;
  one->high = number > one->high ? number : one->high;
}

static adze_status
correct (const correction *c)
{
  adze_status status = ADZE_OK;
  for (uint64_t i = 0; i < c->numbers; i++)
    look_at (channel_of (c, i), c->coding->values[i]);
  for (uint32_t t = 0; status == ADZE_OK && t < TRIES; t++) {
    status = code_once (c);
    if (status == ADZE_OK)
      status = measure (c);
    for (uint64_t i = 0; status == ADZE_OK && i < c->channel_count; i++)
      learn (&c->channels[i], t == 0);
  }
  for (uint64_t i = 0; i < c->channel_count; i++)
    c->channels[i].shift = c->channels[i].best;
  return status == ADZE_OK ? code_once (c) : status;
}

adze_status
quantize_encode_unbiased (const adze_host *host, const quantize_tensor *tensor, const adze_coding *coding)
{
  const adze_tensor_meta *meta = coding->meta;
  correction c = { .host = host,
                   .tensor = tensor,
                   .coding = coding,
                   .numbers = coding->row_count * coding->columns,
                   .channel_count = tensor->across ? (uint64_t)meta->shape[meta->rank - 1] : coding->row_count };
  size_t floats = (size_t)c.numbers * sizeof (float) + 1;
  c.channels = (channel *)host->allocate (host, (size_t)c.channel_count * sizeof *c.channels + 1);
  c.shifted = (float *)host->allocate (host, floats);
  c.back = (float *)host->allocate (host, floats);
  adze_status status
      = c.channels && c.shifted && c.back
            ? ADZE_OK
            : adze_fail (host, ADZE_E_MEMORY, "no room to correct the errors of '%s'", meta->name);
  if (status == ADZE_OK)
    status = correct (&c);
  host->release (host, c.channels);
  host->release (host, c.shifted);
  host->release (host, c.back);
  return status;
}
