/* SPDX-License-Identifier: Apache-2.0 */
/* work.h: the numbers of one call as doubles, whatever type they are kept in.
 *
 * This backend is what others are held against, so sums are formed in double and rounded once, when
 * the result is written. The first failure is kept, and everything after it gives NULL: a kernel
 * looks once, after it has asked for all that it needs. Memory is the call's (ref_take).
 */
#ifndef ADZE_REF_WORK_H
#define ADZE_REF_WORK_H

#include "ref.h"

enum { REF_WORK_RESULTS = 8 };

typedef struct ref_work {
  ref_call *call;
  adze_status status;
  size_t result_count;
  struct {
    const adze_view *view;
    const double *numbers;
  } results[REF_WORK_RESULTS];
} ref_work;

static inline ref_work
ref_work_begin (ref_call *call)
{
  return (ref_work){ .call = call, .status = ADZE_OK };
}

/* COUNT things of SIZE bytes, zeroed. */
void *ref_work_room (ref_work *work, size_t count, size_t size);
/* Input INDEX; NULL where it is left out. Read only. */
const double *ref_work_in (ref_work *work, size_t index);
/* The same as whole numbers; refused where it is of another type. */
const int64_t *ref_work_ints (ref_work *work, size_t index);
/* The one number of input INDEX, or PRESET where it is left out. */
double ref_work_scalar (ref_work *work, size_t index, double preset);
/* Zeroed room for output INDEX, written when the work ends; NULL where nobody asked for it. */
double *ref_work_out (ref_work *work, size_t index);
/* Unless it failed before: writes what was computed if STATUS says that it was. */
adze_status ref_work_end (ref_work *work, adze_status status);
/* Runs BODY over COUNT items of about COST operations each, unless something failed before, and
 * ends the work. */
adze_status ref_work_run (ref_work *work, size_t count, size_t cost, adze_parallel_body body,
                          void *argument);

/* Mean and variance of BATCH runs of COUNT numbers, STEP from one run to the next. Two passes: one
 * alone loses the digits in which the numbers differ. */
void ref_moments (const double *numbers, int64_t batch, int64_t step, int64_t count, double *mean,
                  double *variance);

/* ---- Checks that many have. */

/* Is input INDEX there? */
adze_status ref_need (ref_call *call, size_t index, const char *what);
/* Has it COUNT elements, where it is there? */
adze_status ref_need_count (ref_call *call, size_t index, const char *what, size_t count);
/* Are the first input and the first output there and of the same shape? */
adze_status ref_need_alike (ref_call *call);

/* Has the first output no elements? Its other dimensions may then be of any size. */
static inline bool
ref_is_empty (const ref_call *call)
{
  const adze_view *out = ref_out (call, 0);
  return !out || adze_view_count (out) == 0;
}

static inline int64_t
ref_least (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

static inline int64_t
ref_most (int64_t a, int64_t b)
{
  return a > b ? a : b;
}

/* A number of operations for ref_grain; the product may be larger than any integer. */
static inline size_t
ref_cost (int64_t a, int64_t b, int64_t c)
{
  double cost = (double)a * (double)b * (double)c;
  return cost < 1e9 ? (size_t)cost : 1000000000;
}

/* Is A the text B? */
static inline bool
ref_is (const char *a, const char *b)
{
  return strcmp (a, b) == 0;
}

#endif
