/* SPDX-License-Identifier: Apache-2.0 */
/* The clusters of least squared error.
 *
 * Dynamic programming over "the best q clusters of the first t points" takes k rounds over all points. A
 * price for each cluster takes their place: then one round finds the best number of clusters at that price
 * and, since a cluster more never saves as much as the one before it, there is a price at which k of them
 * are best (Aggarwal, Schieber and Tokuyama, "Finding a minimum-weight k-link path in graphs with the
 * concave Monge property and applications", 1994). It is looked for among few points, each standing for
 * many, and mostly holds for all of them.
 *
 * One round is done from left to right: where the last cluster of the best way to a point begins never
 * moves back as the point goes on, so that each begin is the best one for one run of ends, and these
 * runs are kept in a queue. */
#include <math.h>

#include "kmeans1d.h"

/* What one round works on. */
typedef struct level {
  kmeans1d_sum *sums;
  uint32_t count;
  uint32_t *begins; /* count + 1: of the last cluster on the best way to each point */
  kmeans1d_turn *turns;
} level;

/* A point by itself costs nothing; the sums would say so but for what was rounded. */
static inline double
cost (const kmeans1d_sum *from, const kmeans1d_sum *to)
{
  double weight = to->weight - from->weight, first = to->first - from->first;
  double second = to->second - from->second, squares = second - first * first / weight;
  return to == from + 1 || squares < 0 ? 0 : squares;
}

/* Does a last cluster from LATER on make a better end of UNTIL points than one from EARLIER on? */
static inline bool
beats (const kmeans1d_sum *sums, uint32_t later, uint32_t earlier, uint32_t until)
{
  return sums[later].best + cost (&sums[later], &sums[until])
         < sums[earlier].best + cost (&sums[earlier], &sums[until]);
}

/* The first end from FIRST on at which LATER is better, or LAST + 1; at FIRST it is not. It is mostly
 * near, and what is near is in the cache. */
static uint32_t
find_turn (const kmeans1d_sum *sums, uint32_t later, uint32_t earlier, uint32_t first, uint32_t last)
{
  uint64_t low = first, high = (uint64_t)last + 1;
  for (uint64_t step = 1; low + step < high; step *= 2)
    if (beats (sums, later, earlier, (uint32_t)(low + step)))
      high = low + step;
    else
      low += step;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    if (beats (sums, later, earlier, (uint32_t)middle))
      high = middle;
    else
      low = middle;
  }
  return (uint32_t)high;
}

/* Puts the clusters that begin at a point into the queue, whose best one for the next end is at HEAD;
 * the new TAIL. */
static uint32_t
add_begin (const level *l, uint32_t begin, uint32_t head, uint32_t tail)
{
  uint32_t last = l->count;
  for (;;) {
    const kmeans1d_turn *back = &l->turns[tail - 1];
    uint32_t first = back->from > begin ? back->from : begin + 1;
    if (!beats (l->sums, begin, back->begin, first)) {
      uint32_t turn = find_turn (l->sums, begin, back->begin, first, last);
      if (turn <= l->count)
        l->turns[tail++] = (kmeans1d_turn){ begin, turn };
      return tail;
    }
    if (--tail == head) {
      l->turns[tail++] = (kmeans1d_turn){ begin, first };
      return tail;
    }
    last = first;
  }
}

/* How many clusters are best at a price; l->begins says which. */
static uint32_t
cluster_at (const level *l, double price)
{
  kmeans1d_sum *sums = l->sums;
  uint32_t head = 0, tail = 1, clusters = 0;
  sums[0].best = 0;
  l->turns[0] = (kmeans1d_turn){ 0, 1 };
  for (uint32_t end = 1; end <= l->count; end++) {
    while (head + 1 < tail && l->turns[head + 1].from <= end)
      head++;
    uint32_t begin = l->turns[head].begin;
    sums[end].best = sums[begin].best + cost (&sums[begin], &sums[end]) + price;
    l->begins[end] = begin;
    if (end < l->count)
      tail = add_begin (l, end, head, tail);
  }
  for (uint32_t end = l->count; end > 0; end = l->begins[end])
    clusters++;
  return clusters;
}

/* ---- The price. */

typedef struct search {
  double price;
  double low;  /* gives too many clusters; 0: none is known */
  double high; /* too few; infinite: none is known */
} search;

/* The next price to try, CLUSTERS being what the last one gave, and PRESSED how many in a row missed to
 * the same side. For numbers of one hump the price goes as the third power of the clusters. */
static double
next_price (const search *s, uint32_t clusters, uint32_t wanted, unsigned pressed)
{
  double ratio = (clusters + 0.5) / (wanted + 0.5), guess = s->price * (ratio * ratio * ratio);
  if (s->low == 0 || isinf (s->high))
    return pressed < 2 ? guess : s->price * pow (ratio, pressed < 9 ? 1 << pressed : 512);
  if (pressed < 2 && guess > s->low && guess < s->high)
    return guess;
  return s->high > 2 * s->low ? sqrt (s->low) * sqrt (s->high) : s->low + (s->high - s->low) / 2;
}

/* True: l->begins has WANTED clusters. False: no price gives that many, as far as float64 can tell. */
static bool
find_price (const level *l, uint32_t wanted, search *s)
{
  unsigned pressed = 0;
  bool was_more = false;
  for (;;) {
    uint32_t clusters = cluster_at (l, s->price);
    if (clusters == wanted)
      return true;
    bool more = clusters > wanted;
    pressed = more == was_more ? pressed + 1 : 0;
    was_more = more;
    *(more ? &s->low : &s->high) = s->price;
    double next = next_price (s, clusters, wanted, pressed);
    if (!(next > s->low && next < s->high))
      return false;
    s->price = next;
  }
}

/* How far the price can go to one side until the number of clusters is another. */
static double
farthest (const level *l, uint32_t wanted, double price, double limit)
{
  for (int i = 0; i < 6; i++) {
    double try = limit > 0 && !isinf (limit) ? sqrt (price) * sqrt (limit)
                 : limit > 0                 ? price * (1 + 2.0 / wanted)
                                             : price / (1 + 2.0 / wanted);
    if (cluster_at (l, try) == wanted)
      price = try;
    else
      limit = try;
  }
  return price;
}

/* ---- Few points for many. */

/* The third root, but for some percent. */
static inline double
root3 (double x)
{
  union {
    double number;
    uint64_t bits;
  } u = { x };
  u.bits = u.bits / 3 + UINT64_C (0x2a9f789300000000);
  return u.number;
}

/* An edge in front of a point, the farther from the next the more its gap counts: in proportion to the
 * third root of weight and squared length, the clusters of a good codebook are of equal size, and few
 * numbers that are far from all others have points of their own. */
static inline double
size_of_gap (const kmeans1d *k, uint32_t point)
{
  double gap = (kmeans1d_value (k, point + 1) - kmeans1d_value (k, point)) * k->scale;
  return root3 ((k->sums[point + 1].weight - k->sums[point].weight) * gap * gap);
}

static uint32_t
make_coarse (const kmeans1d *k, uint32_t most)
{
  double all = 0, sum = 0, step;
  for (uint32_t i = 0; i + 1 < k->count; i++)
    all += size_of_gap (k, i);
  step = all / (most - 1);
  uint32_t count = 0;
  double due = 0;
  for (uint32_t i = 0; i + 1 < k->count && count + 1 < most; i++) {
    if (sum >= due) {
      k->coarse[count++] = k->sums[i];
      due = sum + step;
    }
    sum += size_of_gap (k, i);
  }
  k->coarse[count] = k->sums[k->count];
  return count;
}

/* ---- All. */

static void
read_ends (const level *l, uint32_t clusters, uint32_t *ends)
{
  for (uint32_t end = l->count; clusters > 0; end = l->begins[end])
    ends[clusters--] = end;
  ends[0] = 0;
}

/* Where no price gives the number that is wanted, one gives more and the next one fewer, and with it both
 * cost the same. A cluster of the few that has one of the many inside, so many places further on, joins
 * the beginning of the many to the end of the few. */
static uint32_t
join_ways (const level *l, uint32_t wanted, const search *s, uint32_t *ends)
{
  uint32_t few = cluster_at (l, s->high), at = 0, more = wanted - few;
  read_ends (l, few, ends);
  /* That a cluster more saves anything is below what float64 can tell. */
  if (s->low == 0)
    return few;
  uint32_t all = cluster_at (l, s->low);
  uint32_t *many = (uint32_t *)(void *)l->turns; /* the queue is no longer needed */
  read_ends (l, all, many);
  while (ends[at + 1] < many[at + more + 1])
    at++;
  for (uint32_t i = few; i > at; i--)
    ends[i + more] = ends[i];
  for (uint32_t i = 0; i <= at + more; i++)
    ends[i] = many[i];
  return wanted;
}

static double
guess_price (const kmeans1d *k, uint32_t wanted)
{
  double all = cost (&k->sums[0], &k->sums[k->count]);
  double share = k->share > 0 ? k->share : 2.0 / ((double)wanted * wanted * wanted);
  search s = { all > 0 ? share * all : 1, 0, INFINITY };
  uint32_t most = wanted < 16 ? 4096 : wanted < 256 ? wanted * 256 : 65536;
  if (k->share > 0 || k->count < 4 * most)
    return s.price;
  level l = { k->coarse, make_coarse (k, most), (uint32_t *)k->spare, k->turns };
  if (l.count <= wanted || !find_price (&l, wanted, &s))
    return s.price;
  double low = farthest (&l, wanted, s.price, s.low);
  return sqrt (low) * sqrt (farthest (&l, wanted, s.price, s.high));
}

uint32_t
kmeans1d_exact (kmeans1d *k, uint32_t wanted, uint32_t *ends, double *centres)
{
  level l = { k->sums, k->count, (uint32_t *)k->spare, k->turns };
  uint32_t count = wanted < k->count ? wanted : k->count;
  if (count == k->count)
    for (uint32_t i = 0; i <= count; i++)
      ends[i] = i;
  else if (count == 1) {
    ends[0] = 0;
    ends[1] = k->count;
  } else {
    search s = { guess_price (k, count), 0, INFINITY };
    if (find_price (&l, count, &s)) {
      double all = cost (&k->sums[0], &k->sums[k->count]);
      k->share = all > 0 ? s.price / all : 0;
      read_ends (&l, count, ends);
    } else
      count = join_ways (&l, count, &s, ends);
  }
  for (uint32_t i = 0; i < count; i++)
    centres[i] = kmeans1d_mean (k, ends[i], ends[i + 1]);
  return count;
}
