/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/stats.c: passes over tensors, piece by piece. Sums are made within pieces and then pair
 * by pair, in an order that the number of elements alone decides. */
#include "artifact/stats.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "artifact/decode.h"

/* A multiple of 8, so that pieces of packed elements begin with a byte. */
enum { PIECE = 1 << 16 };

typedef struct pass {
  const adze_model *models[2];
  const adze_model_tensor *tensors[2];
  size_t piece;    /* elements of one; of bytes, when only those are compared */
  double low, high; /* of the histogram */
  pthread_mutex_t lock;
  adze_error *error; /* the first */
} pass;

static adze_status
fail (pass *over, adze_error *error)
{
  adze_status status = adze_error_status (error);
  pthread_mutex_lock (&over->lock);
  if (!over->error)
    over->error = adze_take (&error);
  pthread_mutex_unlock (&over->lock);
  adze_error_free (error);
  return status;
}

/* Reads elements FIRST to LAST of one side; *VALUES and *BYTES are to be freed. */
static adze_error *
read_values (const pass *over, unsigned side, size_t first, size_t last, void **bytes,
             double **values)
{
  const adze_model_tensor *tensor = over->tensors[side];
  uint64_t from = adze_tensor_meta_bytes (&tensor->meta, first);
  size_t size = (size_t)(adze_tensor_meta_bytes (&tensor->meta, last) - from);
  *bytes = malloc (size + 1);
  *values = malloc ((last - first) * sizeof **values + 1);
  if (!*bytes || !*values)
    return adze_error_memory ();
  ADZE_TRY (adze_model_read (over->models[side], tensor, from, *bytes, size));
  adze_decode (tensor->meta.dtype, *bytes, last - first, *values);
  return NULL;
}

static adze_error *
reduce (adze_pool *pool, pass *over, size_t count, adze_parallel_leaf leaf,
        adze_parallel_merge merge, void *result, size_t size)
{
  pthread_mutex_init (&over->lock, NULL);
  over->error = NULL;
  adze_status status
      = adze_pool_reduce (pool, NULL, count, over->piece, leaf, merge, over, result, size);
  pthread_mutex_destroy (&over->lock);
  if (over->error)
    return over->error;
  if (status == ADZE_E_MEMORY)
    return adze_error_memory ();
  return status == ADZE_OK ? NULL : adze_error_new (status, "a pass over a tensor stopped");
}

/* ---- Moments. */

typedef struct moments {
  uint64_t zeros, nans, infinities, finite;
  double min, max, sum; /* of finite ones */
} moments;

static void
add_moment (moments *to, double value)
{
  if (!isfinite (value)) {
    to->nans += isnan (value) != 0;
    to->infinities += isinf (value) != 0;
    return;
  }
  to->zeros += value == 0;
  to->min = to->finite == 0 || value < to->min ? value : to->min;
  to->max = to->finite == 0 || value > to->max ? value : to->max;
  to->sum += value;
  to->finite++;
}

static adze_status
moments_leaf (void *argument, size_t first, size_t last, void *result)
{
  pass *over = argument;
  ADZE_AUTO_FREE void *bytes = NULL;
  ADZE_AUTO_FREE double *values = NULL;
  adze_error *error = read_values (over, 0, first, last, &bytes, &values);
  if (error)
    return fail (over, error);
  for (size_t i = 0; i < last - first; i++)
    add_moment (result, values[i]);
  return ADZE_OK;
}

static void
moments_merge (void *argument, void *left, const void *right)
{
  moments *to = left;
  const moments *from = right;
  (void)argument;
  if (from->finite > 0) {
    to->min = to->finite == 0 || from->min < to->min ? from->min : to->min;
    to->max = to->finite == 0 || from->max > to->max ? from->max : to->max;
    to->sum += from->sum;
  }
  to->finite += from->finite;
  to->zeros += from->zeros;
  to->nans += from->nans;
  to->infinities += from->infinities;
}

/* ---- Histograms. */

typedef struct histogram {
  uint64_t bins[ADZE_STATS_BINS];
} histogram;

static adze_status
histogram_leaf (void *argument, size_t first, size_t last, void *result)
{
  pass *over = argument;
  histogram *to = result;
  ADZE_AUTO_FREE void *bytes = NULL;
  ADZE_AUTO_FREE double *values = NULL;
  adze_error *error = read_values (over, 0, first, last, &bytes, &values);
  if (error)
    return fail (over, error);
  /* Halves, since the distance of two doubles may be none. */
  double low = over->low / 2, scale = ADZE_STATS_BINS / (over->high / 2 - low);
  for (size_t i = 0; i < last - first; i++) {
    if (!isfinite (values[i]))
      continue;
    double at = (values[i] / 2 - low) * scale;
    size_t bin = at > 0 ? (size_t)at : 0; /* a scale that overflowed puts NaN into the first */
    to->bins[bin < ADZE_STATS_BINS ? bin : ADZE_STATS_BINS - 1]++;
  }
  return ADZE_OK;
}

static void
histogram_merge (void *argument, void *left, const void *right)
{
  (void)argument;
  for (size_t i = 0; i < ADZE_STATS_BINS; i++)
    ((histogram *)left)->bins[i] += ((const histogram *)right)->bins[i];
}

adze_error *
adze_stats_read (adze_pool *pool, const adze_model *model, const adze_model_tensor *tensor,
                 adze_tensor_stats *stats)
{
  pass over = { .models = { model }, .tensors = { tensor }, .piece = PIECE };
  moments found = { 0 };
  histogram bins = { { 0 } };
  ADZE_TRY (reduce (pool, &over, (size_t)tensor->elements, moments_leaf, moments_merge, &found,
                    sizeof found));
  over.low = found.min;
  over.high = found.max;
  if (found.finite > 0 && found.min < found.max)
    ADZE_TRY (reduce (pool, &over, (size_t)tensor->elements, histogram_leaf, histogram_merge, &bins,
                      sizeof bins));
  *stats = (adze_tensor_stats){
    .elements = tensor->elements,
    .zeros = found.zeros,
    .nans = found.nans,
    .infinities = found.infinities,
    .finite = found.finite,
    .min = found.finite ? found.min : NAN,
    .max = found.finite ? found.max : NAN,
    .mean = found.finite ? found.sum / (double)found.finite : NAN,
  };
  memcpy (stats->bins, bins.bins, sizeof stats->bins);
  return NULL;
}

const char *
adze_sparkline (const uint64_t bins[ADZE_STATS_BINS], char text[ADZE_SPARKLINE_TEXT])
{
  uint64_t most = 0;
  char *to = text;
  for (size_t i = 0; i < ADZE_STATS_BINS; i++)
    most = bins[i] > most ? bins[i] : most;
  for (size_t i = 0; most > 0 && i < ADZE_STATS_BINS; i++) {
    /* U+2581 to U+2588; whatever is there is seen. */
    unsigned level = (unsigned)((double)bins[i] / (double)most * 7.0 + 0.5);
    if (bins[i] == 0) {
      *to++ = ' ';
      continue;
    }
    *to++ = (char)0xe2;
    *to++ = (char)0x96;
    *to++ = (char)(0x81 + (level < 7 ? level : 7));
  }
  *to = '\0';
  return text;
}

/* ---- Differences. */

typedef struct distance {
  uint64_t differing;  /* values */
  uint64_t not_finite; /* of those: on one side at least */
  uint64_t other_bytes; /* pieces whose bytes differ */
  uint64_t zeros[2];
  double max_error;
  double squares[2], product, error_square;
} distance;

/* REST is what a - b is short of, since they are rounded. */
static void
add_distance (distance *to, double a, double b, double rest)
{
  to->zeros[0] += a == 0;
  to->zeros[1] += b == 0;
  bool same = (a == b && rest == 0) || (isnan (a) && isnan (b));
  if (!same) {
    double error = fabs (a - b + rest);
    to->differing++;
    to->not_finite += !isfinite (a) || !isfinite (b);
    if (isnan (error) || error > to->max_error)
      to->max_error = isnan (to->max_error) ? to->max_error : error;
  }
  if (!isfinite (a) || !isfinite (b))
    return;
  to->squares[0] += a * a;
  to->squares[1] += b * b;
  to->product += a * b;
  to->error_square += (a - b + rest) * (a - b + rest);
}

/* Differences of what was rounded away on both sides; NULL where nothing was. */
static adze_error *
read_rests (const pass *over, const void *bytes_a, const void *bytes_b, size_t count,
            double **rests)
{
  *rests = NULL;
  ADZE_AUTO_FREE double *a = malloc (count * sizeof *a + 1);
  ADZE_AUTO_FREE double *b = malloc (count * sizeof *b + 1);
  if (!a || !b)
    return adze_error_memory ();
  bool rounded = adze_decode_rests (over->tensors[0]->meta.dtype, bytes_a, count, a);
  rounded |= adze_decode_rests (over->tensors[1]->meta.dtype, bytes_b, count, b);
  if (!rounded)
    return NULL;
  for (size_t i = 0; i < count; i++)
    a[i] -= b[i];
  *rests = adze_take (&a);
  return NULL;
}

static adze_status
distance_leaf (void *argument, size_t first, size_t last, void *result)
{
  pass *over = argument;
  distance *to = result;
  ADZE_AUTO_FREE void *bytes_a = NULL, *bytes_b = NULL;
  ADZE_AUTO_FREE double *values_a = NULL, *values_b = NULL, *rests = NULL;
  adze_error *error = read_values (over, 0, first, last, &bytes_a, &values_a);
  if (!error)
    error = read_values (over, 1, first, last, &bytes_b, &values_b);
  if (!error)
    error = read_rests (over, bytes_a, bytes_b, last - first, &rests);
  if (error)
    return fail (over, error);
  const adze_tensor_meta *meta = &over->tensors[0]->meta;
  size_t size = (size_t)(adze_tensor_meta_bytes (meta, last) - adze_tensor_meta_bytes (meta, first));
  bool same_type = memcmp (&meta->dtype, &over->tensors[1]->meta.dtype, sizeof meta->dtype) == 0;
  to->other_bytes = !same_type || memcmp (bytes_a, bytes_b, size) != 0;
  for (size_t i = 0; i < last - first; i++)
    add_distance (to, values_a[i], values_b[i], rests ? rests[i] : 0);
  return ADZE_OK;
}

static void
distance_merge (void *argument, void *left, const void *right)
{
  distance *to = left;
  const distance *from = right;
  (void)argument;
  to->differing += from->differing;
  to->not_finite += from->not_finite;
  to->other_bytes += from->other_bytes;
  for (unsigned i = 0; i < 2; i++) {
    to->zeros[i] += from->zeros[i];
    to->squares[i] += from->squares[i];
  }
  if (isnan (from->max_error) || from->max_error > to->max_error)
    to->max_error = isnan (to->max_error) ? to->max_error : from->max_error;
  to->product += from->product;
  to->error_square += from->error_square;
}

static adze_status
bytes_leaf (void *argument, size_t first, size_t last, void *result)
{
  pass *over = argument;
  size_t size = last - first;
  ADZE_AUTO_FREE void *a = malloc (size + 1), *b = malloc (size + 1);
  adze_error *error = a && b ? NULL : adze_error_memory ();
  if (!error)
    error = adze_model_read (over->models[0], over->tensors[0], first, a, size);
  if (!error)
    error = adze_model_read (over->models[1], over->tensors[1], first, b, size);
  if (error)
    return fail (over, error);
  ((distance *)result)->other_bytes = memcmp (a, b, size) != 0;
  return ADZE_OK;
}

/* Are the sums about all of the values? Infinities and NaN are not in them, and squares of doubles
 * may have become infinite, or nothing. */
static bool
sums_hold (const distance *found)
{
  return found->not_finite == 0 && isfinite (found->squares[0]) && isfinite (found->squares[1])
         && isfinite (found->error_square) && isfinite (found->product)
         && (found->differing == 0 || found->error_square > 0);
}

static void
conclude (const distance *found, adze_tensor_difference *difference)
{
  double lengths = sqrt (found->squares[0]) * sqrt (found->squares[1]);
  bool hold = sums_hold (found);
  difference->differing = found->differing;
  difference->not_finite = found->not_finite;
  difference->max_error = found->max_error;
  difference->zeros_a = found->zeros[0];
  difference->zeros_b = found->zeros[1];
  difference->cosine = hold && lengths > 0 ? found->product / lengths : NAN;
  difference->sqnr_db = !hold                     ? NAN
                        : found->error_square > 0 ? 10 * log10 (found->squares[0] / found->error_square)
                                                  : INFINITY;
}

adze_error *
adze_difference_read (adze_pool *pool, const adze_model *model_a, const adze_model_tensor *a,
                      const adze_model *model_b, const adze_model_tensor *b,
                      adze_tensor_difference *difference)
{
  pass over = { .models = { model_a, model_b }, .tensors = { a, b }, .piece = PIECE };
  distance found = { 0 };
  *difference = (adze_tensor_difference){ .compared = adze_decodes (&a->meta)
                                                      && adze_decodes (&b->meta) };
  if (difference->compared) {
    ADZE_TRY (reduce (pool, &over, (size_t)a->elements, distance_leaf, distance_merge, &found,
                      sizeof found));
    conclude (&found, difference);
  } else if (a->meta.byte_size == b->meta.byte_size) {
    over.piece = (size_t)PIECE * 8;
    ADZE_TRY (reduce (pool, &over, (size_t)a->meta.byte_size, bytes_leaf, distance_merge, &found,
                      sizeof found));
  } else {
    found.other_bytes = 1;
  }
  difference->identical = found.other_bytes == 0;
  return NULL;
}
