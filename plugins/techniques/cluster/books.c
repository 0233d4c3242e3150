/* SPDX-License-Identifier: Apache-2.0 */
/* Codebooks of one tensor: the numbers of each book gathered, its values found, and what becomes of the
 * tensor with them counted. */
#include <math.h>

#include "cluster.h"

/* What one book after the other is made in. */
typedef struct bench {
  const adze_host *host;
  const adze_tensor *input;
  const cluster_entry *entry;
  cluster_seen *seen;
  void *memory;
  void *points_room;
  uint32_t *ends;
  double *centres;
  double *draws;
  uint64_t *bits; /* of the draws */
  uint64_t zeros; /* of a book, where they are kept apart */
  kmeans1d k;
} bench;

/* Points are counted in 32 bits. Float16 and bfloat16 have few of them, however many numbers there are. */
enum { POINTS_OF_HALVES = 1 << 16 };
#define MOST_NUMBERS (UINT64_C (1) << 31)

static bool
is_wide (const cluster_entry *entry)
{
  return entry->dtype.bits == 64;
}

static size_t
most_points (const cluster_entry *entry)
{
  return entry->dtype.bits == 16 ? POINTS_OF_HALVES : (size_t)cluster_book_numbers (entry);
}

static size_t
points_size (const cluster_entry *entry)
{
  return kmeans1d_room ((size_t)cluster_book_numbers (entry), most_points (entry), is_wide (entry));
}

uint64_t
cluster_scratch (const cluster_entry *entry)
{
  /* Of a tensor that is refused there is none, and no size of it may overflow. */
  return cluster_book_numbers (entry) > MOST_NUMBERS ? 0 : points_size (entry);
}

static adze_status
open_bench (bench *b)
{
  const cluster_entry *entry = b->entry;
  uint64_t numbers = cluster_book_numbers (entry);
  if (entry->dtype.bits > 16 && numbers > MOST_NUMBERS)
    return adze_fail (b->host, ADZE_E_LIMIT,
                      "tensor '%s' has %llu numbers in one codebook, and %llu is the most; say "
                      "per = \"channel\" or \"group\", or leave it out by a rule with skip = true",
                      entry->name, (unsigned long long)numbers, (unsigned long long)MOST_NUMBERS);
  size_t points = points_size (entry);
  size_t ends = (entry->k + (size_t)2) / 2 * sizeof (uint64_t), values = entry->k * sizeof (double);
  char *memory = (char *)b->host->allocate (b->host, points + ends + 3 * values);
  if (!memory)
    return adze_fail (b->host, ADZE_E_MEMORY,
                      "no room for the numbers of tensor '%s' in order: %zu bytes", entry->name,
                      points + ends + 3 * values);
  b->memory = b->points_room = memory;
  b->ends = (uint32_t *)(void *)(memory + points);
  b->centres = (double *)(void *)(memory + points + ends);
  b->draws = b->centres + entry->k;
  b->bits = (uint64_t *)(void *)(b->draws + entry->k);
  return ADZE_OK;
}

/* ---- Numbers. */

adze_status
cluster_check_plain (const adze_host *host, const cluster_entry *entry, const adze_tensor *input)
{
  const adze_view *view = &input->view;
  if (entry && !input->codec && adze_dtype_same (view->dtype, entry->dtype)
      && adze_view_is (view, (adze_dtype_code)view->dtype.code, view->dtype.bits))
    return ADZE_OK;
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is not what was described: floats without gaps", input->name);
}

static adze_status
check_finite (const adze_host *host, const adze_tensor *input)
{
  adze_dtype dtype = input->view.dtype;
  const char *data = (const char *)adze_view_data (&input->view);
  size_t count = adze_view_count (&input->view), size = dtype.bits / 8, at = 0;
  double number;
  if (adze_numbers_are_finite (dtype, data, count))
    return ADZE_OK;
  while (adze_numbers_are_finite (dtype, data + at * size, 1))
    at++;
  adze_doubles_read (dtype, data + at * size, 1, &number);
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s': element %zu is %s, and a codebook is made of finite numbers; leave the "
                    "tensor as it is by a rule with skip = true, or see what made it so",
                    input->name, at, isnan (number) ? "NaN" : number < 0 ? "-inf" : "inf");
}

/* COUNT numbers, those that are zero not among them. */
static size_t
drop_zeros (void *numbers, bool wide, size_t count)
{
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (wide && ((double *)numbers)[i] != 0)
      ((double *)numbers)[kept++] = ((double *)numbers)[i];
    else if (!wide && ((float *)numbers)[i] != 0)
      ((float *)numbers)[kept++] = ((float *)numbers)[i];
  return kept;
}

/* The numbers of a book go where they are sorted; how many there are. */
static size_t
gather (bench *b, uint64_t book)
{
  const cluster_entry *entry = b->entry;
  const char *data = (const char *)adze_view_data (&b->input->view);
  size_t count = 0;
  double share = b->k.share; /* neighbours are often spread alike */
  kmeans1d_lay (&b->k, b->points_room, (size_t)cluster_book_numbers (entry), most_points (entry),
                is_wide (entry));
  b->k.share = share;
  b->zeros = 0;
  for (uint64_t i = 0; i < entry->outer; i++) {
    cluster_run run = cluster_run_of (entry, book, i);
    const char *from = data + run.first * cluster_number_size (entry);
    if (b->k.wide)
      memcpy ((double *)b->k.numbers + count, from, run.count * sizeof (double));
    else
      adze_floats_read (entry->dtype, from, run.count, (float *)b->k.numbers + count);
    count += run.count;
  }
  if (!entry->keep_zeros)
    return count;
  size_t kept = drop_zeros (b->k.numbers, b->k.wide, count);
  b->zeros = count - kept;
  return kept;
}

/* ---- Values. */

/* One stream a tensor; each book has its own part of it. */
static adze_status
draw (bench *b, uint64_t book)
{
  uint32_t count = b->entry->k;
  if (!adze_random_fill (b->host, b->entry->name, book * CLUSTER_MOST, b->bits, count))
    return adze_fail (b->host, ADZE_E_UNSUPPORTED,
                      "this host has no %s; say centroids = \"exact\", which draws nothing", ADZE_RANDOM);
  for (uint32_t i = 0; i < count; i++)
    b->draws[i] = adze_random_unit (b->bits[i]);
  return ADZE_OK;
}

static uint32_t
find_centres (bench *b, uint32_t wanted)
{
  const cluster_entry *entry = b->entry;
  uint32_t count;
  switch (entry->how) {
  case CLUSTER_LINEAR:
    count = kmeans1d_linear (&b->k, wanted, b->centres);
    break;
  case CLUSTER_DENSITY:
    count = kmeans1d_density (&b->k, wanted, b->centres);
    break;
  case CLUSTER_RANDOM:
    count = kmeans1d_random (&b->k, wanted, b->draws, b->centres);
    break;
  case CLUSTER_PLUS_PLUS:
    count = kmeans1d_plus_plus (&b->k, wanted, b->draws, b->centres);
    break;
  case CLUSTER_EXACT:
  default:
    return kmeans1d_exact (&b->k, wanted, b->ends, b->centres);
  }
  kmeans1d_lloyd (&b->k, count, entry->steps, b->ends, b->centres);
  return count;
}

static double
as_written (adze_dtype dtype, double number)
{
  double written = dtype.code == ADZE_BFLOAT
                       ? (double)adze_bfloat_to_float (adze_bfloat_from_double (number))
                   : dtype.bits == 16 ? (double)adze_half_to_float (adze_half_from_double (number))
                   : dtype.bits == 32 ? (double)adze_float_from_double (number)
                                      : number;
  return written == 0 ? 0 : written;
}

/* Those that are the same in the tensor's type are one. */
static uint32_t
write_centres (const cluster_entry *entry, double *centres, uint32_t count)
{
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    double written = as_written (entry->dtype, centres[i]);
    if (kept == 0 || written != centres[kept - 1])
      centres[kept++] = written;
  }
  return kept;
}

/* ---- What becomes of the numbers. */

static double
squares_of (const kmeans1d *k, uint32_t first, uint32_t last, double value)
{
  double sum = 0;
  for (uint32_t i = first; i < last; i++) {
    double way = kmeans1d_value (k, i) - value;
    sum += (k->sums[i + 1].weight - k->sums[i].weight) * way * way;
  }
  return sum;
}

static void
add_value (cluster_seen_book *book, double value, uint64_t numbers)
{
  /* What none of the numbers becomes is no value of theirs. */
  if (numbers > 0)
    cluster_seen_values (book)[book->count++] = (cluster_seen_value){ value, numbers };
}

/* Each number goes to its nearest value, as it will when it is written. */
static void
assign (bench *b, cluster_seen_book *book, uint32_t count)
{
  const kmeans1d *k = &b->k;
  uint32_t first = 0;
  for (uint32_t i = 0; i < count; i++) {
    double value = b->centres[i];
    uint32_t last = i + 1 == count ? k->count
                                   : kmeans1d_above (k, kmeans1d_middle (value, b->centres[i + 1]));
    double numbers = k->sums[last].weight - k->sums[first].weight;
    b->seen->squares += squares_of (k, first, last, value);
    add_value (book, value, (uint64_t)numbers + (value == 0 ? b->zeros : 0));
    first = last;
  }
}

static void
count_bits (bench *b, cluster_seen_book *book)
{
  const cluster_seen_value *values = cluster_seen_values (book);
  uint64_t all = 0;
  for (uint32_t i = 0; i < book->count; i++)
    all += values[i].numbers;
  for (uint32_t i = 0; i < book->count; i++)
    b->seen->bits += (double)values[i].numbers * log2 ((double)all / (double)values[i].numbers);
  b->seen->numbers += all;
}

static bool
has_zero (const double *centres, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++)
    if (centres[i] == 0)
      return true;
  return false;
}

static adze_status
make_book (bench *b, uint64_t number)
{
  const cluster_entry *entry = b->entry;
  cluster_seen_book *book = cluster_seen_book_at (b->seen, entry->k, number);
  size_t count = gather (b, number);
  uint32_t wanted = entry->k - (b->zeros > 0), centres = 0;
  bool draws = entry->how == CLUSTER_RANDOM || entry->how == CLUSTER_PLUS_PLUS;
  adze_status status = draws ? draw (b, number) : ADZE_OK;
  if (status != ADZE_OK)
    return status;
  if (count > 0) {
    kmeans1d_sort (&b->k, count);
    centres = write_centres (entry, b->centres, find_centres (b, wanted));
  }
  book->zero_apart = b->zeros > 0 && !has_zero (b->centres, centres);
  if (book->zero_apart)
    add_value (book, 0, b->zeros);
  if (count > 0)
    assign (b, book, centres);
  count_bits (b, book);
  return ADZE_OK;
}

adze_status
cluster_observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
                 void *accumulator)
{
  (void)call;
  bench b = { .host = host,
              .input = input,
              .entry = cluster_entry_of ((const cluster *)instance, input->name),
              .seen = (cluster_seen *)accumulator };
  adze_status status = cluster_check_plain (host, b.entry, input);
  if (status == ADZE_OK)
    status = check_finite (host, input);
  if (status == ADZE_OK)
    status = open_bench (&b);
  if (status != ADZE_OK)
    return status;
  b.seen->books = b.entry->book_count;
  for (uint64_t i = 0; status == ADZE_OK && i < b.entry->book_count; i++)
    status = make_book (&b, i);
  host->release (host, b.memory);
  return status;
}
