/* SPDX-License-Identifier: Apache-2.0 */
/* observe: what channels are compared by, summed up in float64 in one order, so that threads are not seen. */
#include "structured.h"

#include <math.h>

/* Numbers that are looked at together stay in the nearest cache. */
enum { AT_ONCE = 2048 };

/* A tensor as [outer][along][inner], ALONG being the dimension of a part. */
typedef struct spread {
  const structured_part *part;
  size_t count; /* of channels */
  adze_dtype dtype;
  const char *data;
  size_t outer, along, inner;
} spread;

static spread
spread_of (const structured *self, const structured_tensor *tensor, const structured_part *part,
           const adze_view *view)
{
  spread s = { .part = part, .count = self->sets[part->set].count, .dtype = tensor->dtype,
               .data = (const char *)adze_view_data (view), .outer = 1, .along = 1, .inner = 1 };
  for (int32_t d = 0; d < tensor->rank; d++)
    *(d < part->axis ? &s.outer : d == part->axis ? &s.along : &s.inner) *= (size_t)tensor->shape[d];
  return s;
}

/* COUNT numbers from element FIRST on. */
static void
read_numbers (const spread *s, size_t first, size_t count, double *into)
{
  adze_doubles_read (s->dtype, s->data + first * (s->dtype.bits / 8), count, into);
}

/* ---- Norms. */

static double
sum_of (const double *numbers, size_t count, bool squares)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += squares ? numbers[i] * numbers[i] : fabs (numbers[i]);
  return sum;
}

/* Numbers of a place follow each other: from block to block, and in a block from place to place. */
static void
add_runs (const spread *s, bool squares, double *of_places)
{
  double numbers[AT_ONCE];
  size_t all = s->outer * s->along * s->inner;
  for (size_t done = 0, count; done < all; done += count) {
    count = all - done < AT_ONCE ? all - done : AT_ONCE;
    read_numbers (s, done, count, numbers);
    for (size_t i = 0, run; i < count; i += run) {
      size_t at = done + i, left = s->inner - at % s->inner;
      run = left < count - i ? left : count - i;
      of_places[at / s->inner % s->along] += sum_of (numbers + i, run, squares);
    }
  }
}

/* Where a channel is one number in each row: row after row, rather than number after number. */
static void
add_rows (const spread *s, bool squares, double *of_places)
{
  double numbers[AT_ONCE];
  for (size_t o = 0; o < s->outer; o++)
    for (size_t done = 0, count; done < s->along; done += count) {
      count = s->along - done < AT_ONCE ? s->along - done : AT_ONCE;
      read_numbers (s, o * s->along + done, count, numbers);
      for (size_t i = 0; i < count; i++)
        of_places[done + i] += squares ? numbers[i] * numbers[i] : fabs (numbers[i]);
    }
}

static adze_status
sum_up (const adze_host *host, const spread *s, bool squares, double *sums)
{
  double *of_places = (double *)host->allocate (host, (s->along + 1) * sizeof *of_places);
  if (!of_places)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu sums", s->along);
  memset (of_places, 0, (s->along + 1) * sizeof *of_places);
  if (s->inner == 1)
    add_rows (s, squares, of_places);
  else
    add_runs (s, squares, of_places);
  for (size_t i = 0; i < s->count * s->part->per; i++)
    sums[i / s->part->per] += of_places[s->part->indices[i]];
  host->release (host, of_places);
  return ADZE_OK;
}

/* ---- Distances. */

typedef struct distances {
  const double *vectors; /* one a channel */
  size_t count, size;
  double *sums;
} distances;

/* Eight sums side by side, which become vectors, in an order that is always the same. */
static double
distance (const double *a, const double *b, size_t size)
{
  double lanes[8] = { 0 }, rest = 0;
  size_t i = 0;
  for (; i + 8 <= size; i += 8)
    for (size_t k = 0; k < 8; k++) {
      double apart = a[i + k] - b[i + k], square = apart * apart;
      lanes[k] += square;
    }
  for (; i < size; i++) {
    double apart = a[i] - b[i], square = apart * apart;
    rest += square;
  }
  for (size_t k = 0; k < 8; k++)
    rest += lanes[k];
  return sqrt (rest);
}

/* Each of all is read once for several, which stay in a cache meanwhile. */
static adze_status
sum_distances (void *argument, size_t first, size_t last)
{
  const distances *d = (const distances *)argument;
  for (size_t b = 0; b < d->count; b++)
    for (size_t a = first; a < last; a++)
      d->sums[a] += distance (d->vectors + a * d->size, d->vectors + b * d->size, d->size);
  return ADZE_OK;
}

static adze_status
add_distances (const adze_host *host, const spread *s, double *sums)
{
  const structured_part *part = s->part;
  size_t size = s->outer * part->per * s->inner;
  double *vectors = (double *)host->allocate (host, (s->count * size + 1) * sizeof *vectors), *into = vectors;
  if (!vectors)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu channels of %zu numbers", s->count, size);
  for (size_t c = 0; c < s->count; c++)
    for (size_t o = 0; o < s->outer; o++)
      for (size_t k = 0; k < part->per; k++, into += s->inner)
        read_numbers (s, (o * s->along + (size_t)part->indices[c * part->per + k]) * s->inner, s->inner, into);
  distances d = { vectors, s->count, size, sums };
  adze_status status = adze_parallel_for (host, s->count, 16, sum_distances, &d);
  host->release (host, vectors);
  return status;
}

/* ---- The callbacks. */

static adze_status
check_finite (const adze_host *host, const adze_tensor *input)
{
  size_t count = adze_view_count (&input->view), at = 0, size = input->view.dtype.bits / 8;
  const char *data = (const char *)adze_view_data (&input->view);
  double number = 0;
  if (adze_numbers_are_finite (input->view.dtype, data, count))
    return ADZE_OK;
  for (; at < count; at++) {
    adze_doubles_read (input->view.dtype, data + at * size, 1, &number);
    if (!isfinite (number))
      break;
  }
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is %s at element %zu, and channels cannot be compared by that; mend the "
                    "model, or leave the tensor as it is by a rule with skip = true",
                    input->name, isnan (number) ? "NaN" : "infinite", at);
}

adze_status
structured_observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
                    void *accumulator)
{
  const structured *self = (const structured *)instance;
  const structured_tensor *tensor = structured_tensor_of (self, input->name);
  adze_status status = ADZE_OK;
  (void)call;
  if (!tensor || tensor->sums == 0)
    return ADZE_OK;
  status = check_finite (host, input);
  for (size_t p = tensor->first_part; status == ADZE_OK && p != STRUCTURED_NONE; p = self->parts[p].next) {
    const structured_part *part = &self->parts[p];
    structured_norm norm = self->sets[part->set].wish.norm;
    spread s = spread_of (self, tensor, part, &input->view);
    double *sums = (double *)accumulator + part->offset;
    if (part->ranked)
      status = norm == STRUCTURED_MEDIAN ? add_distances (host, &s, sums)
                                         : sum_up (host, &s, norm == STRUCTURED_L2, sums);
  }
  return status;
}

/* A tensor is seen as a whole, so that one of the two is empty. */
adze_status
structured_merge (const adze_host *host, void *instance, void *left, const void *right)
{
  double *into = (double *)left;
  const double *from = (const double *)right;
  size_t count = structured_accumulator (host, instance) / sizeof *into;
  for (size_t i = 0; i < count; i++)
    into[i] += from[i];
  return ADZE_OK;
}
