/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-layer equalisation: where a channel of one layer has large weights and the next layer's for it are small, the
 * ones are divided and the others multiplied by what makes them as large as each other. */
#include <math.h>
#include <string.h>

#include "static.h"

typedef struct pair {
  static_layer *maker, *taker;
  size_t share;
} pair;

/* The largest weight of each channel of the maker, and of all that the taker has for it. */
static void
find_largest (const pair *p, float *made, float *taken)
{
  memset (made, 0, p->maker->channels * sizeof *made);
  memset (taken, 0, p->maker->channels * sizeof *taken);
  for (size_t i = 0; i < p->maker->channels * p->maker->fan; i++)
    made[i / p->maker->fan] = fmaxf (made[i / p->maker->fan], fabsf (p->maker->weights[i]));
  for (size_t i = 0; i < p->taker->channels * p->taker->fan; i++) {
    size_t c = static_channel_in (p->taker, i / p->taker->fan, i % p->taker->fan, p->share);
    taken[c] = fmaxf (taken[c], fabsf (p->taker->weights[i]));
  }
}

void
static_scale_channels (static_layer *maker, static_layer *taker, size_t share, const float *factors)
{
  for (size_t i = 0; maker && i < maker->channels * maker->fan; i++)
    maker->weights[i] /= factors[i / maker->fan];
  for (size_t c = 0; maker && maker->biases && c < maker->channels; c++)
    maker->biases[c] /= factors[c];
  for (size_t i = 0; taker && i < taker->channels * taker->fan; i++)
    taker->weights[i] *= factors[static_channel_in (taker, i / taker->fan, i % taker->fan, share)];
}

/* How far from 1 the furthest factor was. */
static float
equalise (const pair *p, float *made, float *taken)
{
  float furthest = 0;
  find_largest (p, made, taken);
  for (size_t c = 0; c < p->maker->channels; c++) {
    float factor = made[c] > 0 && taken[c] > 0 ? sqrtf (made[c] / taken[c]) : 1;
    made[c] = isfinite (factor) && factor > 0 ? factor : 1;
    furthest = fmaxf (furthest, fabsf (logf (made[c])));
  }
  static_scale_channels (p->maker, p->taker, p->share, made);
  return furthest;
}

static size_t
find_pairs (static_run *s, pair *pairs)
{
  size_t count = 0;
  for (size_t i = 0; i < s->layer_count; i++) {
    pair p = { .taker = &s->layers[i] };
    p.maker = static_maker_of (s, p.taker, &p.share);
    if (p.maker && static_takes_alone (s, p.taker))
      pairs[count++] = p;
  }
  return count;
}

static size_t
most_channels (const static_run *s)
{
  size_t most = 0;
  for (size_t i = 0; i < s->layer_count; i++)
    most = s->layers[i].channels > most ? s->layers[i].channels : most;
  return most;
}

/* Each pair unsettles its neighbours, less and less. */
static void
settle (const pair *pairs, size_t count, float *made, float *taken)
{
  enum { ROUNDS = 40 };
  float furthest = 1;
  for (int round = 0; round < ROUNDS && furthest > 1e-3f; round++) {
    furthest = 0;
    for (size_t i = 0; i < count; i++)
      furthest = fmaxf (furthest, equalise (&pairs[i], made, taken));
  }
}

adze_status
static_equalise (static_run *s)
{
  size_t most = most_channels (s);
  if (!s->set.equalise)
    return ADZE_OK;
  pair *pairs = (pair *)s->host->allocate (s->host, (s->layer_count + 1) * sizeof *pairs);
  float *made = (float *)s->host->allocate (s->host, 2 * (most + 1) * sizeof *made);
  adze_status status = pairs && made ? ADZE_OK : adze_fail (s->host, ADZE_E_MEMORY, "no room for pairs of layers");
  if (status == ADZE_OK) {
    s->equalised = find_pairs (s, pairs);
    settle (pairs, s->equalised, made, made + most);
  }
  if (status == ADZE_OK && s->equalised == 0)
    status = adze_fail (s->host, ADZE_E_UNSUPPORTED,
                        "equalise = true: no layer takes what another one gives, with nothing but Relu, LeakyRelu, "
                        "pools and Flatten between them");
  for (size_t i = 0; status == ADZE_OK && i < s->layer_count; i++)
    status = static_put_floats (s, &s->layers[i]);
  s->host->release (s->host, pairs);
  s->host->release (s->host, made);
  return status;
}
