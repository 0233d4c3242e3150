/* SPDX-License-Identifier: Apache-2.0 */
/* Local learning: sums over examples, and what each rule makes of them. */
#include "rules.h"

#include <math.h>
#include <string.h>

#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O3")
#endif
#if defined __x86_64__ && defined __linux__ && !defined __clang__ /* whose other files would not find them */
#define ANY_WIDTH __attribute__ ((target_clones ("avx512f", "avx2", "default")))
#else
#define ANY_WIDTH
#endif

/* Eight sums side by side, added up in one order: what any width of vectors can do. */
typedef double lanes __attribute__ ((vector_size (64)));
enum { LANES = 8, TOGETHER = 4 };

/* ---- What all rules are made of. */

static inline double
add_up (const lanes *v)
{
  return (((*v)[0] + (*v)[4]) + ((*v)[1] + (*v)[5])) + (((*v)[2] + (*v)[6]) + ((*v)[3] + (*v)[7]));
}

/* Of several examples at once, so that weights are read once for all of them. */
ANY_WIDTH static void
respond_together (const double *w, const double *x, size_t n, double *u)
{
  lanes sums[TOGETHER] = { { 0 } }, a, b;
  double rest[TOGETHER] = { 0 };
  size_t i = 0;
  for (; i < n - n % LANES; i += LANES) {
    memcpy (&a, w + i, sizeof a);
    for (size_t r = 0; r < TOGETHER; r++) {
      memcpy (&b, x + r * n + i, sizeof b);
      sums[r] += a * b;
    }
  }
  for (; i < n; i++)
    for (size_t r = 0; r < TOGETHER; r++)
      rest[r] += w[i] * x[r * n + i];
  for (size_t r = 0; r < TOGETHER; r++)
    u[r] = add_up (&sums[r]) + rest[r];
}

ANY_WIDTH static double
respond_once (const double *w, const double *x, size_t n)
{
  lanes sum = { 0 }, a, b;
  double rest = 0;
  size_t i = 0;
  for (; i < n - n % LANES; i += LANES) {
    memcpy (&a, w + i, sizeof a);
    memcpy (&b, x + i, sizeof b);
    sum += a * b;
  }
  for (; i < n; i++)
    rest += w[i] * x[i];
  return add_up (&sum) + rest;
}

void
rules_respond (const double *w, double bias, const double *x, size_t rows, size_t n, double *u)
{
  size_t together = rows - rows % TOGETHER;
  for (size_t r = 0; r < together; r += TOGETHER)
    respond_together (w, x + r * n, n, u + r);
  for (size_t r = together; r < rows; r++)
    u[r] = respond_once (w, x + r * n, n);
  for (size_t r = 0; r < rows; r++)
    u[r] += bias;
}

void
rules_rectify (double *u, size_t rows)
{
  for (size_t r = 0; r < rows; r++)
    u[r] = u[r] > 0 ? u[r] : 0;
}

ANY_WIDTH static void
gather_together (const double *gain, const double *__restrict x, size_t n, double *__restrict sum)
{
  double a = gain[0], b = gain[1], c = gain[2], d = gain[3];
  for (size_t i = 0; i < n; i++)
    sum[i] = (((sum[i] + a * x[i]) + b * x[n + i]) + c * x[2 * n + i]) + d * x[3 * n + i];
}

ANY_WIDTH static void
gather_once (double gain, const double *__restrict x, size_t n, double *__restrict sum)
{
  for (size_t i = 0; i < n; i++)
    sum[i] += gain * x[i];
}

void
rules_scale (double factor, size_t n, double *w)
{
  for (size_t i = 0; i < n; i++)
    w[i] *= factor;
}

void
rules_gather (const double *gain, const double *x, size_t rows, size_t n, double *delta)
{
  size_t together = rows - rows % TOGETHER;
  memset (delta, 0, n * sizeof *delta);
  for (size_t r = 0; r < together; r += TOGETHER)
    gather_together (gain + r, x + r * n, n, delta);
  for (size_t r = together; r < rows; r++)
    gather_once (gain[r], x + r * n, n, delta);
  rules_scale (1 / (double)rows, n, delta);
}

void
rules_take (double factor, const double *w, size_t n, double *delta)
{
  if (factor != 0)
    gather_once (-factor, w, n, delta);
}

double
rules_length (const double *w, size_t n)
{
  return sqrt (respond_once (w, w, n));
}

void
rules_place (const double *mean, bool unit, size_t n, double *x)
{
  for (size_t i = 0; mean && i < n; i++)
    x[i] -= mean[i];
  double length = unit ? rules_length (x, n) : 0;
  if (length > 0)
    rules_scale (1 / length, n, x);
}

void
rules_add (const double *x, size_t n, double *sum)
{
  gather_once (1, x, n, sum);
}

/* ---- The rules. */

double
rules_hebb (const double *u, size_t rows, double *gain)
{
  memcpy (gain, u, rows * sizeof *gain);
  return 0;
}

double
rules_mean_square (const double *u, size_t rows)
{
  double sum = 0;
  for (size_t r = 0; r < rows; r++)
    sum += u[r] * u[r];
  return sum / (double)rows;
}

double
rules_oja (const double *u, size_t rows, double *gain)
{
  memcpy (gain, u, rows * sizeof *gain);
  return rules_mean_square (u, rows);
}

double
rules_bcm (const double *u, size_t rows, double threshold, double *gain)
{
  for (size_t r = 0; r < rows; r++)
    gain[r] = u[r] * (u[r] - threshold);
  return 0;
}

void
rules_sanger (const double *all, size_t unit, size_t rows, double *gain, double *against)
{
  const double *own = all + unit * rows;
  memcpy (gain, own, rows * sizeof *gain);
  for (size_t j = 0; j <= unit; j++) {
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
      sum += own[r] * all[j * rows + r];
    against[j] = sum / (double)rows;
  }
}

double
rules_soft_wta (const double *u, const double *chances, const uint32_t *winners, uint32_t unit, bool unlearn,
                size_t rows, double *gain)
{
  double decay = 0;
  for (size_t r = 0; r < rows; r++) {
    gain[r] = unlearn && winners[r] != unit ? -chances[r] : chances[r];
    decay += gain[r] * u[r];
  }
  return decay / (double)rows;
}

/* ---- Competition. */

void
rules_chances (const double *u, size_t stride, size_t units, double temperature, double *chances)
{
  double most = units == 1 ? 0 : u[0], sum = 0;
  for (size_t k = 0; k < units; k++)
    most = u[k * stride] > most ? u[k * stride] : most;
  for (size_t k = 0; k < units; k++) {
    chances[k * stride] = exp ((u[k * stride] - most) / temperature);
    sum += chances[k * stride];
  }
  if (units == 1)
    sum += exp (-most / temperature);
  for (size_t k = 0; k < units; k++)
    chances[k * stride] /= sum;
}

uint32_t
rules_winner (const double *u, size_t stride, size_t units)
{
  size_t best = 0;
  for (size_t k = 1; k < units; k++)
    if (u[k * stride] > u[best * stride])
      best = k;
  return (uint32_t)best;
}

uint32_t
rules_draw (const double *chances, size_t stride, size_t units, double uniform)
{
  double sum = 0;
  size_t last = units == 1 ? 1 : units - 1;
  for (size_t k = 0; k < last; k++) {
    sum += chances[k * stride];
    if (uniform < sum)
      return (uint32_t)k;
  }
  return (uint32_t)last;
}

/* ---- Rewards. */

double
rules_eligible (double chance, bool drawn, double temperature)
{
  return ((drawn ? 1 : 0) - chance) / temperature;
}

ANY_WIDTH void
rules_reward (double decay, double eligible, double praise, const double *__restrict x, size_t n,
              double *__restrict trace, double *__restrict delta)
{
  for (size_t i = 0; i < n; i++) {
    trace[i] = decay * trace[i] + eligible * x[i];
    delta[i] += praise * trace[i];
  }
}

/* ---- Homeostasis. */

double
rules_slide (double mean, double seen, double rate)
{
  return mean < 0 ? seen : mean + rate * (seen - mean);
}

double
rules_activity (const double *u, size_t rows)
{
  double sum = 0;
  for (size_t r = 0; r < rows; r++)
    sum += u[r] > 0 ? u[r] : 0;
  return sum / (double)rows;
}

double
rules_share (const double *u, size_t rows)
{
  size_t count = 0;
  for (size_t r = 0; r < rows; r++)
    count += u[r] > 0;
  return (double)count / (double)rows;
}

/* ACTIVITY is a mean that slides at RATE, and what is done must come after it by a quarter of its pace, or the two
 * would swing. A single step never does more than double or halve. */
double
rules_scaling (double activity, double target, double rate)
{
  double factor = 1 + rate / 4 * (target - activity) / target;
  return factor < 0.5 ? 0.5 : factor > 2 ? 2 : factor;
}

double
rules_shift (double activity, double target, double rate)
{
  double wanted = (target - activity) / target;
  return rate / 4 * (wanted < -1 ? -1 : wanted);
}

/* ---- How fast each weight changes. */

ANY_WIDTH void
rules_adapt (const double *__restrict delta, double rate, size_t n, double *__restrict drift,
             double *__restrict speed)
{
  const double least = 0.125, most = 8, kept = 0.9, up = 1 + rate, down = 1 / (1 + rate);
  for (size_t i = 0; i < n; i++) {
    double agreement = delta[i] * drift[i];
    double next = speed[i] * (agreement > 0 ? up : agreement < 0 ? down : 1);
    speed[i] = next < least ? least : next > most ? most : next;
    drift[i] = kept * drift[i] + (1 - kept) * delta[i];
  }
}

ANY_WIDTH void
rules_apply (const double *__restrict delta, double rate, const double *__restrict speed, double strength,
             const double *__restrict importance, size_t n, double *__restrict w)
{
  for (size_t i = 0; i < n; i++) {
    double step = rate * delta[i];
    if (speed)
      step *= speed[i];
    if (importance)
      step /= 1 + strength * importance[i];
    w[i] += step;
  }
}
