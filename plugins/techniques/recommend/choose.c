/* SPDX-License-Identifier: Apache-2.0 */
/* choose.c: a price for weight is found at which each item's best option, chosen for itself, keeps to the limit.
 * What that leaves unused is then used up exactly: among the items whose choice was least clear all ways are
 * searched, but for those that a bound shows to be no better. */
#include "choose.h"

#include <stdlib.h>
#include <string.h>

/* ---- Options that make sense. */

static int
by_weight (const void *left, const void *right)
{
  const choose_option *a = (const choose_option *)left, *b = (const choose_option *)right;
  if (a->weight != b->weight)
    return a->weight < b->weight ? -1 : 1;
  if (a->cost != b->cost)
    return a->cost < b->cost ? -1 : 1;
  return a->tag < b->tag ? -1 : a->tag > b->tag;
}

/* One that is heavier than another and costs no less is never chosen. */
static void
thin_out (choose_item *item)
{
  uint32_t kept = 0;
  qsort (item->options, item->count, sizeof *item->options, by_weight);
  for (uint32_t i = 0; i < item->count; i++)
    if (kept == 0 || item->options[i].cost < item->options[kept - 1].cost)
      item->options[kept++] = item->options[i];
  item->count = kept;
  item->chosen = 0;
}

double
choose_weight (const choose_item *items, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += items[i].options[items[i].chosen].weight;
  return sum;
}

double
choose_cost (const choose_item *items, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += items[i].options[items[i].chosen].cost;
  return sum;
}

/* ---- A price. */

static double
priced (const choose_option *option, double price)
{
  return option->cost + price * option->weight;
}

/* The lighter one of equally good ones. */
static uint32_t
best_at (const choose_item *item, double price)
{
  uint32_t best = 0;
  for (uint32_t i = 1; i < item->count; i++)
    if (priced (&item->options[i], price) < priced (&item->options[best], price))
      best = i;
  return best;
}

static double
take_all_at (choose_item *items, size_t count, double price)
{
  for (size_t i = 0; i < count; i++)
    items[i].chosen = best_at (&items[i], price);
  return choose_weight (items, count);
}

/* The least price that keeps to the limit, to the last digits; weight goes down as it goes up. */
static double
find_price (choose_item *items, size_t count, double limit)
{
  double low = 0, high = 1e-300;
  if (take_all_at (items, count, 0) <= limit)
    return 0;
  while (high < 1e300 && take_all_at (items, count, high) > limit) {
    low = high;
    high *= 1e6;
  }
  for (int i = 0; i < 200 && high - low > low * 1e-15; i++) {
    double middle = low + (high - low) / 2;
    if (take_all_at (items, count, middle) > limit)
      low = middle;
    else
      high = middle;
  }
  take_all_at (items, count, high);
  return high;
}

/* ---- What is left unused. */

/* While something fits: the change that saves the most. */
static void
use_up (choose_item *items, size_t count, double limit)
{
  double used = choose_weight (items, count);
  for (;;) {
    size_t where = count;
    uint32_t what = 0;
    double most = 0;
    for (size_t i = 0; i < count; i++) {
      const choose_option *now = &items[i].options[items[i].chosen];
      for (uint32_t k = 0; k < items[i].count; k++) {
        double saved = now->cost - items[i].options[k].cost;
        if (saved > most && used - now->weight + items[i].options[k].weight <= limit) {
          most = saved;
          where = i;
          what = k;
        }
      }
    }
    if (where == count)
      return;
    items[where].chosen = what;
    used = choose_weight (items, count);
  }
}

/* ---- The search. */

enum { PRICES = 9, CORE = 24 };

/* So many steps where the items are more than can surely be searched to the end. */
static const uint64_t step_limit = UINT64_C (4000000);

typedef struct search {
  choose_item *items[CORE];
  size_t count;
  double prices[PRICES];
  double least[PRICES][CORE + 1]; /* of the items from one on, at a price: each as if it were alone */
  uint32_t now[CORE], best[CORE];
  double best_cost;
  uint64_t steps; /* that are left; 0: no more */
} search;

/* What the items from DEPTH on cost at least, ROOM being left. */
static double
bound (const search *s, size_t depth, double room)
{
  double most = 0;
  for (int p = 0; p < PRICES; p++) {
    double least = s->least[p][depth] - s->prices[p] * room;
    most = least > most ? least : most;
  }
  return most;
}

static void
descend (search *s, size_t depth, double room, double cost)
{
  if (depth == s->count) {
    if (cost < s->best_cost) {
      s->best_cost = cost;
      memcpy (s->best, s->now, sizeof s->best);
    }
    return;
  }
  const choose_item *item = s->items[depth];
  for (uint32_t k = item->count; k-- > 0 && s->steps > 0;) {
    const choose_option *option = &item->options[k];
    double left = room - option->weight;
    s->steps--;
    if (left < 0 || cost + option->cost + bound (s, depth + 1, left) >= s->best_cost)
      continue;
    s->now[depth] = k;
    descend (s, depth + 1, left, cost + option->cost);
  }
}

static void
set_bounds (search *s, double price)
{
  for (int p = 0; p < PRICES; p++) {
    static const double times[PRICES] = { 0, 0.1, 0.3, 0.6, 1, 1.6, 3, 10, 100 };
    s->prices[p] = price * times[p];
    s->least[p][s->count] = 0;
    for (size_t i = s->count; i-- > 0;) {
      const choose_item *item = s->items[i];
      s->least[p][i] = s->least[p][i + 1] + priced (&item->options[best_at (item, s->prices[p])], s->prices[p]);
    }
  }
}

/* How little the price must be off for another option to be as good. */
typedef struct doubt {
  double gap;
  size_t item;
} doubt;

static int
by_gap (const void *left, const void *right)
{
  const doubt *a = (const doubt *)left, *b = (const doubt *)right;
  if (a->gap != b->gap)
    return a->gap < b->gap ? -1 : 1;
  return a->item < b->item ? -1 : a->item > b->item;
}

static doubt
doubt_of (const choose_item *items, size_t number, double price)
{
  const choose_item *item = &items[number];
  double best = priced (&item->options[best_at (item, price)], price);
  doubt d = { 1e300, number };
  for (uint32_t k = 0; k < item->count; k++) {
    double gap = priced (&item->options[k], price) - best;
    if (k != best_at (item, price) && gap < d.gap)
      d.gap = gap;
  }
  return d;
}

static choose_result
search_core (choose_item *items, size_t count, double limit, double price)
{
  doubt *doubts = (doubt *)malloc ((count + 1) * sizeof *doubts);
  if (!doubts)
    return CHOOSE_NO_MEMORY;
  for (size_t i = 0; i < count; i++)
    doubts[i] = doubt_of (items, i, price);
  qsort (doubts, count, sizeof *doubts, by_gap);
  search s = { .count = count < CORE ? count : CORE, .steps = count <= CHOOSE_SURE ? UINT64_MAX : step_limit };
  double room = limit - choose_weight (items, count);
  for (size_t i = 0; i < s.count; i++) {
    s.items[i] = &items[doubts[i].item];
    s.best[i] = s.now[i] = s.items[i]->chosen;
    room += s.items[i]->options[s.best[i]].weight;
    s.best_cost += s.items[i]->options[s.best[i]].cost;
  }
  free (doubts);
  set_bounds (&s, price);
  descend (&s, 0, room, 0);
  for (size_t i = 0; i < s.count; i++)
    s.items[i]->chosen = s.best[i];
  return CHOOSE_DONE;
}

choose_result
choose (choose_item *items, size_t count, double limit)
{
  for (size_t i = 0; i < count; i++)
    thin_out (&items[i]);
  if (choose_weight (items, count) > limit)
    return CHOOSE_BEYOND;
  double price = find_price (items, count, limit);
  use_up (items, count, limit);
  return price > 0 ? search_core (items, count, limit, price) : CHOOSE_DONE;
}
