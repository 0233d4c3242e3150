/* SPDX-License-Identifier: Apache-2.0 */
/* cluster-peer: the kernels of cluster by themselves, for bench-cluster.sh.
 *   make KIND COUNT SEED FILE   writes float32: normal, mixture (of two bells) or tails (Student, t = 3)
 *   time FILE K                 prints the processor's seconds and the squared error of the exact codebook
 *   check FILE K                the same for dynamic programming over all points, one number of clusters after
 *                               the other, and whether clusters begin at the same points */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../plugins/techniques/cluster/kmeans1d.c"
#include "../../plugins/techniques/cluster/points.c"

static uint64_t state;

static double
unit (void)
{
  uint64_t z = (state += UINT64_C (0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double
normal (void)
{
  double size = sqrt (-2 * log (unit ()));
  return size * cos (6.283185307179586 * unit ());
}

static double
tails (void)
{
  double sum = 0, top = normal ();
  for (int i = 0; i < 3; i++) {
    double x = normal ();
    sum += x * x;
  }
  return top / sqrt (sum / 3);
}

static double
draw (const char *kind)
{
  if (kind[0] == 't')
    return tails ();
  return kind[0] == 'm' ? normal () * 0.3 + (unit () < 0.5 ? -2 : 1) : normal ();
}

static void
must (int right, const char *what)
{
  if (right)
    return;
  perror (what);
  exit (1);
}

static double
now (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static size_t
read_numbers (const char *path, float **numbers)
{
  FILE *file = fopen (path, "rb");
  must (file && fseek (file, 0, SEEK_END) == 0, path);
  size_t count = (size_t)ftell (file) / sizeof **numbers;
  rewind (file);
  *numbers = malloc (count * sizeof **numbers);
  must (*numbers && fread (*numbers, sizeof **numbers, count, file) == count, path);
  fclose (file);
  return count;
}

static double
cost_of (const kmeans1d *k, const uint32_t *ends, uint32_t count)
{
  double sum = 0;
  for (uint32_t i = 0; i < count; i++)
    sum += cost (&k->sums[ends[i]], &k->sums[ends[i + 1]]);
  return sum;
}

/* ---- One number of clusters after the other. Where the last cluster of the best way begins does not move
 * back as the end goes on: the middle end of a range halves the range of both. */

typedef struct stage {
  const kmeans1d_sum *sums;
  const double *before;
  double *best;
  uint32_t *begins;
} stage;

static void
halve (const stage *s, uint32_t first, uint32_t last, uint32_t low, uint32_t high)
{
  if (first > last)
    return;
  uint32_t end = first + (last - first) / 2, found = low;
  double least = INFINITY;
  for (uint32_t begin = low; begin <= high && begin < end; begin++) {
    double sum = s->before[begin] + cost (&s->sums[begin], &s->sums[end]);
    if (sum < least) {
      least = sum;
      found = begin;
    }
  }
  s->best[end] = least;
  s->begins[end] = found;
  if (end > first)
    halve (s, first, end - 1, low, found);
  halve (s, end + 1, last, found, high);
}

static void
all_points (const kmeans1d *k, uint32_t wanted, uint32_t *ends)
{
  size_t room = (size_t)k->count + 1;
  double *before = malloc (room * sizeof *before), *best = malloc (room * sizeof *best);
  uint32_t *begins = malloc (wanted * room * sizeof *begins);
  must (before && best && begins, "no memory");
  for (uint32_t end = 1; end <= k->count; end++)
    before[end] = cost (&k->sums[0], &k->sums[end]);
  before[0] = 0;
  for (uint32_t q = 2; q <= wanted; q++) {
    const stage s = { k->sums, before, best, begins + (q - 1) * room };
    best[0] = 0;
    halve (&s, 1, k->count, 0, k->count - 1);
    double *other = before;
    before = best;
    best = other;
  }
  ends[wanted] = k->count;
  for (uint32_t q = wanted; q > 1; q--)
    ends[q - 1] = begins[(q - 1) * room + ends[q]];
  ends[0] = 0;
  free (before);
  free (best);
  free (begins);
}

/* ---- Verbs. */

static void
make (char **words)
{
  FILE *file = fopen (words[5], "wb");
  must (file != NULL, words[5]);
  state = strtoull (words[4], NULL, 10);
  for (uint64_t count = strtoull (words[3], NULL, 10); count > 0; count--) {
    float number = (float)draw (words[2]);
    must (fwrite (&number, sizeof number, 1, file) == 1, words[5]);
  }
  must (fclose (file) == 0, words[5]);
}

static void
measure (char **words, int check)
{
  float *numbers;
  size_t count = read_numbers (words[2], &numbers), size = kmeans1d_room (count, count, false);
  uint32_t wanted = (uint32_t)strtoul (words[3], NULL, 10);
  uint32_t *ends = malloc ((wanted + 1) * sizeof *ends), *others = malloc ((wanted + 1) * sizeof *ends);
  double *centres = malloc (wanted * sizeof *centres), begun = now ();
  void *room = aligned_alloc (64, size);
  kmeans1d k;
  must (ends && others && centres && room, "no memory");
  memset (room, 0, size); /* as the host's memory is */
  kmeans1d_lay (&k, room, count, count, false);
  memcpy (k.numbers, numbers, count * sizeof *numbers);
  kmeans1d_sort (&k, count);
  uint32_t got = kmeans1d_exact (&k, wanted, ends, centres);
  double seconds = now () - begun;
  if (check) {
    begun = now ();
    all_points (&k, got, others);
    seconds = now () - begun;
    printf ("%.3f %.17g %s\n", seconds, cost_of (&k, others, got),
            memcmp (ends, others, (got + 1) * sizeof *ends) == 0 ? "same" : "other");
  } else
    printf ("%.3f %.17g\n", seconds, cost_of (&k, ends, got));
  free (numbers);
  free (ends);
  free (others);
  free (centres);
  free (room);
}

int
main (int count, char **words)
{
  if (count == 6 && strcmp (words[1], "make") == 0)
    make (words);
  else if (count == 4)
    measure (words, strcmp (words[1], "check") == 0);
  else
    return 2;
  return 0;
}
