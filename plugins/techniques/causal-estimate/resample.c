/* SPDX-License-Identifier: Apache-2.0 */
/* resample.c: the same estimate of samples that were drawn. A round's numbers depend on its own number alone, so that
 * threads make no difference. */
#include "sample.h"

#include <math.h>
#include <stdlib.h>

/* So many rounds between two words of how far it is. */
enum { AT_ONCE = 32 };

static const char *const streams[EST_DRAWS] = { "bootstrap", "placebo", "common-cause", "subset" };

typedef struct drawing {
  const est_job *job;
  est_draw how;
  uint32_t first; /* round of the first item */
  double *values; /* of all rounds */
  uint8_t *told;
} drawing;

adze_status
est_sample_all (const est_job *job, est_sample *sample)
{
  uint32_t *rows = (uint32_t *)job->host->allocate (job->host, ((size_t)job->data->rows + 1) * sizeof *rows);
  if (!rows)
    return adze_fail (job->host, ADZE_E_MEMORY, "no room for %u rows", (unsigned)job->data->rows);
  for (uint32_t i = 0; i < job->data->rows; i++)
    rows[i] = i;
  *sample = (est_sample){ .rows = rows, .count = job->data->rows };
  return ADZE_OK;
}

/* ---- One sample. */

static uint32_t
below (uint64_t bits, uint32_t limit)
{
  return (uint32_t)(((bits >> 32) * limit) >> 32);
}

static void
shuffle (uint32_t *rows, uint32_t count, const uint64_t *bits)
{
  for (uint32_t i = count; i > 1; i--) {
    const uint32_t k = below (bits[i - 1], i), swap = rows[k];
    rows[k] = rows[i - 1];
    rows[i - 1] = swap;
  }
}

/* Box and Muller: a normal number of two uniform ones. */
static double
normal (uint64_t left, uint64_t right)
{
  return sqrt (-2 * log (1 - adze_random_unit (left))) * cos (6.283185307179586 * adze_random_unit (right));
}

typedef struct drawn {
  uint64_t *bits;
  uint32_t *rows, *treated;
  double *extra;
} drawn;

static void
fill (est_draw how, uint32_t count, drawn *d, est_sample *sample)
{
  for (uint32_t i = 0; i < count; i++)
    d->rows[i] = d->treated[i] = how == EST_AGAIN ? below (d->bits[i], count) : i;
  *sample = (est_sample){ .rows = d->rows, .count = count };
  if (how == EST_PLACEBO) {
    shuffle (d->treated, count, d->bits);
    sample->treated = d->treated;
  } else if (how == EST_COMMON_CAUSE) {
    for (uint32_t i = 0; i < count; i++)
      d->extra[i] = normal (d->bits[2 * (size_t)i], d->bits[2 * (size_t)i + 1]);
    sample->extra = d->extra;
  } else if (how == EST_SUBSET) {
    shuffle (d->rows, count, d->bits);
    sample->count = (uint32_t)((uint64_t)count * 4 / 5);
  }
}

static void
release (const adze_host *host, drawn *d)
{
  void *blocks[] = { d->bits, d->rows, d->treated, d->extra };
  for (int i = 0; i < 4; i++)
    if (blocks[i])
      host->release (host, blocks[i]);
}

static adze_status
one_round (const drawing *w, uint32_t round, drawn *d)
{
  const est_job *job = w->job;
  const uint64_t bits = 2 * (uint64_t)job->data->rows;
  est_sample sample;
  bool known = true;
  if (!adze_random_fill (job->host, streams[w->how], bits * round, d->bits, (size_t)bits))
    return adze_fail (job->host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_RANDOM);
  fill (w->how, job->data->rows, d, &sample);
  adze_status status
      = job->estimate (job, &sample, w->values + (size_t)round * job->quantities, &known);
  w->told[round] = known;
  return status;
}

static adze_status
some_rounds (void *argument, size_t first, size_t last)
{
  const drawing *w = (const drawing *)argument;
  const adze_host *host = w->job->host;
  const size_t rows = (size_t)w->job->data->rows + 1;
  drawn d = { (uint64_t *)host->allocate (host, 2 * rows * sizeof *d.bits),
              (uint32_t *)host->allocate (host, rows * sizeof *d.rows),
              (uint32_t *)host->allocate (host, rows * sizeof *d.treated),
              (double *)host->allocate (host, rows * sizeof *d.extra) };
  adze_status status = d.bits && d.rows && d.treated && d.extra
                           ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for a sample of %zu rows", rows - 1);
  for (size_t i = first; status == ADZE_OK && i < last; i++)
    status = one_round (w, w->first + (uint32_t)i, &d);
  release (host, &d);
  return status;
}

/* ---- All of them. */

static adze_status
run_rounds (drawing *w, const adze_run_service *run, adze_context *context, uint32_t count)
{
  adze_status status = ADZE_OK;
  for (; status == ADZE_OK && w->first < count; w->first += AT_ONCE) {
    const uint32_t left = count - w->first;
    if (!run->progress (w->job->host, context, w->first, count))
      return ADZE_E_CANCELLED;
    status = adze_parallel_for (w->job->host, left < AT_ONCE ? left : AT_ONCE, 1, some_rounds, w);
  }
  return status;
}

/* Rounds that could not tell go, and the others move up. */
static void
pack (const drawing *w, est_rounds *rounds)
{
  const size_t width = w->job->quantities;
  for (uint32_t i = 0; i < rounds->asked; i++) {
    if (!w->told[i])
      continue;
    memmove (w->values + rounds->told * width, w->values + i * width, width * sizeof *w->values);
    rounds->told++;
  }
}

adze_status
est_draw_rounds (const est_job *job, const adze_run_service *run, adze_context *context, est_draw how, uint32_t count,
                 est_rounds *rounds)
{
  const adze_host *host = job->host;
  drawing w = { .job = job, .how = how };
  memset (rounds, 0, sizeof *rounds);
  w.values = rounds->values
      = (double *)host->allocate (host, ((size_t)count + 1) * job->quantities * sizeof *w.values);
  w.told = (uint8_t *)host->allocate (host, (size_t)count + 1);
  rounds->asked = count;
  adze_status status = w.values && w.told
                           ? run_rounds (&w, run, context, count)
                           : adze_fail (host, ADZE_E_MEMORY, "no room for %u rounds", (unsigned)count);
  if (status == ADZE_OK)
    pack (&w, rounds);
  if (w.told)
    host->release (host, w.told);
  return status;
}

void
est_rounds_close (const adze_host *host, est_rounds *rounds)
{
  if (rounds->values)
    host->release (host, rounds->values);
  rounds->values = NULL;
}

/* ---- What came out. */

static int
ascending (const void *left, const void *right)
{
  const double l = *(const double *)left, r = *(const double *)right;
  return l < r ? -1 : l > r;
}

double
est_quantile (const double *sorted, uint32_t count, double share)
{
  const double at = share * (count - 1);
  const uint32_t low = (uint32_t)at, high = low + 1 < count ? low + 1 : low;
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

bool
est_spread_of (const est_job *job, const est_rounds *rounds, uint32_t quantity, double level, est_spread *spread)
{
  const uint32_t count = rounds->told;
  double *sorted = count > 1 ? (double *)job->host->allocate (job->host, count * sizeof *sorted) : NULL;
  if (!sorted)
    return false;
  double sum = 0, squares = 0;
  for (uint32_t i = 0; i < count; i++)
    sum += sorted[i] = rounds->values[(size_t)i * job->quantities + quantity];
  spread->mean = sum / count;
  for (uint32_t i = 0; i < count; i++)
    squares += (sorted[i] - spread->mean) * (sorted[i] - spread->mean);
  spread->deviation = sqrt (squares / (count - 1));
  qsort (sorted, count, sizeof *sorted, ascending);
  spread->low = est_quantile (sorted, count, (1 - level) / 2);
  spread->high = est_quantile (sorted, count, (1 + level) / 2);
  job->host->release (job->host, sorted);
  return true;
}
