/* SPDX-License-Identifier: Apache-2.0 */
/* work.c: the numbers of one call as doubles. */
#include "work.h"

#include <math.h>

void *
ref_work_room (ref_work *work, size_t count, size_t size)
{
  if (work->status != ADZE_OK)
    return NULL;
  void *room = ref_take (work->call, count, size);
  if (room)
    memset (room, 0, count * size);
  else
    work->status = ref_no_memory (work->call);
  return room;
}

/* ---- Reading. */

/* Exact up to 2^53; who needs all of 64 bits asks for integers. */
static double
integer_at (ref_type type, const void *data, size_t i)
{
  switch (type) {
#define ONE(which, c_type, suffix) \
  case which: \
    return (double)((const c_type *)data)[i];
    REF_EACH_SIGNED (ONE)
    REF_EACH_UNSIGNED (ONE)
#undef ONE
  default: /* a bool */
    return ((const uint8_t *)data)[i];
  }
}

static bool
is_integer (adze_dtype dtype)
{
  return REF_SET (ref_type_of (dtype)) & (REF_SIGNED | REF_UNSIGNED | REF_SET (REF_BOOL));
}

const double *
ref_work_in (ref_work *work, size_t index)
{
  const adze_view *view = ref_in (work->call, index);
  if (!view || work->status != ADZE_OK)
    return NULL;
  const void *data = adze_view_data (view);
  size_t count = adze_view_count (view);
  bool is_float = adze_dtype_is_float (view->dtype);
  if (!is_float && !is_integer (view->dtype)) {
    work->status = ref_refuse_type (work->call, index);
    return NULL;
  }
  if (is_float && view->dtype.bits == 64 && data)
    return (const double *)data;
  double *room = (double *)ref_work_room (work, count, sizeof *room);
  if (room && is_float)
    adze_doubles_read (view->dtype, data, count, room);
  for (size_t i = 0; room && !is_float && i < count; i++)
    room[i] = integer_at (ref_view_type (view), data, i);
  return room;
}

const int64_t *
ref_work_ints (ref_work *work, size_t index)
{
  const adze_view *view = ref_in (work->call, index);
  if (!view || work->status != ADZE_OK)
    return NULL;
  if (!is_integer (view->dtype)) {
    work->status = ref_refuse_type (work->call, index);
    return NULL;
  }
  const void *data = adze_view_data (view);
  if (view->dtype.code == ADZE_INT && view->dtype.bits == 64 && data)
    return (const int64_t *)data;
  size_t count = adze_view_count (view);
  int64_t *room = (int64_t *)ref_work_room (work, count, sizeof *room);
  for (size_t i = 0; room && i < count; i++)
    room[i] = (int64_t)integer_at (ref_view_type (view), data, i);
  return room;
}

double
ref_work_scalar (ref_work *work, size_t index, double preset)
{
  const adze_view *view = ref_in (work->call, index);
  if (view && work->status == ADZE_OK && adze_view_count (view) != 1)
    work->status
        = ref_refuse (work->call, ADZE_E_FORMAT, "input %zu must have one element, not %zu", index,
                      adze_view_count (view));
  const double *number = ref_work_in (work, index);
  return number ? number[0] : preset;
}

/* ---- Writing. */

double *
ref_work_out (ref_work *work, size_t index)
{
  ref_call *call = work->call;
  const adze_view *view = ref_out (call, index);
  if (!view || work->status != ADZE_OK)
    return NULL;
  bool fits = adze_dtype_is_float (view->dtype) || is_integer (view->dtype);
  if (!fits || work->result_count == REF_WORK_RESULTS) {
    work->status = ref_refuse (call, ADZE_E_UNSUPPORTED, "output %zu is of type %s, which it does "
                               "not give", index, ref_type_name (view->dtype));
    return NULL;
  }
  double *room = (double *)ref_work_room (work, adze_view_count (view), sizeof *room);
  if (room) {
    work->results[work->result_count].view = view;
    work->results[work->result_count++].numbers = room;
  }
  return room;
}

/* To the nearest whole number that the type has. */
static void
write_integers (const adze_view *view, const double *numbers, size_t count)
{
  void *data = adze_view_data (view);
  unsigned bits = view->dtype.bits;
  bool is_signed = view->dtype.code == ADZE_INT;
  double least = is_signed ? -ldexp (1, (int)bits - 1) : 0;
  double beyond = ldexp (1, (int)bits - (is_signed ? 1 : 0));
  for (size_t i = 0; i < count; i++) {
    double number = numbers[i] == numbers[i] ? nearbyint (numbers[i]) : 0;
    /* Two's complement: the lower bits of a wider number are the narrower number. */
    uint64_t whole;
    if (number <= least)
      whole = is_signed ? ~UINT64_C (0) << (bits - 1) : 0;
    else if (number >= beyond)
      whole = UINT64_MAX >> (64 - bits + (is_signed ? 1 : 0));
    else
      whole = number < 0 ? (uint64_t)(int64_t)number : (uint64_t)number;
    switch (bits) {
    case 8:
      ((uint8_t *)data)[i] = (uint8_t)whole;
      break;
    case 16:
      ((uint16_t *)data)[i] = (uint16_t)whole;
      break;
    case 32:
      ((uint32_t *)data)[i] = (uint32_t)whole;
      break;
    default:
      ((uint64_t *)data)[i] = whole;
    }
  }
}

static void
write_numbers (const adze_view *view, const double *numbers)
{
  size_t count = adze_view_count (view);
  void *data = adze_view_data (view);
  if (count == 0)
    return;
  if (!adze_dtype_is_float (view->dtype))
    write_integers (view, numbers, count);
  else if (view->dtype.code == ADZE_BFLOAT)
    adze_bfloat_from_doubles ((uint16_t *)data, numbers, count);
  else if (view->dtype.bits == 16)
    adze_half_from_doubles ((uint16_t *)data, numbers, count);
  else if (view->dtype.bits == 32)
    adze_float_from_doubles ((float *)data, numbers, count);
  else
    memcpy (data, numbers, count * sizeof *numbers);
}

adze_status
ref_work_end (ref_work *work, adze_status status)
{
  if (work->status == ADZE_OK)
    work->status = status;
  for (size_t i = 0; work->status == ADZE_OK && i < work->result_count; i++)
    write_numbers (work->results[i].view, work->results[i].numbers);
  return work->status;
}

adze_status
ref_work_run (ref_work *work, size_t count, size_t cost, adze_parallel_body body, void *argument)
{
  if (work->status != ADZE_OK)
    return work->status;
  return ref_work_end (work, adze_parallel_for (work->call->host, count, ref_grain (cost), body,
                                                argument));
}

/* ---- Mean and variance. */

void
ref_moments (const double *numbers, int64_t batch, int64_t step, int64_t count, double *mean,
             double *variance)
{
  double sum = 0, squares = 0, total = (double)batch * (double)count;
  for (int64_t n = 0; n < batch; n++)
    for (int64_t i = 0; i < count; i++)
      sum += numbers[n * step + i];
  *mean = sum / total;
  for (int64_t n = 0; n < batch; n++)
    for (int64_t i = 0; i < count; i++) {
      double away = numbers[n * step + i] - *mean;
      squares += away * away;
    }
  *variance = squares / total;
}

/* ---- Checks that many have. */

adze_status
ref_need (ref_call *call, size_t index, const char *what)
{
  return ref_in (call, index)
             ? ADZE_OK
             : ref_refuse (call, ADZE_E_FORMAT, "%s (input %zu) is left out, and it needs it", what,
                           index);
}

adze_status
ref_need_count (ref_call *call, size_t index, const char *what, size_t count)
{
  const adze_view *view = ref_in (call, index);
  if (!view || adze_view_count (view) == count)
    return ADZE_OK;
  return ref_refuse (call, ADZE_E_FORMAT, "%s (input %zu) has %zu elements; it needs %zu", what,
                     index, adze_view_count (view), count);
}

adze_status
ref_need_alike (ref_call *call)
{
  const adze_view *in = ref_in (call, 0), *out = ref_out (call, 0);
  if (!in || !out)
    return ref_refuse (call, ADZE_E_FORMAT, "its first input or its first output is left out");
  return ref_same_shape (in, out) ? ADZE_OK
                                  : ref_refuse (call, ADZE_E_FORMAT,
                                                "input 0 and output 0 are not of one shape");
}
