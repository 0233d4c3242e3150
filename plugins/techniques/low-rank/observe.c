/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a tensor a rank keeps, or which is the least that keeps enough. */
#include "low-rank.h"

#include <math.h>

/* The tensor with its longer side along the rows, turned, and its squares summed up. */
typedef struct sight {
  const adze_host *host;
  const low_rank_entry *entry;
  matrix wide, turned;
  double total;
  low_rank_seen *seen;
} sight;

/* Of SQUARES, COUNT of them and the largest first, that add up to no more than the total. */
static void
choose_rank (sight *s, const double *squares, size_t count)
{
  double enough = s->entry->energy * s->total, kept = 0;
  size_t rank = s->entry->energy > 0 ? 0 : s->entry->rank;
  if (s->entry->energy > 0)
    while (rank < count && (rank == 0 || kept < enough))
      kept += squares[rank++];
  s->seen->rank = rank;
}

/* What lies behind the rank is added up from its small end, and so is right even where it is nearly nothing. */
static void
tell_exact (sight *s, const double *squares, size_t count)
{
  double lost = 0;
  for (size_t i = count; i-- > s->seen->rank;)
    lost += squares[i];
  s->seen->energy = s->total > 0 ? 1 - lost / s->total : 1;
  s->seen->error = s->total > 0 ? sqrt (lost / s->total) : 0;
}

static adze_status
see_exactly (sight *s, double *squares)
{
  size_t count = s->wide.rows;
  adze_status status = matrix_spectrum (s->host, &s->wide, &s->turned, squares);
  if (status != ADZE_OK)
    return status;
  /* As the values add up, so that all of them together are all of it. */
  s->total = 0;
  for (size_t i = count; i-- > 0;)
    s->total += squares[i];
  choose_rank (s, squares, count);
  tell_exact (s, squares, count);
  return status;
}

/* ---- Randomised. */

/* Squares of what a basis of WIDTH catches, the largest first. */
static adze_status
catch_some (sight *s, size_t width, double *squares)
{
  matrix basis = { 0 }, caught = { 0 }, turned = { 0 };
  adze_status status = matrix_sketch (s->host, s->entry->name, &s->wide, &s->turned, width, s->entry->steps, &basis);
  if (status == ADZE_OK)
    status = matrix_multiply (s->host, &basis, width, &s->wide, &caught);
  if (status == ADZE_OK)
    status = matrix_turn (s->host, &caught, &turned);
  if (status == ADZE_OK)
    status = matrix_spectrum (s->host, &caught, &turned, squares);
  matrix_free (s->host, &basis);
  matrix_free (s->host, &caught);
  matrix_free (s->host, &turned);
  return status;
}

static double
sum_of (const double *squares, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += squares[i];
  return sum;
}

/* By energy: twice as wide until enough is caught, or until there is no more. */
static adze_status
see_at_random (sight *s, double *squares)
{
  enum { FIRST = 16 };
  size_t all = s->wide.rows, beyond = s->entry->beyond;
  size_t rank = s->entry->energy > 0 ? FIRST : s->entry->rank, width = 0;
  adze_status status = ADZE_OK;
  for (bool enough = false; status == ADZE_OK && !enough; rank *= 2) {
    width = rank < all && beyond < all - rank ? rank + beyond : all;
    status = catch_some (s, width, squares);
    size_t counted = rank < width ? rank : width;
    enough = s->entry->energy == 0 || width == all || sum_of (squares, counted) >= s->entry->energy * s->total;
  }
  if (status != ADZE_OK)
    return status;
  choose_rank (s, squares, width);
  s->seen->width = width;
  double kept = s->total > 0 ? sum_of (squares, (size_t)s->seen->rank) / s->total : 1;
  s->seen->energy = kept < 1 ? kept : 1;
  s->seen->error = kept < 1 ? sqrt (1 - kept) : 0;
  return status;
}

/* ---- One tensor. */

static void
sight_end (sight *s)
{
  matrix_free (s->host, &s->wide);
  matrix_free (s->host, &s->turned);
}

static adze_status
open_sight (sight *s, const adze_tensor *input)
{
  int exponent;
  matrix m = { 0 }, turned = { 0 };
  adze_status status = low_rank_read (s->host, s->entry, input, &m, &exponent);
  if (status == ADZE_OK)
    status = matrix_turn (s->host, &m, &turned);
  bool tall = m.rows > m.columns;
  s->wide = tall ? turned : m;
  s->turned = tall ? m : turned;
  for (size_t i = 0; status == ADZE_OK && i < s->wide.rows; i++)
    s->total += matrix_dot (matrix_row (&s->wide, i), matrix_row (&s->wide, i), s->wide.columns);
  return status;
}

adze_status
low_rank_observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
                  void *accumulator)
{
  (void)call;
  sight s = { .host = host,
              .entry = low_rank_entry_of ((const low_rank *)instance, input->name),
              .seen = (low_rank_seen *)accumulator };
  matrix squares = { 0 };
  adze_status status = open_sight (&s, input);
  if (status == ADZE_OK)
    status = matrix_new (host, 1, s.wide.rows, &squares);
  if (status == ADZE_OK)
    status = s.entry->randomised ? see_at_random (&s, squares.at) : see_exactly (&s, squares.at);
  s.seen->seen = status == ADZE_OK;
  matrix_free (host, &squares);
  sight_end (&s);
  return status;
}
