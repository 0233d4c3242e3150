/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/schedule.h"

#include <math.h>

static bool
is_rate (double number)
{
  return isfinite (number) && number >= 0;
}

static adze_error *
refuse (const char *what, double found, const char *needed)
{
  adze_error *error = adze_error_new (ADZE_E_PARAM, "the learning rate's %s is %g; it must be %s",
                                      what, found, needed);
  adze_error_set (error, "needed", needed);
  adze_error_setf (error, "found", "%g", found);
  return error;
}

adze_error *
adze_schedule_check (const adze_schedule *s)
{
  bool falls = s->kind == ADZE_SCHEDULE_COSINE || s->kind == ADZE_SCHEDULE_POLYNOMIAL;
  if (s->kind < ADZE_SCHEDULE_CONSTANT || s->kind > ADZE_SCHEDULE_POLYNOMIAL)
    return adze_error_new (ADZE_E_PARAM, "the learning rate follows no schedule of number %d",
                           (int)s->kind);
  if (!is_rate (s->rate))
    return refuse ("highest value", s->rate, "a finite number from 0 on");
  if (s->kind == ADZE_SCHEDULE_STEP && s->every == 0)
    return refuse ("count of steps between two factors", 0, "1 or more");
  if (s->kind == ADZE_SCHEDULE_STEP && !is_rate (s->factor))
    return refuse ("factor", s->factor, "a finite number from 0 on");
  if (falls && s->total <= s->warm_up)
    return refuse ("count of steps in all", (double)s->total, "above that of the warm-up");
  if (falls && (!is_rate (s->least) || s->least > s->rate))
    return refuse ("least value", s->least, "from 0 to the highest one");
  if (s->kind == ADZE_SCHEDULE_POLYNOMIAL && !(isfinite (s->power) && s->power > 0))
    return refuse ("power", s->power, "a finite number above 0");
  return NULL;
}

/* How much of what lies between LEAST and RATE is left when the part PASSED, 0 to 1, is over. */
static double
rest (const adze_schedule *s, double passed)
{
  if (s->kind == ADZE_SCHEDULE_COSINE)
    return 0.5 * (1 + cos (acos (-1.0) * passed));
  return pow (1 - passed, s->power);
}

double
adze_schedule_rate (const adze_schedule *s, uint64_t step)
{
  if (step < s->warm_up)
    return s->rate * ((double)step + 1) / (double)s->warm_up;
  uint64_t after = step - s->warm_up;
  switch (s->kind) {
  case ADZE_SCHEDULE_STEP:
    return s->rate * pow (s->factor, (double)(after / s->every));
  case ADZE_SCHEDULE_COSINE:
  case ADZE_SCHEDULE_POLYNOMIAL:
    if (step >= s->total)
      return s->least;
    return s->least
           + (s->rate - s->least) * rest (s, (double)after / (double)(s->total - s->warm_up));
  case ADZE_SCHEDULE_CONSTANT:
    break;
  }
  return s->rate;
}
